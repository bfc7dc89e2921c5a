package store

import (
	"context"
	"database/sql"
	"slices"
	"time"

	"rmp/internal/booking"
	"rmp/internal/events"
	"rmp/internal/tenant"
)

// longestBlock is the most that a row of occupancy may span, by its CHECK.
const longestBlock = 33 * 24 * time.Hour

// taken is a row of occupancy.
type taken struct {
	resource, booking             string
	unit                          int
	original                      int64
	start, end                    int64 // blocked
	meetStart, meetEnd, holdUntil int64
}

func (x taken) values(tenant string) []any {
	return []any{tenant, x.resource, x.unit, x.booking, x.original, x.start, x.end, x.meetStart, x.meetEnd, x.holdUntil}
}

const insertOccupancy = `INSERT INTO occupancy (tenant_id, resource_id, unit, booking_id, original, starts_at, ends_at, meet_start, meet_end, hold_until) VALUES `

// occupy takes the resources for the dates of the changes.
func (t *Tenant) occupy(ctx context.Context, tx txn, changes []booking.Change) error {
	wanted := map[string][]taken{}
	var order []string
	now := time.Time{}
	for _, c := range changes {
		b := c.Booking
		now = c.Now
		if b.Status == booking.Cancelled {
			continue
		}
		for _, r := range b.Resources {
			order = append(order, r.ID)
			for _, o := range c.Dates {
				if !o.End.After(c.Now) {
					continue
				}
				x := taken{resource: r.ID, booking: b.ID, original: micros(o.Original), start: micros(o.Start.Add(-r.Setup)), end: micros(o.End.Add(r.Teardown)),
					meetStart: micros(o.Start), meetEnd: micros(o.End), holdUntil: micros(b.HoldUntil)}
				for range max(1, r.Quantity) {
					wanted[r.ID] = append(wanted[r.ID], x)
				}
			}
		}
	}
	slices.Sort(order)
	order = slices.Compact(order)
	units, err := t.units(ctx, tx, order)
	if err != nil {
		return err
	}
	for _, id := range order {
		if len(wanted[id]) == 0 {
			continue
		}
		if err := t.dropExpired(ctx, tx, id, now); err != nil {
			return err
		}
		var err error
		if u := units[id]; u.several {
			err = t.takeUnits(ctx, tx, id, u.n, wanted[id])
		} else {
			err = t.take(ctx, tx, wanted[id])
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// units are how many a resource has. several: they are told apart, as there is
// more than one, or once was.
type units struct {
	n       int
	several bool
}

// units reads them now: they may be fewer than when the booking was judged.
// Who changes them waits for lockResources, or the other way round.
func (t *Tenant) units(ctx context.Context, tx txn, ids []string) (map[string]units, error) {
	out := make(map[string]units, len(ids))
	if len(ids) == 0 {
		return out, nil
	}
	var a args
	_, err := collect(ctx, tx, func(rows *sql.Rows) (struct{}, error) {
		var id string
		var u units
		var above int
		err := rows.Scan(&id, &u.n, &above)
		u.several = u.n > 1 || above > 0
		out[id] = u
		return struct{}{}, err
	}, `SELECT r.id, r.units, CASE WHEN EXISTS (SELECT 1 FROM occupancy o WHERE o.tenant_id=r.tenant_id AND o.resource_id=r.id AND o.unit>0) THEN 1 ELSE 0 END
		FROM resources r WHERE r.tenant_id=`+a.add(t.id)+` AND r.id IN `+list(&a, ids), a.values...)
	return out, err
}

func (t *Tenant) take(ctx context.Context, tx txn, list []taken) error {
	rows := make([][]any, len(list))
	for i, x := range list {
		rows[i] = x.values(t.id)
	}
	return insertRows(ctx, tx, insertOccupancy, rows)
}

// takeUnits finds units for the dates. Where none is free for all of a date,
// though there is room at every instant, the dates around it change units
// among themselves: identical units are as good as each other. Nobody else
// takes any meanwhile (lockResources); what is stored is still under the rule
// of no overlap for each unit.
func (t *Tenant) takeUnits(ctx context.Context, tx txn, resource string, units int, list []taken) error {
	slices.SortFunc(list, func(a, b taken) int { return int(min(max(a.start-b.start, -1), 1)) })
	for len(list) > 0 { // dates that touch one another are placed together
		n, end := 1, list[0].end
		for n < len(list) && list[n].start < end {
			end = max(end, list[n].end)
			n++
		}
		if err := t.takeGroup(ctx, tx, resource, units, list[:n]); err != nil {
			return err
		}
		list = list[n:]
	}
	return nil
}

func (t *Tenant) takeGroup(ctx context.Context, tx txn, resource string, units int, group []taken) error {
	from, till := group[0].start, group[0].end
	for _, x := range group {
		till = max(till, x.end)
	}
	var there []taken
	for { // all that hangs together with it
		found, err := t.rowsOf(ctx, tx, resource, from, till)
		if err != nil {
			return err
		}
		wide, end := from, till
		for _, x := range found {
			wide, end = min(wide, x.start), max(end, x.end)
		}
		there = found
		if wide == from && end == till {
			break
		}
		from, till = wide, end
	}
	if crowded(there, group, units) {
		return booking.ErrOverlap
	}
	if fits(there, group, units) {
		return t.take(ctx, tx, group)
	}
	all := slices.Concat(there, slices.Clone(group))
	slices.SortStableFunc(all, func(a, b taken) int { return int(min(max(a.start-b.start, -1), 1)) })
	// There may be more taken than there are units, from when there were more.
	// Those keep one each: with as many as there were, there is one for all.
	for _, x := range there {
		units = max(units, x.unit+1)
	}
	ends := make([]int64, units) // of each unit
	for i := range all {
		unit := slices.IndexFunc(ends, func(end int64) bool { return end <= all[i].start })
		if unit < 0 {
			return booking.ErrOverlap
		}
		all[i].unit, ends[unit] = unit, all[i].end
	}
	for _, x := range there {
		if _, err := tx.ExecContext(ctx, `DELETE FROM occupancy WHERE tenant_id=$1 AND resource_id=$2 AND booking_id=$3 AND original=$4 AND unit=$5`,
			t.id, resource, x.booking, x.original, x.unit); err != nil {
			return err
		}
	}
	return t.take(ctx, tx, all)
}

// crowded reports whether a date would take more units than there are, at any
// instant of it.
func crowded(there, group []taken, units int) bool {
	at := func(t int64) (n int) {
		for _, list := range [][]taken{there, group} {
			for _, x := range list {
				if x.start <= t && x.end > t {
					n++
				}
			}
		}
		return n
	}
	for _, g := range group { // the count grows only where something begins
		if at(g.start) > units {
			return true
		}
		for _, list := range [][]taken{there, group} {
			if slices.ContainsFunc(list, func(x taken) bool { return x.start > g.start && x.start < g.end && at(x.start) > units }) {
				return true
			}
		}
	}
	return false
}

// fits finds units for the dates beside those that are there, if nothing has
// to change units for it.
func fits(there, group []taken, units int) bool {
	placed := slices.Clone(there)
	for i := range group {
		unit := 0
		for unit < units && slices.ContainsFunc(placed, func(x taken) bool { return x.unit == unit && x.start < group[i].end && x.end > group[i].start }) {
			unit++
		}
		if unit == units {
			return false
		}
		group[i].unit = unit
		placed = append(placed, group[i])
	}
	return true
}

func (t *Tenant) rowsOf(ctx context.Context, tx txn, resource string, from, till int64) ([]taken, error) {
	return collect(ctx, tx, func(rows *sql.Rows) (taken, error) {
		x := taken{resource: resource}
		err := rows.Scan(&x.unit, &x.booking, &x.original, &x.start, &x.end, &x.meetStart, &x.meetEnd, &x.holdUntil)
		return x, err
	}, `SELECT unit, booking_id, original, starts_at, ends_at, meet_start, meet_end, hold_until FROM occupancy
		WHERE tenant_id=$1 AND resource_id=$2 AND starts_at<$3 AND starts_at>$4 AND ends_at>$5`,
		t.id, resource, till, from-longestBlock.Microseconds(), from)
}

// dropExpired frees what holds that have run out took of a resource.
func (t *Tenant) dropExpired(ctx context.Context, tx txn, resource string, now time.Time) error {
	_, err := tx.ExecContext(ctx, `DELETE FROM occupancy WHERE tenant_id=$1 AND resource_id=$2 AND hold_until>0 AND hold_until<=$3`, t.id, resource, micros(now))
	return err
}

// dropHold removes a hold with all that hangs on it, and answers whether there
// was one that had not run out.
func (t *Tenant) dropHold(ctx context.Context, tx txn, id, person string, now time.Time) (int, error) {
	found, err := t.bookings(ctx, tx, `SELECT `+bookingColumns+` FROM bookings b WHERE b.tenant_id=$1 AND b.id=$2 AND b.organizer=$3 AND b.status='hold'`+t.db.dialect.forUpdate(), t.id, id, person)
	if err != nil || len(found) == 0 {
		return 0, err
	}
	if err := t.dropBooking(ctx, tx, id); err != nil {
		return 0, err
	}
	if !found[0].HoldUntil.After(now) {
		return 0, nil
	}
	return 1, t.tell(ctx, tx, now, events.Hold, found[0], found[0].Reach())
}

func (t *Tenant) dropBooking(ctx context.Context, tx txn, id string) error {
	for _, table := range []string{"occupancy", "occurrences", "booking_resources", "booking_attendees", "booking_overrides"} {
		if _, err := tx.ExecContext(ctx, `DELETE FROM `+table+` WHERE tenant_id=$1 AND booking_id=$2`, t.id, id); err != nil {
			return err
		}
	}
	_, err := tx.ExecContext(ctx, `DELETE FROM bookings WHERE tenant_id=$1 AND id=$2`, t.id, id)
	return err
}

// Release implements booking.Store.
func (t *Tenant) Release(ctx context.Context, id, person string, now time.Time) error {
	err := t.tx(ctx, func(tx txn) error {
		_, err := t.dropHold(ctx, tx, id, person, now)
		return err
	})
	return t.db.wrap("release hold", err)
}

// PurgeHolds removes the holds of all tenants that have run out, and answers
// how many.
func (d *DB) PurgeHolds(ctx context.Context, now time.Time) (int, error) {
	type hold struct {
		tenant tenant.ID
		id     string
	}
	n := 0
	err := d.tx(ctx, func(tx txn) error {
		list, err := collect(ctx, tx, func(rows *sql.Rows) (hold, error) {
			var h hold
			err := rows.Scan(&h.tenant, &h.id)
			return h, err
		}, `SELECT tenant_id, id FROM bookings WHERE status='hold' AND hold_until>0 AND hold_until<=$1 LIMIT 500`+d.dialect.skipLocked(), micros(now))
		if err != nil {
			return err
		}
		for _, h := range list {
			if err := d.For(h.tenant).dropBooking(ctx, tx, h.id); err != nil {
				return err
			}
		}
		n = len(list)
		return nil
	})
	return n, d.wrap("purge holds", err)
}

// Occupied implements booking.Store.
func (t *Tenant) Occupied(ctx context.Context, resources []string, from, till, now time.Time) ([]booking.Occupied, error) {
	if len(resources) == 0 {
		return nil, nil
	}
	var a args
	// The difference, and not a comparison: SQLite would plan anew each time to
	// see whether the index of holds fits the value.
	columns := `SELECT r.email, o.unit, o.meet_start, o.meet_end, o.starts_at, o.ends_at, o.original, o.hold_until, b.id, b.title, b.private, b.organizer, b.organizer_name
		FROM resources r
		JOIN occupancy o ON o.tenant_id=r.tenant_id AND o.resource_id=r.id
		JOIN bookings b ON b.tenant_id=o.tenant_id AND b.id=o.booking_id
		WHERE r.tenant_id=` + a.add(t.id) + ` AND r.email IN ` + list(&a, resources) + ` AND o.ends_at>` + a.add(micros(from)) +
		` AND (o.hold_until=0 OR o.hold_until-` + a.add(micros(now)) + `>0)`
	// Few rows are longer than a day: those before it are looked for apart.
	day := a.add(micros(from.Add(-24 * time.Hour)))
	q := columns + ` AND o.starts_at<` + a.add(micros(till)) + ` AND o.starts_at>=` + day + `
		UNION ALL ` + columns + ` AND o.starts_at<` + day + ` AND o.starts_at>` + a.add(micros(from.Add(-longestBlock))) + ` AND o.ends_at - o.starts_at > 86400000000
		ORDER BY 1, 5`
	out, err := collect(ctx, t.read, func(rows *sql.Rows) (booking.Occupied, error) {
		var o booking.Occupied
		var start, end, from, till, original, hold, private int64
		err := rows.Scan(&o.ResourceEmail, &o.Unit, &start, &end, &from, &till, &original, &hold, &o.BookingID, &o.Title, &private, &o.Organizer.Email, &o.Organizer.Name)
		o.Start, o.End, o.From, o.Till, o.Original = instant(start), instant(end), instant(from), instant(till), instant(original)
		o.Hold, o.HoldUntil, o.Private = hold > 0, instant(hold), private != 0
		return o, err
	}, q, a.values...)
	return out, t.db.wrap("read occupancy", err)
}
