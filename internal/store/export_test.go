package store

import (
	"context"

	"rmp/internal/tenant"
)

// Exec runs a statement that the store itself has no way to say.
func Exec(ctx context.Context, d *DB, q string) error {
	_, err := d.exec(ctx, q)
	return err
}

// CountWithin runs a query through a tenant's handle.
func CountWithin(ctx context.Context, d *DB, t tenant.ID, q string, n *int) error {
	return d.For(t).read.QueryRowContext(ctx, q).Scan(n)
}

// Dumped and NotDumped are which tables are in a backup.
var Dumped, NotDumped = dumped, notDumped
