package store

import (
	"context"
	"database/sql"
	"encoding/json"

	"rmp/internal/audit"
	"rmp/internal/tenant"
)

var _ audit.Log = (*DB)(nil)

// Append implements audit.Log.
func (d *DB) Append(ctx context.Context, e audit.Entry) error {
	if e.Detail == nil {
		e.Detail = map[string]string{}
	}
	j, err := json.Marshal(e.Detail)
	if err == nil {
		_, err = d.exec(ctx, `INSERT INTO audit (tenant_id, at, actor, action, target, outcome, address, request_id, detail) VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9)`,
			string(e.Tenant), micros(e.At), e.Actor, e.Action, e.Target, e.Outcome, e.Address, e.RequestID, string(j))
	}
	return d.wrap("append to the audit log", err)
}

// Entries implements audit.Log.
func (d *DB) Entries(ctx context.Context, t tenant.ID, f audit.Filter) ([]audit.Entry, error) {
	var a args
	q := `SELECT id, tenant_id, at, actor, action, target, outcome, address, request_id, detail FROM audit WHERE tenant_id=` + a.add(string(t))
	if f.Actor != "" {
		q += ` AND actor=` + a.add(f.Actor)
	}
	if f.Action != "" {
		q += ` AND action=` + a.add(f.Action)
	}
	if f.Target != "" {
		q += ` AND target LIKE ` + a.add("%"+escapeLike(f.Target)+"%") + ` ESCAPE '\'`
	}
	if !f.From.IsZero() {
		q += ` AND at>=` + a.add(micros(f.From))
	}
	if !f.Till.IsZero() {
		q += ` AND at<` + a.add(micros(f.Till))
	}
	if f.Before > 0 {
		q += ` AND id<` + a.add(f.Before)
	}
	q += ` ORDER BY id DESC LIMIT ` + a.add(f.Limit)
	out, err := collect(ctx, d.For(t).read, func(rows *sql.Rows) (audit.Entry, error) {
		var e audit.Entry
		var at int64
		var detail string
		err := rows.Scan(&e.ID, &e.Tenant, &at, &e.Actor, &e.Action, &e.Target, &e.Outcome, &e.Address, &e.RequestID, &detail)
		if err == nil {
			err = json.Unmarshal([]byte(detail), &e.Detail)
		}
		e.At = instant(at)
		return e, err
	}, q, a.values...)
	return out, d.wrap("read the audit log", err)
}
