package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"strings"
	"time"

	"rmp/internal/directory"
	"rmp/internal/fault"
)

var _ directory.Store = (*Tenant)(nil)

const resourceColumns = `id, email, type, name, description, site, floor, capacity, features, time_zone, active, version, created_at, updated_at`

func scanResource(rows *sql.Rows) (directory.Resource, error) {
	var r directory.Resource
	var active, created, updated int64
	var features string
	err := rows.Scan(&r.ID, &r.Email, &r.Type, &r.Name, &r.Description, &r.Site, &r.Floor, &r.Capacity, &features, &r.TimeZone,
		&active, &r.Version, &created, &updated)
	if err == nil {
		err = json.Unmarshal([]byte(features), &r.Features)
	}
	r.Active, r.CreatedAt, r.UpdatedAt = active != 0, instant(created), instant(updated)
	return r, err
}

// Resources implements directory.Store. What SQL can index restricts there;
// the rest of the filter is that of the directory itself, so that the two
// cannot disagree.
func (t *Tenant) Resources(ctx context.Context, f directory.Filter) ([]directory.Resource, error) {
	var a args
	q := `SELECT ` + resourceColumns + ` FROM resources WHERE tenant_id=` + a.add(t.id) + ` AND capacity>=` + a.add(f.MinCapacity)
	if f.Type != "" {
		q += ` AND type=` + a.add(f.Type)
	}
	if f.After != "" {
		q += ` AND email>` + a.add(f.After)
	}
	const few = 200 // beyond, the list is read and filtered here
	if n := len(f.Emails); n > 0 && n <= few {
		lower := make([]string, n)
		for i, e := range f.Emails {
			lower[i] = strings.ToLower(e)
		}
		q += ` AND email IN ` + list(&a, lower)
	}
	found, err := collect(ctx, t.db.read, scanResource, q+` ORDER BY email`, a.values...)
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
	if r.ID == "" {
		r.ID = newID()
	}
	if r.UpdatedAt.IsZero() {
		r.UpdatedAt = time.Now()
	}
	var created, updated int64
	err = t.db.write.QueryRowContext(ctx, `INSERT INTO resources (tenant_id, `+resourceColumns+`)
		VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,1,$13,$13)
		ON CONFLICT (tenant_id, email) DO UPDATE SET type=excluded.type, name=excluded.name, description=excluded.description, site=excluded.site,
			floor=excluded.floor, capacity=excluded.capacity, features=excluded.features, time_zone=excluded.time_zone, active=excluded.active,
			version=resources.version+1, updated_at=excluded.updated_at
		RETURNING id, version, created_at, updated_at`,
		t.id, r.ID, strings.ToLower(r.Email), r.Type, r.Name, r.Description, r.Site, r.Floor, r.Capacity, string(j), r.TimeZone, flag(r.Active),
		micros(r.UpdatedAt)).Scan(&r.ID, &r.Version, &created, &updated)
	r.CreatedAt, r.UpdatedAt = instant(created), instant(updated)
	return t.db.wrap("save resource", err)
}
