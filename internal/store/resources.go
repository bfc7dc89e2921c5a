package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"rmp/internal/directory"
	"rmp/internal/fault"
)

var _ directory.Store = (*Tenant)(nil)

const resourceColumns = `id, email, type, name, description, site, floor, capacity, features, time_zone, active, units, policy, version, created_at, updated_at`

// selectResources reads resources with the policy of their types.
const selectResources = `SELECT r.id, r.email, r.type, r.name, r.description, r.site, r.floor, r.capacity, r.features, r.time_zone, r.active,
	r.units, r.policy, r.version, r.created_at, r.updated_at, COALESCE(tp.policy, ''), COALESCE(ph.hash, '')
	FROM resources r LEFT JOIN type_policies tp ON tp.tenant_id=r.tenant_id AND tp.type=r.type
	LEFT JOIN resource_photos ph ON ph.tenant_id=r.tenant_id AND ph.resource_id=r.id`

// readPolicies takes over the policies as they are stored.
func readPolicies(r *directory.Resource, own, ofType string) error {
	for _, d := range []struct {
		text string
		to   *directory.Policy
	}{{own, &r.Policy}, {ofType, &r.TypePolicy}} {
		if d.text == "" || d.text == "{}" {
			continue
		}
		if err := json.Unmarshal([]byte(d.text), d.to); err != nil {
			return fmt.Errorf("policy of %s: %w", r.Email, err)
		}
	}
	return nil
}

func scanResource(rows *sql.Rows) (directory.Resource, error) {
	var r directory.Resource
	var active, created, updated int64
	var features, policy, typePolicy string
	err := rows.Scan(&r.ID, &r.Email, &r.Type, &r.Name, &r.Description, &r.Site, &r.Floor, &r.Capacity, &features, &r.TimeZone,
		&active, &r.Units, &policy, &r.Version, &created, &updated, &typePolicy, &r.Photo)
	if err == nil && features != "[]" {
		err = json.Unmarshal([]byte(features), &r.Features)
	}
	if err == nil {
		err = readPolicies(&r, policy, typePolicy)
	}
	r.Active, r.CreatedAt, r.UpdatedAt = active != 0, instant(created), instant(updated)
	return r, err
}

// Resources implements directory.Store. What SQL can index restricts there;
// the rest of the filter is that of the directory itself, so that the two
// cannot disagree.
func (t *Tenant) Resources(ctx context.Context, f directory.Filter) ([]directory.Resource, error) {
	var a args
	q := selectResources + ` WHERE r.tenant_id=` + a.add(t.id) + ` AND r.removed=0 AND r.capacity>=` + a.add(f.MinCapacity)
	if f.Type != "" {
		q += ` AND r.type=` + a.add(f.Type)
	}
	if f.After != "" {
		q += ` AND r.email>` + a.add(f.After)
	}
	const few = 200 // beyond, the list is read and filtered here
	if n := len(f.Emails); n > 0 && n <= few {
		lower := make([]string, n)
		for i, e := range f.Emails {
			lower[i] = strings.ToLower(e)
		}
		q += ` AND r.email IN ` + list(&a, lower)
	}
	found, err := collect(ctx, t.read, scanResource, q+` ORDER BY r.email`, a.values...)
	if err != nil {
		return nil, t.db.wrap("read resources", err)
	}
	out := found[:0]
	for _, r := range found {
		if f.Matches(r) {
			out = append(out, r)
		}
		if f.Limit > 0 && len(out) == f.Limit {
			break
		}
	}
	return out, nil
}

// Resource implements directory.Store.
func (t *Tenant) Resource(ctx context.Context, email string) (directory.Resource, error) {
	found, err := t.Resources(ctx, directory.Filter{Emails: []string{email}})
	switch {
	case err != nil:
		return directory.Resource{}, err
	case len(found) == 0:
		return directory.Resource{}, fault.New(fault.NotFound, "there is no resource %q", email)
	}
	return found[0], nil
}

// SaveResource implements directory.Store.
func (t *Tenant) SaveResource(ctx context.Context, r *directory.Resource) error {
	features := r.Features
	if features == nil {
		features = []string{}
	}
	j, err := json.Marshal(features)
	if err != nil {
		return t.db.wrap("save resource", err)
	}
	policy, err := json.Marshal(r.Policy)
	if err != nil {
		return t.db.wrap("save resource", err)
	}
	if r.ID == "" {
		r.ID = newID()
	}
	r.Units = max(1, r.Units)
	if r.UpdatedAt.IsZero() {
		r.UpdatedAt = time.Now()
	}
	var created, updated int64
	err = t.tx(ctx, func(tx txn) error {
		// Who books it just now has as many units as were there when he began.
		if err := t.lockResource(ctx, tx, r.Email); err != nil {
			return err
		}
		return tx.QueryRowContext(ctx, `INSERT INTO resources (tenant_id, `+resourceColumns+`)
		VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14,1,$15,$15)
		ON CONFLICT (tenant_id, email) DO UPDATE SET type=excluded.type, name=excluded.name, description=excluded.description, site=excluded.site,
			floor=excluded.floor, capacity=excluded.capacity, features=excluded.features, time_zone=excluded.time_zone, active=excluded.active,
			units=excluded.units, policy=excluded.policy, removed=0, version=resources.version+1, updated_at=excluded.updated_at
			WHERE $16=0 OR resources.version=$16
		RETURNING id, version, created_at, updated_at`,
			t.id, r.ID, strings.ToLower(r.Email), r.Type, r.Name, r.Description, r.Site, r.Floor, r.Capacity, string(j), r.TimeZone, flag(r.Active),
			r.Units, string(policy), micros(r.UpdatedAt), r.Version).Scan(&r.ID, &r.Version, &created, &updated)
	})
	if errors.Is(err, sql.ErrNoRows) {
		return directory.ErrStale
	}
	r.CreatedAt, r.UpdatedAt = instant(created), instant(updated)
	return t.db.wrap("save resource", err)
}

// lockResource waits for those who book the resource of an address just now.
func (t *Tenant) lockResource(ctx context.Context, tx txn, email string) error {
	ids, err := collect(ctx, tx, func(rows *sql.Rows) (string, error) {
		var id string
		return id, rows.Scan(&id)
	}, `SELECT id FROM resources WHERE tenant_id=$1 AND email=$2`, t.id, strings.ToLower(email))
	for _, id := range ids {
		if err := t.db.dialect.lock(ctx, tx, resourceLock(t.id, id)); err != nil {
			return err
		}
	}
	return err
}

// resourceLock names the lock of a resource.
func resourceLock(tenant, id string) string { return "resource " + tenant + " " + id }

// RemoveResource takes a resource out; what was booked of it stays.
func (t *Tenant) RemoveResource(ctx context.Context, id string, at time.Time) error {
	_, err := t.exec(ctx, `UPDATE resources SET removed=1, active=0, version=version+1, updated_at=$3 WHERE tenant_id=$1 AND id=$2`, t.id, id, micros(at))
	return t.db.wrap("remove resource", err)
}

// CountResources answers how many the tenant has.
func (t *Tenant) CountResources(ctx context.Context) (n int, err error) {
	err = t.read.QueryRowContext(ctx, `SELECT COUNT(*) FROM resources WHERE tenant_id=$1 AND removed=0`, t.id).Scan(&n)
	return n, t.db.wrap("count resources", err)
}

// SaveTypePolicy implements directory.Store.
func (t *Tenant) SaveTypePolicy(ctx context.Context, typeName string, p directory.Policy) error {
	j, err := json.Marshal(p)
	if err == nil {
		_, err = t.exec(ctx, `INSERT INTO type_policies (tenant_id, type, policy) VALUES ($1,$2,$3)
			ON CONFLICT (tenant_id, type) DO UPDATE SET policy=excluded.policy`, t.id, typeName, string(j))
	}
	return t.db.wrap("save policy", err)
}

// TypePolicy implements directory.Store.
func (t *Tenant) TypePolicy(ctx context.Context, typeName string) (directory.Policy, error) {
	var p directory.Policy
	var text string
	err := t.read.QueryRowContext(ctx, `SELECT policy FROM type_policies WHERE tenant_id=$1 AND type=$2`, t.id, typeName).Scan(&text)
	if errors.Is(err, sql.ErrNoRows) {
		return p, nil
	}
	if err == nil {
		err = json.Unmarshal([]byte(text), &p)
	}
	return p, t.db.wrap("read policy", err)
}

// Managed implements directory.Store.
func (t *Tenant) Managed(ctx context.Context, person string) ([]string, error) {
	out, err := collect(ctx, t.read, scanText, `SELECT r.email FROM resource_managers m JOIN resources r ON r.tenant_id=m.tenant_id AND r.id=m.resource_id
		WHERE m.tenant_id=$1 AND m.email=$2 ORDER BY r.email`, t.id, strings.ToLower(person))
	return out, t.db.wrap("read managers", err)
}

func scanText(rows *sql.Rows) (s string, err error) { return s, rows.Scan(&s) }

// Managers implements directory.Store.
func (t *Tenant) Managers(ctx context.Context, resourceID string) ([]string, error) {
	out, err := collect(ctx, t.read, scanText, `SELECT email FROM resource_managers WHERE tenant_id=$1 AND resource_id=$2 ORDER BY email`, t.id, resourceID)
	return out, t.db.wrap("read managers", err)
}

// SetManagers implements directory.Store.
func (t *Tenant) SetManagers(ctx context.Context, resourceID string, people []string) error {
	return t.db.wrap("set managers", t.tx(ctx, func(tx txn) error {
		if _, err := tx.ExecContext(ctx, `DELETE FROM resource_managers WHERE tenant_id=$1 AND resource_id=$2`, t.id, resourceID); err != nil {
			return err
		}
		for _, p := range people {
			if _, err := tx.ExecContext(ctx, `INSERT INTO resource_managers (tenant_id, resource_id, email) VALUES ($1,$2,$3) ON CONFLICT DO NOTHING`,
				t.id, resourceID, strings.ToLower(p)); err != nil {
				return err
			}
		}
		return nil
	}))
}
