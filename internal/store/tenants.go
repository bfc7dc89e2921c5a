package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"strings"

	"rmp/internal/secret"
	"rmp/internal/tenant"
)

const tenantColumns = `id, domain, name, time_zone, mode, active, demo, service_password, server, server_password, settings, oidc_secret, version`

func tenantPlace(id tenant.ID) string { return tenantPlaceOf(string(id)) }

func tenantPlaceOf(id string) string { return "tenant:" + id }

func (d *DB) scanTenant(row interface{ Scan(...any) error }) (tenant.Tenant, error) {
	var t tenant.Tenant
	var active, demo int64
	var service, server, serverPassword, settings, oidc string
	err := row.Scan(&t.ID, &t.Domain, &t.Name, &t.TimeZone, &t.Mode, &active, &demo, &service, &server, &serverPassword, &settings, &oidc, &t.Version)
	if err != nil {
		return t, err
	}
	t.Active, t.Demo = active != 0, demo != 0
	if err := errors.Join(json.Unmarshal([]byte(server), &t.Server), json.Unmarshal([]byte(settings), &t.Settings)); err != nil {
		return t, err
	}
	for _, s := range []struct {
		sealed string
		to     *secret.Text
	}{{service, &t.ServicePassword}, {serverPassword, &t.Server.AdminPassword}, {oidc, &t.Settings.OIDC.ClientSecret}} {
		if *s.to, err = d.open(s.sealed, tenantPlace(t.ID)); err != nil {
			return t, err
		}
	}
	return t, nil
}

// ErrNoTenant is wrapped when there is no such tenant.
var ErrNoTenant = errors.New("no such tenant")

func (d *DB) tenant(ctx context.Context, where string, arg any) (tenant.Tenant, error) {
	t, err := d.scanTenant(d.read.QueryRowContext(ctx, `SELECT `+tenantColumns+` FROM tenants WHERE `+where, arg))
	if errors.Is(err, sql.ErrNoRows) {
		return t, ErrNoTenant
	}
	return t, d.wrap("read tenant", err)
}

// Tenant implements gatekeeper.Store.
func (d *DB) Tenant(ctx context.Context, id tenant.ID) (tenant.Tenant, error) {
	return d.tenant(ctx, `id=$1`, string(id))
}

// TenantByDomain answers the tenant whose main domain it is.
func (d *DB) TenantByDomain(ctx context.Context, domain string) (tenant.Tenant, error) {
	return d.tenant(ctx, `domain=$1`, strings.ToLower(domain))
}

// Tenants answers all tenants, by domain.
func (d *DB) Tenants(ctx context.Context) ([]tenant.Tenant, error) {
	out, err := collect(ctx, d.read, func(rows *sql.Rows) (tenant.Tenant, error) { return d.scanTenant(rows) },
		`SELECT `+tenantColumns+` FROM tenants ORDER BY domain`)
	return out, d.wrap("read tenants", err)
}

// SaveTenant inserts the tenant, or updates the one of the same id if it
// still has the Version.
func (d *DB) SaveTenant(ctx context.Context, t *tenant.Tenant) error {
	if t.ID == "" {
		t.ID = tenant.ID(newID())
	}
	server, err := json.Marshal(t.Server)
	if err != nil {
		return d.wrap("save tenant", err)
	}
	settings, err := json.Marshal(t.Settings)
	if err != nil {
		return d.wrap("save tenant", err)
	}
	place := tenantPlace(t.ID)
	res, err := d.exec(ctx, `INSERT INTO tenants (`+tenantColumns+`) VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,1)
		ON CONFLICT (id) DO UPDATE SET domain=excluded.domain, name=excluded.name, time_zone=excluded.time_zone, mode=excluded.mode,
			active=excluded.active, demo=excluded.demo, service_password=excluded.service_password, server=excluded.server,
			server_password=excluded.server_password, settings=excluded.settings, oidc_secret=excluded.oidc_secret, version=tenants.version+1
			WHERE tenants.version=$13`,
		string(t.ID), strings.ToLower(t.Domain), t.Name, t.TimeZone, t.Mode, flag(t.Active), flag(t.Demo), d.seal(t.ServicePassword, place),
		string(server), d.seal(t.Server.AdminPassword, place), string(settings), d.seal(t.Settings.OIDC.ClientSecret, place), t.Version)
	if d.dialect.duplicate(err) {
		return ErrDomainTaken
	}
	if err != nil {
		return d.wrap("save tenant", err)
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return errors.Join(err, ErrStaleTenant)
	}
	t.Version++
	return nil
}

// Errors of SaveTenant.
var (
	ErrDomainTaken = errors.New("another tenant has the domain")
	ErrStaleTenant = errors.New("the tenant has changed")
)
