package store

import (
	"context"
	"database/sql"
	"database/sql/driver"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"rmp/internal/tenant"
)

// Tenant is the storage of one tenant. Each of its statements names the
// tenant; on PostgreSQL its connections are also bound to the tenant, so that
// one that forgot to would find nothing of others (row-level security).
type Tenant struct {
	db   *DB
	id   string
	read queryer
}

// For is the handle for the rows of one tenant.
func (d *DB) For(t tenant.ID) *Tenant {
	id := string(t)
	return &Tenant{db: d, id: id, read: scopedReader{d.read, id}}
}

// tx is DB.tx within the tenant.
func (t *Tenant) tx(ctx context.Context, fn func(tx txn) error) error {
	return t.db.tx(within(ctx, t.id), fn)
}

// exec is DB.exec within the tenant.
func (t *Tenant) exec(ctx context.Context, query string, params ...any) (sql.Result, error) {
	return t.db.exec(within(ctx, t.id), query, params...)
}

// scopedReader reads within a tenant.
type scopedReader struct {
	*reader
	id string
}

func (r scopedReader) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	return r.reader.QueryContext(within(ctx, r.id), query, args...)
}

func (r scopedReader) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	return r.reader.QueryRowContext(within(ctx, r.id), query, args...)
}

// allTenants is the scope of work that spans tenants.
const allTenants = "*"

type scopeKey struct{}

func within(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, scopeKey{}, id)
}

func scopeOf(ctx context.Context) string {
	if id, ok := ctx.Value(scopeKey{}).(string); ok {
		return id
	}
	return allTenants
}

// openPostgres makes a pool whose connections are bound to a tenant as they
// are taken out, which costs a round trip only where it is another one than
// before.
func openPostgres(target string) (*sql.DB, error) {
	cfg, err := pgx.ParseConfig(target)
	if err != nil {
		return nil, err
	}
	return stdlib.OpenDB(*cfg, stdlib.OptionAfterConnect(bind), stdlib.OptionResetSession(func(ctx context.Context, c *pgx.Conn) error {
		if bind(ctx, c) != nil {
			return driver.ErrBadConn // any other error would be taken for success
		}
		return nil
	})), nil
}

const boundTo = "rmp.tenant"

func bind(ctx context.Context, c *pgx.Conn) error {
	scope, data := scopeOf(ctx), c.PgConn().CustomData()
	if data[boundTo] == scope {
		return nil
	}
	if _, err := c.Exec(ctx, `SELECT set_config('rmp.tenant', $1, false)`, scope); err != nil {
		return err
	}
	data[boundTo] = scope
	return nil
}

// checkWall warns of a database role to which row-level security does not
// apply.
func (d *DB) checkWall(ctx context.Context) {
	if d.dialect != postgres {
		return
	}
	var passes bool
	err := d.read.QueryRowContext(ctx, `SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname=current_user`).Scan(&passes)
	if err == nil && passes {
		d.log.WarnContext(ctx, "the database role is a superuser, or may bypass row-level security: the second wall between tenants does not hold for it; use a role of its own for RMP")
	}
}
