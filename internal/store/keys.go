package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"rmp/internal/gatekeeper"
	"rmp/internal/secret"
)

func keyPlace(id string) string { return "signing key:" + id }

// SigningKeys implements gatekeeper.Store.
func (d *DB) SigningKeys(ctx context.Context) ([]gatekeeper.SigningKey, error) {
	out, err := collect(ctx, d.read, func(rows *sql.Rows) (gatekeeper.SigningKey, error) {
		var k gatekeeper.SigningKey
		var sealed string
		var created int64
		err := rows.Scan(&k.ID, &sealed, &created)
		if err == nil {
			k.Secret, err = d.open(sealed, keyPlace(k.ID))
		}
		k.CreatedAt = instant(created)
		return k, err
	}, `SELECT id, secret, created_at FROM signing_keys ORDER BY created_at DESC, id`)
	return out, d.wrap("read signing keys", err)
}

func (d *DB) insertKey(ctx context.Context, tx txn, k gatekeeper.SigningKey) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO signing_keys (id, secret, created_at) VALUES ($1,$2,$3)`, k.ID, d.seal(k.Secret, keyPlace(k.ID)), micros(k.CreatedAt))
	return err
}

const keysLock = "signing keys"

// AddSigningKey implements gatekeeper.Store.
func (d *DB) AddSigningKey(ctx context.Context, k gatekeeper.SigningKey, keep int) error {
	return d.wrap("add signing key", d.tx(ctx, func(tx txn) error {
		if err := d.dialect.lock(ctx, tx, keysLock); err != nil {
			return err
		}
		if err := d.insertKey(ctx, tx, k); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `DELETE FROM signing_keys WHERE id NOT IN (SELECT id FROM signing_keys ORDER BY created_at DESC, id LIMIT $1)`, keep)
		return err
	}))
}

// FirstSigningKey implements gatekeeper.Store.
func (d *DB) FirstSigningKey(ctx context.Context, k gatekeeper.SigningKey) error {
	return d.wrap("first signing key", d.tx(ctx, func(tx txn) error {
		if err := d.dialect.lock(ctx, tx, keysLock); err != nil {
			return err
		}
		var n int
		if err := tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM signing_keys`).Scan(&n); err != nil || n > 0 {
			return err
		}
		return d.insertKey(ctx, tx, k)
	}))
}

// sealedColumns are the places of all sealed secrets: the table, its key, and
// what the key is bound to.
var sealedColumns = []struct {
	table, key, column string
	place              func(key string) string
}{
	{"signing_keys", "id", "secret", keyPlace},
	{"gatekeeper_users", "id", "cgp_password", userPlace},
	{"sessions", "handle", "cgp_password", sessionPlace},
	{"tenants", "id", "service_password", tenantPlaceOf},
	{"tenants", "id", "server_password", tenantPlaceOf},
	{"tenants", "id", "oidc_secret", tenantPlaceOf},
}

// Reseal seals all secrets that were sealed with an older key with the
// present one, and answers how many. Running processes must know both keys.
func (d *DB) Reseal(ctx context.Context) (int, error) {
	total := 0
	for _, c := range sealedColumns {
		type row struct{ key, sealed string }
		err := d.tx(ctx, func(tx txn) error {
			rows, err := collect(ctx, tx, func(rows *sql.Rows) (r row, err error) { return r, rows.Scan(&r.key, &r.sealed) },
				`SELECT `+c.key+`, `+c.column+` FROM `+c.table+` WHERE `+c.column+`<>''`+d.dialect.forUpdate())
			if err != nil {
				return err
			}
			for _, r := range rows {
				if d.sealer.Current(r.sealed) {
					continue
				}
				var plain secret.Text
				if plain, err = d.open(r.sealed, c.place(r.key)); err == nil {
					_, err = tx.ExecContext(ctx, `UPDATE `+c.table+` SET `+c.column+`=$2 WHERE `+c.key+`=$1`, r.key, d.seal(plain, c.place(r.key)))
				}
				if err != nil {
					return err
				}
				total++
			}
			return nil
		})
		if err != nil {
			return total, d.wrap("seal "+c.table+"."+c.column+" anew", err)
		}
	}
	return total, nil
}

// ErrKey is the error of opening a database whose stored secrets the key does
// not open.
var ErrKey = errors.New("the key does not open what is stored")

// checkKey makes sure that the key opens what the installation cannot do
// without: to go on with another one would seal new secrets beside those.
func (d *DB) checkKey(ctx context.Context, q queryer) error {
	for _, c := range sealedColumns {
		if c.table != "tenants" && c.table != "signing_keys" {
			continue
		}
		_, err := collect(ctx, q, func(rows *sql.Rows) (struct{}, error) {
			var key, sealed string
			err := rows.Scan(&key, &sealed)
			if err == nil {
				if _, kerr := d.open(sealed, c.place(key)); kerr != nil {
					err = fmt.Errorf("%w (%s)", ErrKey, c.table)
				}
			}
			return struct{}{}, err
		}, `SELECT `+c.key+`, `+c.column+` FROM `+c.table+` WHERE `+c.column+`<>''`)
		if err != nil {
			return err
		}
	}
	return nil
}
