package store

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"strings"
	"time"

	"rmp/internal/gatekeeper"
	"rmp/internal/tenant"
)

// CreateSession implements gatekeeper.Store.
func (d *DB) CreateSession(ctx context.Context, s gatekeeper.Session) error {
	_, err := d.For(s.Tenant).exec(ctx, `INSERT INTO sessions (handle, tenant_id, user_id, refresh_id, created_at, expires_at, revoked, cgp_password, address)
		VALUES ($1,$2,$3,$4,$5,$6,0,$7,$8)`,
		s.Handle, string(s.Tenant), s.UserID, s.RefreshID, micros(s.CreatedAt), micros(s.ExpiresAt), d.seal(s.CGPPassword, sessionPlace(s.Handle)), s.Address)
	return d.wrap("create session", err)
}

func sessionPlace(handle string) string { return "session:" + handle }

// Session implements gatekeeper.Store.
func (d *DB) Session(ctx context.Context, handle string) (gatekeeper.Entry, error) {
	var e gatekeeper.Entry
	var created, expires, revoked, active, tenantActive int64
	var sealed string
	s, u := &e.Session, &e.User
	s.Handle = handle
	err := d.read.QueryRowContext(ctx, `SELECT s.tenant_id, s.user_id, s.refresh_id, s.created_at, s.expires_at, s.revoked, s.cgp_password, s.address,
			u.email, u.name, u.role, u.cgp_domain, u.active, t.active
		FROM sessions s JOIN gatekeeper_users u ON u.id=s.user_id AND u.tenant_id=s.tenant_id JOIN tenants t ON t.id=s.tenant_id WHERE s.handle=$1`, handle).
		Scan(&s.Tenant, &s.UserID, &s.RefreshID, &created, &expires, &revoked, &sealed, &s.Address,
			&u.Email, &u.Name, &u.Role, &u.CGPDomain, &active, &tenantActive)
	if errors.Is(err, sql.ErrNoRows) {
		return e, gatekeeper.ErrNoSession
	}
	if err == nil {
		s.CGPPassword, err = d.open(sealed, sessionPlace(handle))
	}
	s.CreatedAt, s.ExpiresAt, s.Revoked = instant(created), instant(expires), revoked != 0
	u.ID, u.Tenant, u.Active, e.TenantActive = s.UserID, s.Tenant, active != 0, tenantActive != 0
	if err == nil {
		err = d.manages(ctx, &e)
	}
	return e, d.wrap("read session", err)
}

// RotateRefresh implements gatekeeper.Store.
func (d *DB) RotateRefresh(ctx context.Context, handle, oldID, newID string, expires time.Time) error {
	reused := false
	err := d.tx(ctx, func(tx txn) error {
		var live string
		var revoked int64
		err := tx.QueryRowContext(ctx, `SELECT refresh_id, revoked FROM sessions WHERE handle=$1`+d.dialect.forUpdate(), handle).Scan(&live, &revoked)
		switch {
		case errors.Is(err, sql.ErrNoRows), err == nil && revoked != 0:
			return gatekeeper.ErrNoSession
		case err != nil:
			return err
		case live != oldID:
			reused = true
			_, err = tx.ExecContext(ctx, revokeSessions+`handle=$1`, handle)
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

// manages fills in the resources that a manager runs.
func (d *DB) manages(ctx context.Context, e *gatekeeper.Entry) (err error) {
	if e.User.Role == tenant.Manager {
		e.Manages, err = d.For(e.User.Tenant).Managed(ctx, e.User.Email)
	}
	return err
}

const revokeSessions = `UPDATE sessions SET revoked=1, cgp_password='' WHERE `

// RevokeSession implements gatekeeper.Store.
func (d *DB) RevokeSession(ctx context.Context, handle string) error {
	_, err := d.exec(ctx, revokeSessions+`handle=$1`, handle)
	return d.wrap("revoke session", err)
}

// RevokeSessions implements gatekeeper.Store.
func (d *DB) RevokeSessions(ctx context.Context, userID string) error {
	_, err := d.exec(ctx, revokeSessions+`user_id=$1`, userID)
	return d.wrap("revoke sessions", err)
}

// TakeTry implements gatekeeper.Store.
func (d *DB) TakeTry(ctx context.Context, places []gatekeeper.Place, now time.Time) (closed time.Time, err error) {
	err = d.tx(ctx, func(tx txn) error {
		closed = time.Time{}
		// In one order, so that two logins do not wait for each other.
		for _, p := range slices.SortedFunc(slices.Values(places), func(a, b gatekeeper.Place) int { return strings.Compare(a.Name, b.Name) }) {
			if err := d.dialect.lock(ctx, tx, "tries "+p.Name); err != nil {
				return err
			}
		}
		tries := make([]int, len(places))
		for i, p := range places {
			var until, seen int64
			err := tx.QueryRowContext(ctx, `SELECT tries, until, seen_at FROM login_tries WHERE place=$1`, p.Name).Scan(&tries[i], &until, &seen)
			switch {
			case errors.Is(err, sql.ErrNoRows):
			case err != nil:
				return err
			case now.Before(instant(until)):
				closed = instant(max(until, micros(closed)))
			case now.Sub(instant(seen)) > gatekeeper.TriesKept:
				tries[i] = 0
			}
		}
		if !closed.IsZero() {
			return nil
		}
		for i, p := range places {
			n := tries[i] + 1
			_, err := tx.ExecContext(ctx, `INSERT INTO login_tries (place, tries, until, seen_at) VALUES ($1,$2,$3,$4)
				ON CONFLICT (place) DO UPDATE SET tries=excluded.tries, until=excluded.until, seen_at=excluded.seen_at`,
				p.Name, n, micros(now.Add(p.Wait(n))), micros(now))
			if err != nil {
				return err
			}
		}
		return nil
	})
	return closed, d.wrap("count a try", err)
}

// ForgiveTry implements gatekeeper.Store.
func (d *DB) ForgiveTry(ctx context.Context, place string, all bool) error {
	q := `UPDATE login_tries SET tries=tries-1, until=0 WHERE place=$1 AND tries>0`
	if all {
		q = `DELETE FROM login_tries WHERE place=$1`
	}
	_, err := d.exec(ctx, q, place)
	return d.wrap("forgive a try", err)
}

// CreateAPIToken implements gatekeeper.Store.
func (d *DB) CreateAPIToken(ctx context.Context, k gatekeeper.APIToken, hash string) error {
	_, err := d.For(k.Tenant).exec(ctx, `INSERT INTO api_tokens (id, tenant_id, user_id, name, hash, scopes, created_at, expires_at, last_used) VALUES ($1,$2,$3,$4,$5,$6,$7,$8,0)`,
		k.ID, string(k.Tenant), k.UserID, k.Name, hash, joinScopes(k.Scopes), micros(k.CreatedAt), micros(k.ExpiresAt))
	return d.wrap("create token", err)
}

func joinScopes(list []tenant.Scope) string {
	var b strings.Builder
	for i, s := range list {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(string(s))
	}
	return b.String()
}

func splitScopes(s string) []tenant.Scope {
	var out []tenant.Scope
	for f := range strings.FieldsSeq(s) {
		out = append(out, tenant.Scope(f))
	}
	return out
}

const tokenColumns = `k.id, k.tenant_id, k.user_id, k.name, k.scopes, k.created_at, k.expires_at, k.last_used`

func scanToken(scan func(...any) error, more ...any) (gatekeeper.APIToken, error) {
	var k gatekeeper.APIToken
	var scopes string
	var created, expires, used int64
	err := scan(append([]any{&k.ID, &k.Tenant, &k.UserID, &k.Name, &scopes, &created, &expires, &used}, more...)...)
	k.Scopes, k.CreatedAt, k.ExpiresAt, k.LastUsed = splitScopes(scopes), instant(created), instant(expires), instant(used)
	return k, err
}

// APIToken implements gatekeeper.Store.
func (d *DB) APIToken(ctx context.Context, id string) (gatekeeper.APIToken, string, gatekeeper.Entry, error) {
	var e gatekeeper.Entry
	var hash string
	var active, tenantActive int64
	u := &e.User
	k, err := scanToken(d.read.QueryRowContext(ctx, `SELECT `+tokenColumns+`, k.hash, u.email, u.name, u.role, u.cgp_domain, u.active, t.active
		FROM api_tokens k JOIN gatekeeper_users u ON u.id=k.user_id AND u.tenant_id=k.tenant_id JOIN tenants t ON t.id=k.tenant_id WHERE k.id=$1`, id).Scan,
		&hash, &u.Email, &u.Name, &u.Role, &u.CGPDomain, &active, &tenantActive)
	if errors.Is(err, sql.ErrNoRows) {
		return k, "", e, gatekeeper.ErrNoToken
	}
	u.ID, u.Tenant, u.Active, e.TenantActive = k.UserID, k.Tenant, active != 0, tenantActive != 0
	if err == nil {
		err = d.manages(ctx, &e)
	}
	return k, hash, e, d.wrap("read token", err)
}

// APITokens implements gatekeeper.Store.
func (d *DB) APITokens(ctx context.Context, userID string) ([]gatekeeper.APIToken, error) {
	out, err := collect(ctx, d.read, func(rows *sql.Rows) (gatekeeper.APIToken, error) { return scanToken(rows.Scan) },
		`SELECT `+tokenColumns+` FROM api_tokens k WHERE k.user_id=$1 ORDER BY k.created_at, k.id`, userID)
	return out, d.wrap("read tokens", err)
}

// DeleteAPIToken implements gatekeeper.Store.
func (d *DB) DeleteAPIToken(ctx context.Context, userID, id string) error {
	res, err := d.exec(ctx, `DELETE FROM api_tokens WHERE user_id=$1 AND id=$2`, userID, id)
	if err != nil {
		return d.wrap("delete token", err)
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return errors.Join(err, gatekeeper.ErrNoToken)
	}
	return nil
}

// TouchAPIToken implements gatekeeper.Store.
func (d *DB) TouchAPIToken(ctx context.Context, id string, at time.Time) error {
	_, err := d.exec(ctx, `UPDATE api_tokens SET last_used=$2 WHERE id=$1`, id, micros(at))
	return d.wrap("note a token's use", err)
}
