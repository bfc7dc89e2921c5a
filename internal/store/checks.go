package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"rmp/internal/availability"
	"rmp/internal/booking"
	"rmp/internal/directory"
	"rmp/internal/reconcile"
	"rmp/internal/tenant"
)

var _ reconcile.Store = (*DB)(nil)

// LeaseChecks implements reconcile.Store.
func (d *DB) LeaseChecks(ctx context.Context, owner string, now, until time.Time, limit int) ([]reconcile.Check, error) {
	var out []reconcile.Check
	err := d.tx(ctx, func(tx txn) error {
		if _, err := tx.ExecContext(ctx, `INSERT INTO calendar_checks (tenant_id, resource_id, due_at, lease_owner, lease_until, checked_at, last_error)
			SELECT r.tenant_id, r.id, 0, '', 0, 0, '' FROM resources r WHERE r.active=1
				AND NOT EXISTS (SELECT 1 FROM calendar_checks c WHERE c.tenant_id=r.tenant_id AND c.resource_id=r.id)
			ON CONFLICT (tenant_id, resource_id) DO NOTHING`); err != nil {
			return err
		}
		type key struct{ tenant, resource string }
		keys, err := collect(ctx, tx, func(rows *sql.Rows) (key, error) {
			var k key
			err := rows.Scan(&k.tenant, &k.resource)
			return k, err
		}, `SELECT tenant_id, resource_id FROM calendar_checks WHERE due_at<=$1 AND lease_until<=$1 ORDER BY due_at LIMIT $2`+d.dialect.skipLocked(), micros(now), limit)
		if err != nil {
			return err
		}
		out = out[:0]
		for _, k := range keys {
			if _, err := tx.ExecContext(ctx, `UPDATE calendar_checks SET lease_owner=$3, lease_until=$4 WHERE tenant_id=$1 AND resource_id=$2`, k.tenant, k.resource, owner, micros(until)); err != nil {
				return err
			}
			found, err := collect(ctx, tx, scanResource, selectResources+` WHERE r.tenant_id=$1 AND r.id=$2 AND r.active=1`, k.tenant, k.resource)
			if err != nil {
				return err
			}
			for _, r := range found {
				out = append(out, reconcile.Check{Tenant: tenant.ID(k.tenant), Resource: r})
			}
		}
		return nil
	})
	return out, d.wrap("lease calendar checks", err)
}

// Checked implements reconcile.Store. A check that was made due meanwhile
// stays due.
func (d *DB) Checked(ctx context.Context, c reconcile.Check, at, next time.Time, failure string) error {
	_, err := d.exec(ctx, `UPDATE calendar_checks SET due_at=CASE WHEN due_at>$3 THEN due_at ELSE $4 END, lease_owner='', lease_until=0, checked_at=$3, last_error=$5
		WHERE tenant_id=$1 AND resource_id=$2`, string(c.Tenant), c.Resource.ID, micros(at), micros(next), failure)
	return d.wrap("note calendar check", err)
}

// Due implements reconcile.Store. A check that is due before stays so.
func (d *DB) Due(ctx context.Context, t tenant.ID, resources []string, at time.Time) error {
	if len(resources) == 0 {
		return nil
	}
	var a args
	q := `UPDATE calendar_checks SET due_at=` + a.add(micros(at)) + ` WHERE due_at>` + a.add(micros(at)) + ` AND tenant_id=` + a.add(string(t)) +
		` AND resource_id IN (SELECT id FROM resources WHERE tenant_id=calendar_checks.tenant_id AND email IN ` + list(&a, resources) + `)`
	_, err := d.exec(ctx, q, a.values...)
	return d.wrap("make calendar check due", err)
}

// CheckAnew has the calendar of a resource compared at once, as if it had never
// failed: what was wrong has been repaired.
func (d *DB) CheckAnew(ctx context.Context, t tenant.ID, resource string, at time.Time) error {
	_, err := d.For(t).exec(ctx, `UPDATE calendar_checks SET due_at=$2, last_error='' WHERE tenant_id=$1
		AND resource_id IN (SELECT id FROM resources WHERE tenant_id=calendar_checks.tenant_id AND email=$3)`, t, micros(at), resource)
	return d.wrap("check a calendar anew", err)
}

// Own implements reconcile.Store.
func (d *DB) Own(ctx context.Context, c reconcile.Check, uids []string, from, till, still time.Time) ([]reconcile.Own, error) {
	t := d.For(c.Tenant)
	taken, err := t.Occupied(ctx, []string{c.Resource.Email}, from, till, still)
	if err != nil {
		return nil, err
	}
	ids := map[string]bool{}
	dates := map[string][]booking.Occupied{}
	for _, o := range taken {
		if !o.Hold {
			ids[o.BookingID] = true
			dates[o.BookingID] = append(dates[o.BookingID], o)
		}
	}
	const chunk = 500
	for i := 0; i < len(uids); i += chunk {
		var a args
		q := `SELECT id FROM bookings WHERE tenant_id=` + a.add(t.id) + ` AND uid IN ` + list(&a, uids[i:min(i+chunk, len(uids))])
		found, err := collect(ctx, d.read, func(rows *sql.Rows) (string, error) {
			var id string
			return id, rows.Scan(&id)
		}, q, a.values...)
		if err != nil {
			return nil, d.wrap("read own bookings", err)
		}
		for _, id := range found {
			ids[id] = true
		}
	}
	all := make([]string, 0, len(ids))
	for id := range ids {
		all = append(all, id)
	}
	var out []reconcile.Own
	for i := 0; i < len(all); i += chunk {
		var a args
		q := `SELECT ` + bookingColumns + ` FROM bookings b WHERE b.tenant_id=` + a.add(t.id) + ` AND b.id IN ` + list(&a, all[i:min(i+chunk, len(all))])
		found, err := t.bookings(ctx, d.read, q, a.values...)
		if err != nil {
			return nil, d.wrap("read own bookings", err)
		}
		for _, b := range found {
			here := slices.ContainsFunc(b.Resources, func(r booking.BookedResource) bool { return r.ID == c.Resource.ID })
			o := reconcile.Own{Booking: b, Dates: dates[b.ID], Gone: !here || b.Status == booking.Cancelled}
			for _, s := range b.Sync {
				if s.Calendar == c.Resource.Email {
					here = true
					o.Settled = s.State == booking.Synced && s.UpdatedAt.Before(still) && b.UpdatedAt.Before(still)
				}
			}
			if !here { // a copy of an event that belongs elsewhere
				continue
			}
			if o.Gone {
				o.Dates = nil
			}
			out = append(out, o)
		}
	}
	return out, nil
}

// SaveForeign implements reconcile.Store.
func (d *DB) SaveForeign(ctx context.Context, c reconcile.Check, from, till, at time.Time, events []availability.Event) (int, error) {
	fresh := 0
	err := d.tx(ctx, func(tx txn) error {
		type key struct {
			uid   string
			start int64
		}
		known := map[key]bool{}
		_, err := collect(ctx, tx, func(rows *sql.Rows) (struct{}, error) {
			var k key
			err := rows.Scan(&k.uid, &k.start)
			known[k] = true
			return struct{}{}, err
		}, `SELECT uid, starts_at FROM foreign_events WHERE tenant_id=$1 AND resource_id=$2 AND starts_at<$3 AND ends_at>$4`,
			string(c.Tenant), c.Resource.ID, micros(till), micros(from))
		if err != nil {
			return err
		}
		if len(known) > 0 {
			if _, err := tx.ExecContext(ctx, `DELETE FROM foreign_events WHERE tenant_id=$1 AND resource_id=$2 AND starts_at<$3 AND ends_at>$4`,
				string(c.Tenant), c.Resource.ID, micros(till), micros(from)); err != nil {
				return err
			}
		}
		fresh = 0
		var rows [][]any
		put := map[key]bool{}
		for _, e := range events {
			k := key{e.UID, micros(e.Start)}
			if put[k] {
				continue
			}
			put[k] = true
			if !known[k] {
				fresh++
			}
			rows = append(rows, []any{string(c.Tenant), c.Resource.ID, e.UID, micros(e.Start), micros(e.End), e.Summary, e.Organizer, micros(at)})
		}
		return insertRows(ctx, tx, `INSERT INTO foreign_events (tenant_id, resource_id, uid, starts_at, ends_at, summary, organizer, seen_at) VALUES `, rows)
	})
	return fresh, d.wrap("save foreign events", err)
}

// Rewant implements reconcile.Store.
func (d *DB) Rewant(ctx context.Context, t tenant.ID, bookingID, calendar string, at time.Time) error {
	_, err := d.exec(ctx, `UPDATE outbox SET wanted=wanted+1, state='pending', attempts=0, last_error='', next_at=$4, changed_at=$4, updated_at=$4
		WHERE tenant_id=$1 AND booking_id=$2 AND calendar=$3`, string(t), bookingID, calendar, micros(at))
	return d.wrap("want a calendar write again", err)
}

// Raise implements reconcile.Store.
func (d *DB) Raise(ctx context.Context, c reconcile.Check, from, till, at time.Time, found []reconcile.Clash) (int, error) {
	fresh := 0
	t := d.For(c.Tenant)
	err := d.tx(ctx, func(tx txn) error {
		fresh = 0
		type key struct {
			booking         string
			original, other int64
			uid             string
		}
		open := map[key]string{}
		_, err := collect(ctx, tx, func(rows *sql.Rows) (struct{}, error) {
			var k key
			var id string
			err := rows.Scan(&id, &k.booking, &k.original, &k.uid, &k.other)
			open[k] = id
			return struct{}{}, err
		}, `SELECT id, booking_id, original, other_uid, other_start FROM conflicts WHERE tenant_id=$1 AND resource_id=$2 AND solved_at=0 AND starts_at<$3
				AND other_uid NOT LIKE '`+repliedUID+`%'`,
			t.id, c.Resource.ID, micros(till)) // those that are over are solved too
		if err != nil {
			return err
		}
		for _, x := range found {
			k := key{x.Date.BookingID, micros(x.Date.Original), micros(x.Event.Start), x.Event.UID}
			if _, ok := open[k]; ok {
				delete(open, k)
				continue
			}
			res, err := tx.ExecContext(ctx, `INSERT INTO conflicts (tenant_id, id, booking_id, original, resource_id, starts_at, ends_at,
				other_uid, other_title, other_organizer, other_start, other_end, found_at, told_at, solved_at)
				VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,0,0)
				ON CONFLICT (tenant_id, booking_id, original, resource_id, other_uid, other_start) DO UPDATE SET solved_at=0, told_at=0, found_at=excluded.found_at,
					starts_at=excluded.starts_at, ends_at=excluded.ends_at, other_end=excluded.other_end
				WHERE conflicts.solved_at>0`,
				t.id, newID(), x.Date.BookingID, micros(x.Date.Original), c.Resource.ID, micros(x.Date.Start), micros(x.Date.End),
				x.Event.UID, x.Event.Summary, x.Event.Organizer, micros(x.Event.Start), micros(x.Event.End), micros(at))
			if err != nil {
				return err
			}
			n, err := res.RowsAffected()
			if err != nil {
				return err
			}
			fresh += int(n)
			if n > 0 {
				if err := t.mark(ctx, tx, x.Date.BookingID, booking.InConflict, "conflict", "an event written into the calendar of "+c.Resource.Name+" overlaps", at); err != nil {
					return err
				}
			}
		}
		for k, id := range open { // those that are not there any more
			if _, err := tx.ExecContext(ctx, `UPDATE conflicts SET solved_at=$3 WHERE tenant_id=$1 AND id=$2`, t.id, id, micros(at)); err != nil {
				return err
			}
			if err := t.solved(ctx, tx, k.booking, "nothing overlaps any more", at); err != nil {
				return err
			}
		}
		return nil
	})
	return fresh, d.wrap("raise conflicts", err)
}

// solved confirms a booking again, if nothing else is in its way.
func (t *Tenant) solved(ctx context.Context, tx txn, id, reason string, at time.Time) error {
	var left int
	err := tx.QueryRowContext(ctx, `SELECT (SELECT COUNT(*) FROM conflicts WHERE tenant_id=$1 AND booking_id=$2 AND solved_at=0)
		+ (SELECT COUNT(*) FROM booking_overrides WHERE tenant_id=$1 AND booking_id=$2 AND state='conflict')`, t.id, id).Scan(&left)
	if err != nil || left > 0 {
		return err
	}
	return t.mark(ctx, tx, id, booking.Confirmed, "solved", reason, at)
}

// mark sets the status of a live booking, with its history and event.
func (t *Tenant) mark(ctx context.Context, tx txn, id string, status booking.Status, action, reason string, at time.Time) error {
	found, err := t.bookings(ctx, tx, `SELECT `+bookingColumns+` FROM bookings b WHERE b.tenant_id=$1 AND b.id=$2`+t.db.dialect.forUpdate(), t.id, id)
	if err != nil || len(found) == 0 {
		return err
	}
	before := found[0]
	if before.Status == status || before.Status != booking.Confirmed && before.Status != booking.InConflict {
		return nil
	}
	after := before
	after.Status, after.UpdatedAt = status, at
	after.Version++
	if _, err := tx.ExecContext(ctx, `UPDATE bookings SET status=$3, version=version+1, updated_at=$4 WHERE tenant_id=$1 AND id=$2`, t.id, id, string(status), micros(at)); err != nil {
		return err
	}
	c := booking.Change{Booking: after, Expect: before.Version, History: booking.HistoryEntry{At: at, Actor: booking.System, Action: action, Reason: reason}}
	if c.History.Before, err = bookingJSON(before); err != nil {
		return err
	}
	if c.History.After, err = bookingJSON(after); err != nil {
		return err
	}
	if err := t.storeHistory(ctx, tx, c); err != nil {
		return err
	}
	return t.tell(ctx, tx, at, "booking."+action, after, after.Reach())
}

func bookingJSON(b booking.Booking) (string, error) {
	b.Sync = nil
	j, err := json.Marshal(b)
	return string(j), err
}

// Untold implements reconcile.Store.
func (d *DB) Untold(ctx context.Context, limit int) ([]reconcile.Conflict, error) {
	return d.conflicts(ctx, `x.told_at=0 AND x.solved_at=0 ORDER BY x.found_at LIMIT $1`, limit)
}

// Conflicts answers the overlaps of a tenant that are still there, the next
// first; or with solved those that are not.
func (t *Tenant) Conflicts(ctx context.Context, solved bool, limit int) ([]reconcile.Conflict, error) {
	where := `x.tenant_id=$1 AND x.solved_at=0 ORDER BY x.starts_at LIMIT $2`
	if solved {
		where = `x.tenant_id=$1 AND x.solved_at>0 ORDER BY x.solved_at DESC LIMIT $2`
	}
	return t.db.conflicts(ctx, where, t.id, limit)
}

func (d *DB) conflicts(ctx context.Context, where string, params ...any) ([]reconcile.Conflict, error) {
	type row struct {
		reconcile.Conflict
		booking, resource string
	}
	rows, err := collect(ctx, d.read, func(rows *sql.Rows) (row, error) {
		var r row
		var original, start, end, otherStart, otherEnd, found, solved int64
		err := rows.Scan(&r.Tenant, &r.ID, &r.booking, &original, &r.resource, &start, &end, &r.Other.UID, &r.Other.Summary, &r.Other.Organizer, &otherStart, &otherEnd, &found, &solved)
		r.Original, r.Start, r.End, r.Other.Start, r.Other.End = instant(original), instant(start), instant(end), instant(otherStart), instant(otherEnd)
		r.FoundAt, r.SolvedAt = instant(found), instant(solved)
		return r, err
	}, `SELECT x.tenant_id, x.id, x.booking_id, x.original, x.resource_id, x.starts_at, x.ends_at, x.other_uid, x.other_title, x.other_organizer,
		x.other_start, x.other_end, x.found_at, x.solved_at FROM conflicts x WHERE `+where, params...)
	if err != nil {
		return nil, d.wrap("read conflicts", err)
	}
	out := make([]reconcile.Conflict, len(rows))
	for i, r := range rows {
		c := r.Conflict
		if c.Booking, err = d.For(c.Tenant).Booking(ctx, r.booking); err != nil {
			return nil, fmt.Errorf("read conflicts: %w", err)
		}
		found, err := collect(ctx, d.read, scanResource, selectResources+` WHERE r.tenant_id=$1 AND r.id=$2`, string(c.Tenant), r.resource)
		if err != nil {
			return nil, d.wrap("read conflicts", err)
		}
		for _, x := range found {
			c.Resource = x
		}
		out[i] = c
	}
	return out, nil
}

// Told implements reconcile.Store.
func (d *DB) Told(ctx context.Context, c reconcile.Conflict, at time.Time) error {
	_, err := d.exec(ctx, `UPDATE conflicts SET told_at=$3 WHERE tenant_id=$1 AND id=$2`, string(c.Tenant), c.ID, micros(at))
	return d.wrap("note that people were told", err)
}

// CalendarCheck is when a resource's calendar was last compared.
type CalendarCheck struct {
	Resource  directory.Resource
	CheckedAt time.Time
	DueAt     time.Time
	LastError string
	Foreign   int // events of other programs that are known
}

// CalendarChecks answers the checks of a tenant, those that failed first.
func (t *Tenant) CalendarChecks(ctx context.Context, limit int) ([]CalendarCheck, error) {
	resources, err := t.Resources(ctx, directory.Filter{})
	if err != nil {
		return nil, err
	}
	byID := map[string]directory.Resource{}
	for _, r := range resources {
		byID[r.ID] = r
	}
	out, err := collect(ctx, t.read, func(rows *sql.Rows) (CalendarCheck, error) {
		var c CalendarCheck
		var id string
		var checked, due int64
		err := rows.Scan(&id, &checked, &due, &c.LastError, &c.Foreign)
		c.Resource, c.CheckedAt, c.DueAt = byID[id], instant(checked), instant(due)
		return c, err
	}, `SELECT c.resource_id, c.checked_at, c.due_at, c.last_error,
			(SELECT COUNT(*) FROM foreign_events f WHERE f.tenant_id=c.tenant_id AND f.resource_id=c.resource_id)
		FROM calendar_checks c WHERE c.tenant_id=$1 ORDER BY CASE WHEN c.last_error='' THEN 1 ELSE 0 END, c.checked_at LIMIT $2`, t.id, limit)
	return out, t.db.wrap("read calendar checks", err)
}
