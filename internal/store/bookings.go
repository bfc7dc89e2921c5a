package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"rmp/internal/booking"
)

var _ booking.Store = (*Tenant)(nil)

// Insert implements booking.Store.
func (t *Tenant) Insert(ctx context.Context, c booking.Change) error {
	err := t.db.tx(ctx, func(tx *sql.Tx) error {
		b := c.Booking
		_, err := tx.ExecContext(ctx, `INSERT INTO bookings (tenant_id, id, uid, title, starts_at, ends_at, time_zone, status, organizer,
			organizer_name, location, description, private, mode, sequence, version, created_at, updated_at)
			VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14,$15,$16,$17,$18)`,
			t.id, b.ID, b.UID, b.Title, micros(b.Start), micros(b.End), b.TimeZone, string(b.Status), b.Organizer.Email,
			b.Organizer.Name, b.Location, b.Description, flag(b.Private), string(b.Mode), b.Sequence, 1, micros(b.CreatedAt), micros(b.UpdatedAt))
		if err != nil {
			return err
		}
		return t.storeParts(ctx, tx, c)
	})
	return t.outcome("insert booking", err)
}

// Update implements booking.Store.
func (t *Tenant) Update(ctx context.Context, c booking.Change) error {
	err := t.db.tx(ctx, func(tx *sql.Tx) error {
		b := c.Booking
		res, err := tx.ExecContext(ctx, `UPDATE bookings SET title=$3, starts_at=$4, ends_at=$5, time_zone=$6, status=$7, location=$8,
			description=$9, private=$10, mode=$11, sequence=$12, version=version+1, updated_at=$13
			WHERE tenant_id=$1 AND id=$2 AND version=$14`,
			t.id, b.ID, b.Title, micros(b.Start), micros(b.End), b.TimeZone, string(b.Status), b.Location,
			b.Description, flag(b.Private), string(b.Mode), b.Sequence, micros(b.UpdatedAt), c.Expect)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil {
			return err
		} else if n == 0 {
			var version int64
			err := tx.QueryRowContext(ctx, `SELECT version FROM bookings WHERE tenant_id=$1 AND id=$2`, t.id, b.ID).Scan(&version)
			if errors.Is(err, sql.ErrNoRows) {
				return booking.ErrNotFound
			} else if err != nil {
				return err
			}
			return booking.ErrStale
		}
		for _, table := range []string{"occupancy", "booking_resources", "booking_attendees"} {
			if _, err := tx.ExecContext(ctx, `DELETE FROM `+table+` WHERE tenant_id=$1 AND booking_id=$2`, t.id, b.ID); err != nil {
				return err
			}
		}
		return t.storeParts(ctx, tx, c)
	})
	return t.outcome("update booking", err)
}

func (t *Tenant) outcome(op string, err error) error {
	if t.db.dialect.overlap(err) {
		return fmt.Errorf("%s: %w", op, booking.ErrOverlap)
	}
	return t.db.wrap(op, err)
}

// storeParts stores what hangs on a booking: its resources and their
// occupancy, its attendees, the history entry, the intents to write.
func (t *Tenant) storeParts(ctx context.Context, tx *sql.Tx, c booking.Change) error {
	b := c.Booking
	resources := slices.Clone(b.Resources)
	// In one order in all transactions, so that none waits for another in a circle.
	slices.SortFunc(resources, func(x, y booking.BookedResource) int {
		if x.ID < y.ID {
			return -1
		}
		return 1
	})
	for _, r := range resources {
		if _, err := tx.ExecContext(ctx, `INSERT INTO booking_resources (tenant_id, booking_id, resource_id) VALUES ($1,$2,$3)`, t.id, b.ID, r.ID); err != nil {
			return err
		}
		if b.Status == booking.Cancelled {
			continue
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO occupancy (tenant_id, resource_id, booking_id, starts_at, ends_at) VALUES ($1,$2,$3,$4,$5)`,
			t.id, r.ID, b.ID, micros(b.Start), micros(b.End)); err != nil {
			return err
		}
	}
	for i, a := range b.Attendees {
		if _, err := tx.ExecContext(ctx, `INSERT INTO booking_attendees (tenant_id, booking_id, place, email, name, role, part_stat) VALUES ($1,$2,$3,$4,$5,$6,$7)`,
			t.id, b.ID, i, a.Email, a.Name, a.Role, a.PartStat); err != nil {
			return err
		}
	}
	h := c.History
	if _, err := tx.ExecContext(ctx, `INSERT INTO booking_history (tenant_id, booking_id, entry, at, actor, action, reason, before, after)
		SELECT $1, $2, COUNT(*), $3, $4, $5, $6, $7, $8 FROM booking_history WHERE tenant_id=$1 AND booking_id=$2`,
		t.id, b.ID, micros(h.At), h.Actor, h.Action, h.Reason, h.Before, h.After); err != nil {
		return err
	}
	for _, w := range c.Writes {
		if _, err := tx.ExecContext(ctx, `INSERT INTO outbox (tenant_id, booking_id, calendar, kind, remove, wanted, state, attempts, last_error,
				next_at, lease_owner, lease_until, changed_at, updated_at)
			VALUES ($1,$2,$3,$4,$5,1,'pending',0,'',$6,$7,$8,$6,$6)
			ON CONFLICT (tenant_id, booking_id, calendar) DO UPDATE SET kind=excluded.kind, remove=excluded.remove, wanted=outbox.wanted+1,
				state='pending', attempts=0, last_error='', next_at=excluded.next_at, lease_owner=excluded.lease_owner,
				lease_until=excluded.lease_until, changed_at=excluded.changed_at, updated_at=excluded.updated_at`,
			t.id, b.ID, w.Calendar, string(w.Kind), flag(w.Remove), micros(b.UpdatedAt), c.Owner, micros(c.LeaseUntil)); err != nil {
			return err
		}
	}
	return nil
}

const bookingColumns = `b.id, b.uid, b.title, b.starts_at, b.ends_at, b.time_zone, b.status, b.organizer, b.organizer_name, b.location,
	b.description, b.private, b.mode, b.sequence, b.version, b.created_at, b.updated_at`

func scanBooking(rows *sql.Rows) (booking.Booking, error) {
	var b booking.Booking
	var start, end, private, created, updated int64
	err := rows.Scan(&b.ID, &b.UID, &b.Title, &start, &end, &b.TimeZone, &b.Status, &b.Organizer.Email, &b.Organizer.Name, &b.Location,
		&b.Description, &private, &b.Mode, &b.Sequence, &b.Version, &created, &updated)
	b.Start, b.End, b.CreatedAt, b.UpdatedAt, b.Private = instant(start), instant(end), instant(created), instant(updated), private != 0
	return b, err
}

// Booking implements booking.Store.
func (t *Tenant) Booking(ctx context.Context, id string) (booking.Booking, error) {
	found, err := t.bookings(ctx, t.db.read, `SELECT `+bookingColumns+` FROM bookings b WHERE b.tenant_id=$1 AND b.id=$2`, t.id, id)
	switch {
	case err != nil:
		return booking.Booking{}, t.db.wrap("read booking", err)
	case len(found) == 0:
		return booking.Booking{}, booking.ErrNotFound
	}
	return found[0], nil
}

// Bookings implements booking.Store.
func (t *Tenant) Bookings(ctx context.Context, f booking.Filter) ([]booking.Booking, error) {
	var a args
	q := `SELECT ` + bookingColumns + ` FROM bookings b WHERE b.tenant_id=` + a.add(t.id)
	if !f.From.IsZero() {
		q += ` AND b.ends_at>` + a.add(micros(f.From))
	}
	if !f.Till.IsZero() {
		q += ` AND b.starts_at<` + a.add(micros(f.Till))
	}
	if f.Status != "" {
		q += ` AND b.status=` + a.add(string(f.Status))
	}
	if f.Organizer != "" {
		q += ` AND b.organizer=` + a.add(f.Organizer)
	}
	if f.Person != "" {
		p := a.add(f.Person)
		q += ` AND (b.organizer=` + p + ` OR EXISTS (SELECT 1 FROM booking_attendees x WHERE x.tenant_id=b.tenant_id AND x.booking_id=b.id AND x.email=` + p + `))`
	}
	if f.Resource != "" {
		q += ` AND EXISTS (SELECT 1 FROM booking_resources x JOIN resources r ON r.tenant_id=x.tenant_id AND r.id=x.resource_id
			WHERE x.tenant_id=b.tenant_id AND x.booking_id=b.id AND r.email=` + a.add(f.Resource) + `)`
	}
	if f.After.ID != "" {
		s := a.add(micros(f.After.Start))
		q += ` AND (b.starts_at>` + s + ` OR b.starts_at=` + s + ` AND b.id>` + a.add(f.After.ID) + `)`
	}
	q += ` ORDER BY b.starts_at, b.id`
	if f.Limit > 0 {
		q += ` LIMIT ` + a.add(f.Limit)
	}
	found, err := t.bookings(ctx, t.db.read, q, a.values...)
	return found, t.db.wrap("read bookings", err)
}

// bookings reads bookings with all that hangs on them, in four queries
// however many they are.
func (t *Tenant) bookings(ctx context.Context, q queryer, query string, params ...any) ([]booking.Booking, error) {
	found, err := collect(ctx, q, scanBooking, query, params...)
	if err != nil || len(found) == 0 {
		return found, err
	}
	const chunk = 500 // parameters of one statement are limited
	for i := 0; i < len(found); i += chunk {
		if err := t.loadParts(ctx, q, found[i:min(i+chunk, len(found))]); err != nil {
			return nil, err
		}
	}
	return found, nil
}

func (t *Tenant) loadParts(ctx context.Context, q queryer, found []booking.Booking) error {
	at := make(map[string]*booking.Booking, len(found))
	ids := make([]string, len(found))
	for i := range found {
		ids[i] = found[i].ID
		at[ids[i]] = &found[i]
	}
	in := func(a *args) string { return `.tenant_id=` + a.add(t.id) + ` AND ` }
	var a args
	where := in(&a)
	_, err := collect(ctx, q, func(rows *sql.Rows) (struct{}, error) {
		var id string
		var r booking.BookedResource
		err := rows.Scan(&id, &r.ID, &r.Email, &r.Name, &r.Type)
		at[id].Resources = append(at[id].Resources, r)
		return struct{}{}, err
	}, `SELECT x.booking_id, r.id, r.email, r.name, r.type FROM booking_resources x JOIN resources r ON r.tenant_id=x.tenant_id AND r.id=x.resource_id
		WHERE x`+where+`x.booking_id IN `+list(&a, ids)+` ORDER BY r.email`, a.values...)
	if err != nil {
		return err
	}
	a = args{}
	where = in(&a)
	_, err = collect(ctx, q, func(rows *sql.Rows) (struct{}, error) {
		var id string
		var p booking.Attendee
		err := rows.Scan(&id, &p.Email, &p.Name, &p.Role, &p.PartStat)
		at[id].Attendees = append(at[id].Attendees, p)
		return struct{}{}, err
	}, `SELECT x.booking_id, x.email, x.name, x.role, x.part_stat FROM booking_attendees x
		WHERE x`+where+`x.booking_id IN `+list(&a, ids)+` ORDER BY x.booking_id, x.place`, a.values...)
	if err != nil {
		return err
	}
	a = args{}
	where = in(&a)
	_, err = collect(ctx, q, func(rows *sql.Rows) (struct{}, error) {
		var id string
		var s booking.Sync
		var remove, updated int64
		err := rows.Scan(&id, &s.Calendar, &s.Kind, &remove, &s.State, &s.Attempts, &s.LastError, &updated)
		s.Remove, s.UpdatedAt = remove != 0, instant(updated)
		at[id].Sync = append(at[id].Sync, s)
		return struct{}{}, err
	}, `SELECT x.booking_id, x.calendar, x.kind, x.remove, x.state, x.attempts, x.last_error, x.updated_at FROM outbox x
		WHERE x`+where+`x.booking_id IN `+list(&a, ids)+` ORDER BY x.calendar`, a.values...)
	return err
}

// Occupied implements booking.Store.
func (t *Tenant) Occupied(ctx context.Context, resources []string, from, till time.Time) ([]booking.Occupied, error) {
	if len(resources) == 0 {
		return nil, nil
	}
	var a args
	q := `SELECT r.email, o.starts_at, o.ends_at, b.id, b.title, b.private, b.organizer, b.organizer_name
		FROM occupancy o
		JOIN resources r ON r.tenant_id=o.tenant_id AND r.id=o.resource_id
		JOIN bookings b ON b.tenant_id=o.tenant_id AND b.id=o.booking_id
		WHERE o.tenant_id=` + a.add(t.id) + ` AND o.starts_at<` + a.add(micros(till)) + ` AND o.ends_at>` + a.add(micros(from)) +
		` AND r.email IN ` + list(&a, resources) + ` ORDER BY r.email, o.starts_at`
	out, err := collect(ctx, t.db.read, func(rows *sql.Rows) (booking.Occupied, error) {
		var o booking.Occupied
		var start, end, private int64
		err := rows.Scan(&o.ResourceEmail, &start, &end, &o.BookingID, &o.Title, &private, &o.Organizer.Email, &o.Organizer.Name)
		o.Start, o.End, o.Private = instant(start), instant(end), private != 0
		return o, err
	}, q, a.values...)
	return out, t.db.wrap("read occupancy", err)
}

// OwnUIDs implements booking.Store.
func (t *Tenant) OwnUIDs(ctx context.Context, uids []string) (map[string]bool, error) {
	own := map[string]bool{}
	const chunk = 500
	for i := 0; i < len(uids); i += chunk {
		var a args
		q := `SELECT uid FROM bookings WHERE tenant_id=` + a.add(t.id) + ` AND uid IN ` + list(&a, uids[i:min(i+chunk, len(uids))])
		_, err := collect(ctx, t.db.read, func(rows *sql.Rows) (struct{}, error) {
			var uid string
			err := rows.Scan(&uid)
			own[uid] = true
			return struct{}{}, err
		}, q, a.values...)
		if err != nil {
			return nil, t.db.wrap("look for own events", err)
		}
	}
	return own, nil
}

// History implements booking.Store.
func (t *Tenant) History(ctx context.Context, id string) ([]booking.HistoryEntry, error) {
	out, err := collect(ctx, t.db.read, func(rows *sql.Rows) (booking.HistoryEntry, error) {
		var h booking.HistoryEntry
		var at int64
		err := rows.Scan(&at, &h.Actor, &h.Action, &h.Reason, &h.Before, &h.After)
		h.At = instant(at)
		return h, err
	}, `SELECT at, actor, action, reason, before, after FROM booking_history WHERE tenant_id=$1 AND booking_id=$2 ORDER BY entry`, t.id, id)
	return out, t.db.wrap("read history", err)
}
