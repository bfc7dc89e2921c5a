package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"rmp/internal/gatekeeper"
	"rmp/internal/tenant"
)

// Feed is a link by which a calendar program subscribes to bookings.
type Feed struct {
	ID        string
	Tenant    tenant.ID
	UserID    string
	Resource  string // address; empty: the bookings of the person
	CreatedAt time.Time
	LastUsed  time.Time
}

// SaveFeed stores a link with the hash of its secret.
func (t *Tenant) SaveFeed(ctx context.Context, f Feed, hash string) error {
	_, err := t.exec(ctx, `INSERT INTO feeds (id, tenant_id, user_id, resource, hash, created_at, last_used) VALUES ($1,$2,$3,$4,$5,$6,0)`,
		f.ID, t.id, f.UserID, f.Resource, hash, micros(f.CreatedAt))
	return t.db.wrap("save feed", err)
}

// Feeds answers a person's links.
func (t *Tenant) Feeds(ctx context.Context, userID string) ([]Feed, error) {
	out, err := collect(ctx, t.read, func(rows *sql.Rows) (Feed, error) {
		f := Feed{Tenant: tenant.ID(t.id), UserID: userID}
		var created, used int64
		err := rows.Scan(&f.ID, &f.Resource, &created, &used)
		f.CreatedAt, f.LastUsed = instant(created), instant(used)
		return f, err
	}, `SELECT id, resource, created_at, last_used FROM feeds WHERE tenant_id=$1 AND user_id=$2 ORDER BY created_at, id`, t.id, userID)
	return out, t.db.wrap("read feeds", err)
}

// DeleteFeed ends a person's link, and reports whether there was one.
func (t *Tenant) DeleteFeed(ctx context.Context, userID, id string) (bool, error) {
	res, err := t.exec(ctx, `DELETE FROM feeds WHERE tenant_id=$1 AND user_id=$2 AND id=$3`, t.id, userID, id)
	if err != nil {
		return false, t.db.wrap("delete feed", err)
	}
	n, err := res.RowsAffected()
	return n > 0, t.db.wrap("delete feed", err)
}

// FeedOwner answers a link by the hash of its secret, and whose it is.
func (d *DB) FeedOwner(ctx context.Context, hash string, now time.Time) (Feed, gatekeeper.Entry, bool, error) {
	var f Feed
	var e gatekeeper.Entry
	var created, used, active, tenantActive int64
	u := &e.User
	err := d.read.QueryRowContext(ctx, `SELECT f.id, f.tenant_id, f.user_id, f.resource, f.created_at, f.last_used, u.email, u.name, u.role, u.active, t.active
		FROM feeds f JOIN gatekeeper_users u ON u.id=f.user_id AND u.tenant_id=f.tenant_id JOIN tenants t ON t.id=f.tenant_id WHERE f.hash=$1`, hash).
		Scan(&f.ID, &f.Tenant, &f.UserID, &f.Resource, &created, &used, &u.Email, &u.Name, &u.Role, &active, &tenantActive)
	if errors.Is(err, sql.ErrNoRows) {
		return f, e, false, nil
	}
	f.CreatedAt, f.LastUsed = instant(created), instant(used)
	u.ID, u.Tenant, u.Active, e.TenantActive = f.UserID, f.Tenant, active != 0, tenantActive != 0
	if err == nil {
		err = d.manages(ctx, &e)
	}
	if err == nil && now.Sub(f.LastUsed) > time.Minute {
		_, err = d.For(f.Tenant).exec(ctx, `UPDATE feeds SET last_used=$3 WHERE tenant_id=$1 AND id=$2`, string(f.Tenant), f.ID, micros(now))
	}
	return f, e, err == nil, d.wrap("read feed", err)
}
