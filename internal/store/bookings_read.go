package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"rmp/internal/booking"
	"rmp/internal/directory"
)

const bookingColumns = `b.id, b.uid, b.title, b.starts_at, b.ends_at, b.time_zone, b.status, b.organizer, b.organizer_name, b.location,
	b.description, b.private, b.mode, b.sequence, b.version, b.created_at, b.updated_at, b.rrule, b.rdates, b.exdates, b.last_end,
	b.expanded_till, b.hold_until, b.follows`

func scanBooking(rows *sql.Rows) (booking.Booking, error) { return scanBookingAnd(rows) }

// scanBookingAnd reads the columns of a booking, and what else the query
// answers behind them.
func scanBookingAnd(rows *sql.Rows, more ...any) (booking.Booking, error) {
	var b booking.Booking
	var start, end, private, created, updated, last, expanded, hold int64
	var r booking.Recurrence
	var rdates, exdates string
	err := rows.Scan(append([]any{&b.ID, &b.UID, &b.Title, &start, &end, &b.TimeZone, &b.Status, &b.Organizer.Email, &b.Organizer.Name, &b.Location,
		&b.Description, &private, &b.Mode, &b.Sequence, &b.Version, &created, &updated, &r.RRule, &rdates, &exdates, &last, &expanded, &hold, &b.Follows}, more...)...)
	if err != nil {
		return b, err
	}
	b.Start, b.End, b.CreatedAt, b.UpdatedAt, b.Private = instant(start), instant(end), instant(created), instant(updated), private != 0
	b.LastEnd, b.ExpandedTill, b.HoldUntil = instant(last), instant(expanded), instant(hold)
	for _, d := range []struct {
		text string
		list *[]time.Time
	}{{rdates, &r.RDates}, {exdates, &r.ExDates}} {
		if d.text != "" {
			if err := json.Unmarshal([]byte(d.text), d.list); err != nil {
				return b, err
			}
		}
	}
	if r.RRule != "" || len(r.RDates) > 0 {
		b.Recurrence = &r
	}
	return b, nil
}

// Booking implements booking.Store.
func (t *Tenant) Booking(ctx context.Context, id string) (booking.Booking, error) {
	found, err := t.bookings(ctx, t.read, `SELECT `+bookingColumns+` FROM bookings b WHERE b.tenant_id=$1 AND b.id=$2`, t.id, id)
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
	columns, tables, start := bookingColumns, `bookings b`, `b.starts_at`
	if f.ByDate {
		columns += `, o.original, o.starts_at, o.ends_at`
		tables, start = `occurrences o JOIN bookings b ON b.tenant_id=o.tenant_id AND b.id=o.booking_id`, `o.starts_at`
	}
	q := `SELECT ` + columns + ` FROM ` + tables + ` WHERE b.tenant_id=` + a.add(t.id)
	switch {
	case f.ByDate:
		q += ` AND o.tenant_id=b.tenant_id AND o.ends_at>` + a.add(micros(f.From)) + ` AND o.starts_at>` + a.add(micros(f.From.Add(-longestBlock)))
	case !f.From.IsZero():
		q += ` AND (b.last_end=0 OR b.last_end>` + a.add(micros(f.From)) + `)`
	}
	if !f.Till.IsZero() {
		q += ` AND ` + start + `<` + a.add(micros(f.Till))
	}
	if f.Live {
		q += ` AND b.status<>'cancelled'`
	}
	if f.Status != "" {
		q += ` AND b.status=` + a.add(string(f.Status))
	} else {
		q += ` AND b.status<>'hold'`
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
		q += ` AND (` + start + `>` + s + ` OR ` + start + `=` + s + ` AND b.id>` + a.add(f.After.ID) + `)`
	}
	q += ` ORDER BY ` + start + `, b.id`
	if f.Limit > 0 {
		q += ` LIMIT ` + a.add(f.Limit)
	}
	scan := scanBooking
	if f.ByDate {
		scan = func(rows *sql.Rows) (booking.Booking, error) {
			var original, from, till int64
			b, err := scanBookingAnd(rows, &original, &from, &till)
			b.Occurrence = &booking.Occurrence{Original: instant(original), Start: instant(from), End: instant(till)}
			return b, err
		}
	}
	found, err := t.bookingsBy(ctx, t.read, scan, q, a.values...)
	return found, t.db.wrap("read bookings", err)
}

// ToExtend implements booking.Store.
func (t *Tenant) ToExtend(ctx context.Context, before time.Time, limit int) ([]booking.Booking, error) {
	found, err := t.bookings(ctx, t.read, `SELECT `+bookingColumns+` FROM bookings b WHERE b.tenant_id=$1 AND b.expanded_till>0 AND b.expanded_till<$2
		AND b.status IN ('confirmed','conflict') ORDER BY b.expanded_till LIMIT $3`, t.id, micros(before), limit)
	return found, t.db.wrap("read series to extend", err)
}

// bookings reads bookings with all that hangs on them, in four queries
// however many they are.
func (t *Tenant) bookings(ctx context.Context, q queryer, query string, params ...any) ([]booking.Booking, error) {
	return t.bookingsBy(ctx, q, scanBooking, query, params...)
}

func (t *Tenant) bookingsBy(ctx context.Context, q queryer, scan func(*sql.Rows) (booking.Booking, error), query string, params ...any) ([]booking.Booking, error) {
	found, err := collect(ctx, q, scan, query, params...)
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

// loadParts reads what hangs on bookings; one that stands in the list for
// each of its dates is read once.
func (t *Tenant) loadParts(ctx context.Context, q queryer, found []booking.Booking) error {
	parts := make(map[string]*booking.Booking, len(found))
	var ids, series []string
	for _, b := range found {
		if parts[b.ID] == nil {
			parts[b.ID] = &booking.Booking{}
			ids = append(ids, b.ID)
			if b.Recurrence != nil {
				series = append(series, b.ID)
			}
		}
	}
	load := func(ids []string, scan func(*sql.Rows) error, head, tail string) error {
		if len(ids) == 0 {
			return nil
		}
		var a args
		_, err := collect(ctx, q, func(rows *sql.Rows) (struct{}, error) { return struct{}{}, scan(rows) },
			head+` WHERE x.tenant_id=`+a.add(t.id)+` AND x.booking_id IN `+list(&a, ids)+tail, a.values...)
		return err
	}
	var id string
	err := load(ids, func(rows *sql.Rows) error {
		var r directory.Resource
		var quantity int
		var policy, typePolicy string
		if err := rows.Scan(&id, &r.ID, &r.Email, &r.Name, &r.Type, &r.Units, &r.TimeZone, &policy, &typePolicy, &quantity); err != nil {
			return err
		}
		if err := readPolicies(&r, policy, typePolicy); err != nil {
			return err
		}
		rules := r.Rules()
		parts[id].Resources = append(parts[id].Resources, booking.BookedResource{ID: r.ID, Email: r.Email, Name: r.Name, Type: r.Type, Quantity: quantity,
			Units: r.Units, Setup: rules.Setup(), Teardown: rules.Teardown()})
		return nil
	}, `SELECT x.booking_id, r.id, r.email, r.name, r.type, r.units, r.time_zone, r.policy, COALESCE(tp.policy, ''), x.quantity
		FROM booking_resources x JOIN resources r ON r.tenant_id=x.tenant_id AND r.id=x.resource_id
		LEFT JOIN type_policies tp ON tp.tenant_id=r.tenant_id AND tp.type=r.type`, ` ORDER BY r.email`)
	if err != nil {
		return err
	}
	err = load(ids, func(rows *sql.Rows) error {
		var p booking.Attendee
		err := rows.Scan(&id, &p.Email, &p.Name, &p.Role, &p.PartStat)
		parts[id].Attendees = append(parts[id].Attendees, p)
		return err
	}, `SELECT x.booking_id, x.email, x.name, x.role, x.part_stat FROM booking_attendees x`, ` ORDER BY x.booking_id, x.place`)
	if err != nil {
		return err
	}
	err = load(series, func(rows *sql.Rows) error {
		var o booking.Override
		var original, start, end int64
		err := rows.Scan(&id, &original, &o.State, &start, &end, &o.Title, &o.Location, &o.Description, &o.Reason)
		o.Original, o.Start, o.End = instant(original), instant(start), instant(end)
		parts[id].Overrides = append(parts[id].Overrides, o)
		return err
	}, `SELECT x.booking_id, x.original, x.state, x.starts_at, x.ends_at, x.title, x.location, x.description, x.reason FROM booking_overrides x`, ` ORDER BY x.booking_id, x.original`)
	if err != nil {
		return err
	}
	err = load(ids, func(rows *sql.Rows) error {
		var s booking.Sync
		var remove, updated int64
		err := rows.Scan(&id, &s.Calendar, &s.Kind, &remove, &s.State, &s.Attempts, &s.LastError, &updated)
		s.Remove, s.UpdatedAt = remove != 0, instant(updated)
		parts[id].Sync = append(parts[id].Sync, s)
		return err
	}, `SELECT x.booking_id, x.calendar, x.kind, x.remove, x.state, x.attempts, x.last_error, x.updated_at FROM outbox x`, ` ORDER BY x.calendar`)
	for i := range found {
		b, p := &found[i], parts[found[i].ID]
		b.Resources, b.Attendees, b.Overrides, b.Sync = p.Resources, p.Attendees, p.Overrides, p.Sync
	}
	return err
}

// Own implements booking.Store.
func (t *Tenant) Own(ctx context.Context, uids, calendars []string) (map[booking.InCalendar]bool, error) {
	asked := make(map[string]bool, len(calendars))
	for _, c := range calendars {
		asked[c] = true
	}
	own := map[booking.InCalendar]bool{}
	const chunk = 500
	for i := 0; i < len(uids); i += chunk {
		var a args
		which := ` WHERE b.tenant_id=` + a.add(t.id) + ` AND b.uid IN ` + list(&a, uids[i:min(i+chunk, len(uids))])
		_, err := collect(ctx, t.read, func(rows *sql.Rows) (struct{}, error) {
			var x booking.InCalendar
			err := rows.Scan(&x.UID, &x.Calendar)
			if asked[x.Calendar] {
				own[x] = true
			}
			return struct{}{}, err
		}, `SELECT b.uid, r.email FROM bookings b JOIN booking_resources x ON x.tenant_id=b.tenant_id AND x.booking_id=b.id
				JOIN resources r ON r.tenant_id=x.tenant_id AND r.id=x.resource_id`+which+`
			UNION SELECT b.uid, o.calendar FROM bookings b JOIN outbox o ON o.tenant_id=b.tenant_id AND o.booking_id=b.id`+which, a.values...)
		if err != nil {
			return nil, t.db.wrap("look for own events", err)
		}
	}
	return own, nil
}

// History implements booking.Store.
func (t *Tenant) History(ctx context.Context, id string) ([]booking.HistoryEntry, error) {
	out, err := collect(ctx, t.read, func(rows *sql.Rows) (booking.HistoryEntry, error) {
		var h booking.HistoryEntry
		var at int64
		err := rows.Scan(&at, &h.Actor, &h.Action, &h.Reason, &h.Before, &h.After)
		h.At = instant(at)
		return h, err
	}, `SELECT at, actor, action, reason, before, after FROM booking_history WHERE tenant_id=$1 AND booking_id=$2 ORDER BY entry`, t.id, id)
	return out, t.db.wrap("read history", err)
}

// AsOf implements booking.Store.
func (t *Tenant) AsOf(ctx context.Context, at, from, till time.Time) ([]booking.Booking, error) {
	texts, err := collect(ctx, t.read, func(rows *sql.Rows) (string, error) {
		var s string
		return s, rows.Scan(&s)
	}, `SELECT h.after FROM booking_history h WHERE h.tenant_id=$1 AND h.at<=$2 AND h.after_start<$3 AND (h.after_end=0 OR h.after_end>$4)
		AND h.entry=(SELECT MAX(x.entry) FROM booking_history x WHERE x.tenant_id=h.tenant_id AND x.booking_id=h.booking_id AND x.at<=$2)`,
		t.id, micros(at), micros(till), micros(from))
	if err != nil {
		return nil, t.db.wrap("read history", err)
	}
	out := make([]booking.Booking, 0, len(texts))
	for _, s := range texts {
		var b booking.Booking
		if err := json.Unmarshal([]byte(s), &b); err != nil {
			return nil, fmt.Errorf("read history: %w", err)
		}
		out = append(out, b)
	}
	return out, nil
}
