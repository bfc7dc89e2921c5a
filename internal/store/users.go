package store

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"time"

	"rmp/internal/gatekeeper"
	"rmp/internal/secret"
	"rmp/internal/tenant"
)

var _ gatekeeper.Store = (*DB)(nil)

// seal and open bind a stored secret to its row.
func (d *DB) seal(s secret.Text, place string) string {
	if s == "" {
		return ""
	}
	return d.sealer.Seal(s, place)
}

func (d *DB) open(sealed, place string) (secret.Text, error) {
	if sealed == "" {
		return "", nil
	}
	return d.sealer.Open(sealed, place)
}

const userColumns = `id, tenant_id, email, name, role, cgp_domain, password_hash, cgp_password, active, last_login, version`

func (d *DB) scanUser(scan func(...any) error) (gatekeeper.User, error) {
	var u gatekeeper.User
	var sealed string
	var active, login int64
	err := scan(&u.ID, &u.Tenant, &u.Email, &u.Name, &u.Role, &u.CGPDomain, &u.PasswordHash, &sealed, &active, &login, &u.Version)
	if err == nil {
		u.CGPPassword, err = d.open(sealed, userPlace(u.ID))
	}
	u.Active, u.LastLogin = active != 0, instant(login)
	return u, err
}

func (d *DB) user(ctx context.Context, where string, arg any) (gatekeeper.User, error) {
	u, err := d.scanUser(d.read.QueryRowContext(ctx, `SELECT `+userColumns+` FROM gatekeeper_users WHERE `+where, arg).Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return u, gatekeeper.ErrNoUser
	}
	return u, d.wrap("read user", err)
}

// UserByEmail implements gatekeeper.Store.
func (d *DB) UserByEmail(ctx context.Context, email string) (gatekeeper.User, error) {
	return d.user(ctx, `email=$1`, strings.ToLower(email))
}

// User implements gatekeeper.Store.
func (d *DB) User(ctx context.Context, id string) (gatekeeper.User, error) {
	return d.user(ctx, `id=$1`, id)
}

// Users implements gatekeeper.Store.
func (d *DB) Users(ctx context.Context, t tenant.ID, f gatekeeper.UserFilter) ([]gatekeeper.User, error) {
	var a args
	q := `SELECT ` + userColumns + ` FROM gatekeeper_users WHERE tenant_id=` + a.add(string(t)) + ` AND email>` + a.add(f.After)
	if f.Role != "" {
		q += ` AND role=` + a.add(string(f.Role))
	}
	if f.Query != "" {
		like := a.add("%" + escapeLike(strings.ToLower(f.Query)) + "%")
		q += ` AND (email LIKE ` + like + ` ESCAPE '\' OR LOWER(name) LIKE ` + like + ` ESCAPE '\')`
	}
	q += ` ORDER BY email`
	if f.Limit > 0 {
		q += ` LIMIT ` + a.add(f.Limit)
	}
	out, err := collect(ctx, d.For(t).read, func(rows *sql.Rows) (gatekeeper.User, error) { return d.scanUser(rows.Scan) }, q, a.values...)
	return out, d.wrap("read users", err)
}

// escapeLike makes a text match itself in LIKE.
func escapeLike(s string) string {
	return strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(s)
}

// SaveUser implements gatekeeper.Store.
func (d *DB) SaveUser(ctx context.Context, u *gatekeeper.User, most int) error {
	t := d.For(u.Tenant)
	err := t.tx(ctx, func(tx txn) error {
		if u.ID != "" {
			res, err := tx.ExecContext(ctx, `UPDATE gatekeeper_users SET email=$3, name=$4, role=$5, cgp_domain=$6, password_hash=$7, cgp_password=$8, active=$9,
				version=version+1 WHERE tenant_id=$1 AND id=$2 AND version=$10`, t.id, u.ID, strings.ToLower(u.Email), u.Name, string(u.Role), u.CGPDomain,
				u.PasswordHash, d.seal(u.CGPPassword, userPlace(u.ID)), flag(u.Active), u.Version)
			if err != nil {
				return err
			}
			if n, err := res.RowsAffected(); err != nil || n == 0 {
				return errors.Join(err, gatekeeper.ErrStale)
			}
			u.Version++
			return nil
		}
		if most > 0 {
			if err := d.dialect.lock(ctx, tx, "users "+t.id); err != nil {
				return err
			}
			var n int
			if err := tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM gatekeeper_users WHERE tenant_id=$1`, t.id).Scan(&n); err != nil {
				return err
			}
			if n >= most {
				return gatekeeper.ErrFull
			}
		}
		id := newID()
		_, err := tx.ExecContext(ctx, `INSERT INTO gatekeeper_users (`+userColumns+`) VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,1)`,
			id, t.id, strings.ToLower(u.Email), u.Name, string(u.Role), u.CGPDomain, u.PasswordHash, d.seal(u.CGPPassword, userPlace(id)),
			flag(u.Active), micros(u.LastLogin))
		if err == nil {
			u.ID, u.Version = id, 1
		}
		return err
	})
	if d.dialect.duplicate(err) {
		return gatekeeper.ErrTaken
	}
	return d.wrap("save user", err)
}

func userPlace(id string) string { return "user:" + id }

// DeleteUser implements gatekeeper.Store.
func (d *DB) DeleteUser(ctx context.Context, t tenant.ID, id string) error {
	_, err := d.For(t).exec(ctx, `DELETE FROM gatekeeper_users WHERE tenant_id=$1 AND id=$2`, string(t), id)
	return d.wrap("delete user", err)
}

// NoteLogin implements gatekeeper.Store.
func (d *DB) NoteLogin(ctx context.Context, userID string, at time.Time) error {
	_, err := d.exec(ctx, `UPDATE gatekeeper_users SET last_login=$2 WHERE id=$1`, userID, micros(at))
	return d.wrap("note login", err)
}

// SetPasswordHash implements gatekeeper.Store.
func (d *DB) SetPasswordHash(ctx context.Context, userID, hash string) error {
	_, err := d.exec(ctx, `UPDATE gatekeeper_users SET password_hash=$2 WHERE id=$1`, userID, hash)
	return d.wrap("set password", err)
}
