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

const userColumns = `id, tenant_id, email, name, role, cgp_domain, password_hash, cgp_password, active, failed_tries, locked_until, last_login`

func (d *DB) user(ctx context.Context, where string, arg any) (gatekeeper.User, error) {
	var u gatekeeper.User
	var sealed string
	var active, locked, login int64
	err := d.read.QueryRowContext(ctx, `SELECT `+userColumns+` FROM gatekeeper_users WHERE `+where, arg).
		Scan(&u.ID, &u.Tenant, &u.Email, &u.Name, &u.Role, &u.CGPDomain, &u.PasswordHash, &sealed, &active, &u.FailedTries, &locked, &login)
	if errors.Is(err, sql.ErrNoRows) {
		return u, gatekeeper.ErrNoUser
	}
	if err == nil {
		u.CGPPassword, err = d.open(sealed, "user:"+u.ID)
	}
	u.Active, u.LockedUntil, u.LastLogin = active != 0, instant(locked), instant(login)
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

// SaveUser implements gatekeeper.Store.
func (d *DB) SaveUser(ctx context.Context, u *gatekeeper.User) error {
	if u.ID == "" {
		u.ID = newID()
	}
	_, err := d.exec(ctx, `INSERT INTO gatekeeper_users (`+userColumns+`) VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12)
		ON CONFLICT (id) DO UPDATE SET tenant_id=excluded.tenant_id, email=excluded.email, name=excluded.name, role=excluded.role,
			cgp_domain=excluded.cgp_domain, password_hash=excluded.password_hash, cgp_password=excluded.cgp_password, active=excluded.active`,
		u.ID, string(u.Tenant), strings.ToLower(u.Email), u.Name, string(u.Role), u.CGPDomain, u.PasswordHash, d.seal(u.CGPPassword, "user:"+u.ID),
		flag(u.Active), u.FailedTries, micros(u.LockedUntil), micros(u.LastLogin))
	return d.wrap("save user", err)
}

// NoteLogin implements gatekeeper.Store.
func (d *DB) NoteLogin(ctx context.Context, userID string, ok bool, at, lockedUntil time.Time) error {
	q, params := `UPDATE gatekeeper_users SET failed_tries=failed_tries+1, locked_until=$2 WHERE id=$1`, []any{userID, micros(lockedUntil)}
	if ok {
		q, params = `UPDATE gatekeeper_users SET failed_tries=0, locked_until=0, last_login=$2 WHERE id=$1`, []any{userID, micros(at)}
	}
	_, err := d.exec(ctx, q, params...)
	return d.wrap("note login", err)
}

// SetPasswordHash implements gatekeeper.Store.
func (d *DB) SetPasswordHash(ctx context.Context, userID, hash string) error {
	_, err := d.exec(ctx, `UPDATE gatekeeper_users SET password_hash=$2 WHERE id=$1`, userID, hash)
	return d.wrap("set password", err)
}

// CreateSession implements gatekeeper.Store.
func (d *DB) CreateSession(ctx context.Context, s gatekeeper.Session) error {
	_, err := d.exec(ctx, `INSERT INTO sessions (handle, tenant_id, user_id, refresh_id, created_at, expires_at, revoked) VALUES ($1,$2,$3,$4,$5,$6,0)`,
		s.Handle, string(s.Tenant), s.UserID, s.RefreshID, micros(s.CreatedAt), micros(s.ExpiresAt))
	return d.wrap("create session", err)
}

// Session implements gatekeeper.Store.
func (d *DB) Session(ctx context.Context, handle string) (gatekeeper.Session, error) {
	return d.session(ctx, d.read, handle, "")
}

func (d *DB) session(ctx context.Context, q queryer, handle, suffix string) (gatekeeper.Session, error) {
	s := gatekeeper.Session{Handle: handle}
	var created, expires, revoked int64
	err := q.QueryRowContext(ctx, `SELECT tenant_id, user_id, refresh_id, created_at, expires_at, revoked FROM sessions WHERE handle=$1`+suffix, handle).
		Scan(&s.Tenant, &s.UserID, &s.RefreshID, &created, &expires, &revoked)
	if errors.Is(err, sql.ErrNoRows) {
		return s, gatekeeper.ErrNoSession
	}
	s.CreatedAt, s.ExpiresAt, s.Revoked = instant(created), instant(expires), revoked != 0
	return s, d.wrap("read session", err)
}

// RotateRefresh implements gatekeeper.Store.
func (d *DB) RotateRefresh(ctx context.Context, handle, oldID, newID string, expires time.Time) error {
	reused := false
	err := d.tx(ctx, func(tx txn) error {
		s, err := d.session(ctx, tx, handle, d.dialect.forUpdate())
		switch {
		case err != nil:
			return err
		case s.Revoked:
			return gatekeeper.ErrNoSession
		case s.RefreshID != oldID:
			reused = true
			_, err = tx.ExecContext(ctx, `UPDATE sessions SET revoked=1 WHERE handle=$1`, handle)
			return err
		}
		_, err = tx.ExecContext(ctx, `UPDATE sessions SET refresh_id=$2, expires_at=$3 WHERE handle=$1`, handle, newID, micros(expires))
		return err
	})
	if err == nil && reused {
		return gatekeeper.ErrReused
	}
	return d.wrap("rotate refresh token", err)
}

// RevokeSession implements gatekeeper.Store.
func (d *DB) RevokeSession(ctx context.Context, handle string) error {
	_, err := d.exec(ctx, `UPDATE sessions SET revoked=1 WHERE handle=$1`, handle)
	return d.wrap("revoke session", err)
}

const tenantColumns = `id, domain, name, time_zone, mode, active, demo, service_password`

func (d *DB) scanTenant(row interface{ Scan(...any) error }) (tenant.Tenant, error) {
	var t tenant.Tenant
	var active, demo int64
	var sealed string
	err := row.Scan(&t.ID, &t.Domain, &t.Name, &t.TimeZone, &t.Mode, &active, &demo, &sealed)
	if err == nil {
		t.ServicePassword, err = d.open(sealed, "tenant:"+string(t.ID))
	}
	t.Active, t.Demo = active != 0, demo != 0
	return t, err
}

// ErrNoTenant is wrapped when there is no such tenant.
var ErrNoTenant = errors.New("no such tenant")

// Tenant implements gatekeeper.Store.
func (d *DB) Tenant(ctx context.Context, id tenant.ID) (tenant.Tenant, error) {
	t, err := d.scanTenant(d.read.QueryRowContext(ctx, `SELECT `+tenantColumns+` FROM tenants WHERE id=$1`, string(id)))
	if errors.Is(err, sql.ErrNoRows) {
		return t, ErrNoTenant
	}
	return t, d.wrap("read tenant", err)
}

// Tenants answers all tenants, by domain.
func (d *DB) Tenants(ctx context.Context) ([]tenant.Tenant, error) {
	out, err := collect(ctx, d.read, func(rows *sql.Rows) (tenant.Tenant, error) { return d.scanTenant(rows) },
		`SELECT `+tenantColumns+` FROM tenants ORDER BY domain`)
	return out, d.wrap("read tenants", err)
}

// SaveTenant inserts the tenant, or updates the one of the same id.
func (d *DB) SaveTenant(ctx context.Context, t *tenant.Tenant) error {
	if t.ID == "" {
		t.ID = tenant.ID(newID())
	}
	_, err := d.exec(ctx, `INSERT INTO tenants (`+tenantColumns+`) VALUES ($1,$2,$3,$4,$5,$6,$7,$8)
		ON CONFLICT (id) DO UPDATE SET domain=excluded.domain, name=excluded.name, time_zone=excluded.time_zone, mode=excluded.mode,
			active=excluded.active, demo=excluded.demo, service_password=excluded.service_password`,
		string(t.ID), strings.ToLower(t.Domain), t.Name, t.TimeZone, t.Mode, flag(t.Active), flag(t.Demo), d.seal(t.ServicePassword, "tenant:"+string(t.ID)))
	return d.wrap("save tenant", err)
}
