package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"rmp/internal/booking"
	"rmp/internal/events"
)

var _ booking.Store = (*Tenant)(nil)

// Save implements booking.Store. What becomes free is freed first, in all the
// changes, then what is wanted is taken.
func (t *Tenant) Save(ctx context.Context, changes ...booking.Change) error {
	err := t.tx(ctx, func(tx txn) error {
		if err := t.lockResources(ctx, tx, changes); err != nil {
			return err
		}
		for _, c := range changes {
			var err error
			if c.Expect == 0 {
				err = t.insert(ctx, tx, c)
			} else {
				err = t.update(ctx, tx, c)
			}
			if err == nil {
				err = t.free(ctx, tx, c)
			}
			if err != nil {
				return err
			}
		}
		if err := t.occupy(ctx, tx, changes); err != nil {
			return err
		}
		for _, c := range changes {
			if err := t.storeParts(ctx, tx, c); err != nil {
				return err
			}
			if err := t.checkQuotas(ctx, tx, c); err != nil {
				return err
			}
		}
		return nil
	})
	var quota *booking.QuotaError
	switch {
	case errors.As(err, &quota):
		return err
	case errors.Is(err, booking.ErrOverlap), t.db.dialect.overlap(err):
		return fmt.Errorf("save booking: %w", booking.ErrOverlap)
	}
	return t.db.wrap("save booking", err)
}

// lockResources makes transactions that are about the same resource wait for
// each other. The constraint refuses an overlap by itself; but two that insert
// at once would each wait for the other to end.
func (t *Tenant) lockResources(ctx context.Context, tx txn, changes []booking.Change) error {
	if t.db.dialect != postgres {
		return nil // the writer is alone
	}
	var ids []string
	for _, c := range changes {
		for _, r := range c.Booking.Resources {
			ids = append(ids, r.ID)
		}
		if c.Expect == 0 {
			continue
		}
		before, err := collect(ctx, tx, func(rows *sql.Rows) (string, error) {
			var id string
			return id, rows.Scan(&id)
		}, `SELECT resource_id FROM booking_resources WHERE tenant_id=$1 AND booking_id=$2`, t.id, c.Booking.ID)
		if err != nil {
			return err
		}
		ids = append(ids, before...)
	}
	slices.Sort(ids) // in one order in all transactions, so that none waits for another in a circle
	for _, id := range slices.Compact(ids) {
		if err := t.db.dialect.lock(ctx, tx, resourceLock(t.id, id)); err != nil {
			return err
		}
	}
	return nil
}

func jsonTimes(list []time.Time) string {
	if len(list) == 0 {
		return ""
	}
	b, err := json.Marshal(list)
	if err != nil {
		return "" // the years are within what JSON can say
	}
	return string(b)
}

func recurrenceColumns(r *booking.Recurrence) (rrule, rdates, exdates string) {
	if r == nil {
		return "", "", ""
	}
	return r.RRule, jsonTimes(r.RDates), jsonTimes(r.ExDates)
}

func (t *Tenant) insert(ctx context.Context, tx txn, c booking.Change) error {
	b := c.Booking
	rrule, rdates, exdates := recurrenceColumns(b.Recurrence)
	_, err := tx.ExecContext(ctx, `INSERT INTO bookings (tenant_id, id, uid, title, starts_at, ends_at, time_zone, status, organizer,
		organizer_name, location, description, private, mode, sequence, version, created_at, updated_at,
		rrule, rdates, exdates, last_end, expanded_till, hold_until, follows)
		VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14,$15,1,$16,$17,$18,$19,$20,$21,$22,$23,$24)`,
		t.id, b.ID, b.UID, b.Title, micros(b.Start), micros(b.End), b.TimeZone, string(b.Status), b.Organizer.Email,
		b.Organizer.Name, b.Location, b.Description, flag(b.Private), string(b.Mode), b.Sequence, micros(b.CreatedAt), micros(b.UpdatedAt),
		rrule, rdates, exdates, micros(b.LastEnd), micros(b.ExpandedTill), micros(b.HoldUntil), b.Follows)
	return err
}

func (t *Tenant) update(ctx context.Context, tx txn, c booking.Change) error {
	b := c.Booking
	if b.Status == booking.InConflict {
		var err error
		if b.Status, err = t.stillInConflict(ctx, tx, c); err != nil {
			return err
		}
	}
	rrule, rdates, exdates := recurrenceColumns(b.Recurrence)
	res, err := tx.ExecContext(ctx, `UPDATE bookings SET title=$3, starts_at=$4, ends_at=$5, time_zone=$6, status=$7, location=$8,
		description=$9, private=$10, mode=$11, sequence=$12, version=version+1, updated_at=$13,
		rrule=$14, rdates=$15, exdates=$16, last_end=$17, expanded_till=$18
		WHERE tenant_id=$1 AND id=$2 AND version=$19`,
		t.id, b.ID, b.Title, micros(b.Start), micros(b.End), b.TimeZone, string(b.Status), b.Location,
		b.Description, flag(b.Private), string(b.Mode), b.Sequence, micros(b.UpdatedAt),
		rrule, rdates, exdates, micros(b.LastEnd), micros(b.ExpandedTill), c.Expect)
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err != nil || n == 1 {
		return err
	}
	var version int64
	err = tx.QueryRowContext(ctx, `SELECT version FROM bookings WHERE tenant_id=$1 AND id=$2`, t.id, b.ID).Scan(&version)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return booking.ErrNotFound
	case err != nil:
		return err
	}
	return booking.ErrStale
}

// stillInConflict is the status of a booking in conflict after a change of it:
// the conflict may have been solved by that. What others wrote into the
// calendars of its resources is looked at anew.
func (t *Tenant) stillInConflict(ctx context.Context, tx txn, c booking.Change) (booking.Status, error) {
	b := c.Booking
	if _, err := tx.ExecContext(ctx, `UPDATE calendar_checks SET due_at=$3 WHERE tenant_id=$1 AND due_at>$3
		AND resource_id IN (SELECT resource_id FROM booking_resources WHERE tenant_id=$1 AND booking_id=$2)`, t.id, b.ID, micros(c.Now)); err != nil {
		return b.Status, err
	}
	if slices.ContainsFunc(b.Overrides, func(o booking.Override) bool { return o.State == booking.ConflictDate }) {
		return b.Status, nil
	}
	var open int
	err := tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM conflicts WHERE tenant_id=$1 AND booking_id=$2 AND solved_at=0`, t.id, b.ID).Scan(&open)
	if open == 0 {
		return booking.Confirmed, err
	}
	return b.Status, err
}

// free gives back what the booking, and the hold that it takes the place of,
// occupied. Dates that have ended keep their rows, unless a new date reaches
// over them.
func (t *Tenant) free(ctx context.Context, tx txn, c booking.Change) error {
	if c.Hold != "" {
		if n, err := t.dropHold(ctx, tx, c.Hold, c.Booking.Organizer.Email, c.Now); err != nil {
			return err
		} else if n == 0 {
			return booking.ErrNoHold
		}
	}
	if c.Expect == 0 {
		return nil
	}
	for _, table := range []string{"booking_resources", "booking_attendees", "booking_overrides"} {
		if _, err := tx.ExecContext(ctx, `DELETE FROM `+table+` WHERE tenant_id=$1 AND booking_id=$2`, t.id, c.Booking.ID); err != nil {
			return err
		}
	}
	if c.KeepDates {
		return t.dropDates(ctx, tx, c)
	}
	if err := t.dropDates(ctx, tx, c); err != nil {
		return err
	}
	ended := c.Now
	for _, o := range c.Dates {
		if o.End.After(c.Now) && o.Start.Before(ended) {
			ended = o.Start
		}
	}
	if _, err := tx.ExecContext(ctx, `DELETE FROM occupancy WHERE tenant_id=$1 AND booking_id=$2 AND meet_end>$3`, t.id, c.Booking.ID, micros(ended)); err != nil {
		return err
	}
	if c.Booking.Status == booking.Cancelled { // it is still listed where it was
		return nil
	}
	if _, err := tx.ExecContext(ctx, `DELETE FROM occurrences WHERE tenant_id=$1 AND booking_id=$2 AND ends_at>$3`, t.id, c.Booking.ID, micros(ended)); err != nil {
		return err
	}
	return t.dropPassed(ctx, tx, c)
}

// dropPassed takes out dates that have been, at another time than theirs,
// where the series, which has moved, has one to come in their stead.
func (t *Tenant) dropPassed(ctx context.Context, tx txn, c booking.Change) error {
	passed, err := collect(ctx, tx, func(rows *sql.Rows) (int64, error) {
		var at int64
		return at, rows.Scan(&at)
	}, `SELECT original FROM occurrences WHERE tenant_id=$1 AND booking_id=$2 AND original>=$3`, t.id, c.Booking.ID, micros(c.Now.Add(-longestBlock)))
	if err != nil || len(passed) == 0 {
		return err
	}
	coming := map[int64]bool{}
	for _, o := range c.Dates {
		coming[micros(o.Original)] = o.End.After(c.Now)
	}
	passed = slices.DeleteFunc(passed, func(at int64) bool { return !coming[at] })
	for _, table := range []string{"occupancy", "occurrences"} {
		for _, at := range passed {
			if _, err := tx.ExecContext(ctx, `DELETE FROM `+table+` WHERE tenant_id=$1 AND booking_id=$2 AND original=$3`, t.id, c.Booking.ID, at); err != nil {
				return err
			}
		}
	}
	return nil
}

// dropDates frees single dates, and takes away what is stored of changed ones,
// which may have ended where they were before.
func (t *Tenant) dropDates(ctx context.Context, tx txn, c booking.Change) error {
	drop := slices.Clone(c.Drop)
	for _, o := range c.Dates {
		if o.Override != nil && o.End.After(c.Now) {
			drop = append(drop, o.Original)
		}
	}
	for _, table := range []string{"occupancy", "occurrences"} {
		for _, at := range drop {
			if _, err := tx.ExecContext(ctx, `DELETE FROM `+table+` WHERE tenant_id=$1 AND booking_id=$2 AND original=$3`, t.id, c.Booking.ID, micros(at)); err != nil {
				return err
			}
		}
		if c.DropFrom.IsZero() {
			continue
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM `+table+` WHERE tenant_id=$1 AND booking_id=$2 AND original>=$3`, t.id, c.Booking.ID, micros(c.DropFrom)); err != nil {
			return err
		}
	}
	return nil
}

// batchRows bounds the rows of one INSERT: SQLite takes 32,766 parameters.
const batchRows = 500

// insertRows inserts rows with as few statements as may be.
func insertRows(ctx context.Context, tx txn, head string, rows [][]any) error {
	for len(rows) > 0 {
		n := min(len(rows), batchRows)
		var a args
		var q strings.Builder
		q.WriteString(head)
		for i, row := range rows[:n] {
			if i > 0 {
				q.WriteByte(',')
			}
			q.WriteString(list(&a, row))
		}
		if _, err := tx.ExecContext(ctx, q.String(), a.values...); err != nil {
			return err
		}
		rows = rows[n:]
	}
	return nil
}

// storeParts stores what hangs on a booking: its resources and attendees, its
// dates, the history entry, the intents to write, the event.
func (t *Tenant) storeParts(ctx context.Context, tx txn, c booking.Change) error {
	b := c.Booking
	var rows [][]any
	for _, r := range b.Resources {
		rows = append(rows, []any{t.id, b.ID, r.ID, max(1, r.Quantity)})
	}
	if err := insertRows(ctx, tx, `INSERT INTO booking_resources (tenant_id, booking_id, resource_id, quantity) VALUES `, rows); err != nil {
		return err
	}
	rows = nil
	for i, a := range b.Attendees {
		rows = append(rows, []any{t.id, b.ID, i, a.Email, a.Name, a.Role, a.PartStat})
	}
	if err := insertRows(ctx, tx, `INSERT INTO booking_attendees (tenant_id, booking_id, place, email, name, role, part_stat) VALUES `, rows); err != nil {
		return err
	}
	rows = nil
	for _, o := range b.Overrides {
		rows = append(rows, []any{t.id, b.ID, micros(o.Original), string(o.State), micros(o.Start), micros(o.End), o.Title, o.Location, o.Description, o.Reason})
	}
	if err := insertRows(ctx, tx, `INSERT INTO booking_overrides (tenant_id, booking_id, original, state, starts_at, ends_at, title, location, description, reason) VALUES `, rows); err != nil {
		return err
	}
	rows = nil
	if b.Status != booking.Cancelled { // of one that is, those of before are kept
		for _, o := range c.Dates {
			if c.Expect == 0 || o.End.After(c.Now) {
				rows = append(rows, []any{t.id, b.ID, micros(o.Original), micros(o.Start), micros(o.End)})
			}
		}
	}
	if err := insertRows(ctx, tx, `INSERT INTO occurrences (tenant_id, booking_id, original, starts_at, ends_at) VALUES `, rows); err != nil {
		return err
	}
	if b.Status == booking.Held {
		return t.tell(ctx, tx, c.Now, events.Hold, b, c.Reach)
	}
	if err := t.storeHistory(ctx, tx, c); err != nil {
		return err
	}
	if c.RequestKey != "" {
		if _, err := tx.ExecContext(ctx, `UPDATE idempotency SET subject=$4 WHERE tenant_id=$1 AND person=$2 AND request_key=$3`,
			t.id, b.Organizer.Email, c.RequestKey, b.ID); err != nil {
			return err
		}
	}
	if err := t.storeWants(ctx, tx, c); err != nil {
		return err
	}
	return t.tell(ctx, tx, c.Now, "booking."+c.History.Action, b, c.Reach)
}

func (t *Tenant) storeHistory(ctx context.Context, tx txn, c booking.Change) error {
	h, b := c.History, c.Booking
	entry := `0`
	if c.Expect > 0 {
		entry = `(SELECT COUNT(*) FROM booking_history WHERE tenant_id=$1 AND booking_id=$2)`
	}
	_, err := tx.ExecContext(ctx, `INSERT INTO booking_history (tenant_id, booking_id, entry, at, actor, action, reason, before, after, after_start, after_end)
		VALUES ($1, $2, `+entry+`, $3, $4, $5, $6, $7, $8, $9, $10)`,
		t.id, b.ID, micros(h.At), h.Actor, h.Action, h.Reason, h.Before, h.After, micros(b.Start), micros(b.LastEnd))
	return err
}

func (t *Tenant) storeWants(ctx context.Context, tx txn, c booking.Change) error {
	at, until := micros(c.Booking.UpdatedAt), micros(c.LeaseUntil)
	var rows [][]any
	for _, w := range c.Writes {
		rows = append(rows, []any{t.id, c.Booking.ID, w.Calendar, string(w.Kind), flag(w.Remove), 1, "pending", 0, "", at, c.Owner, until, at, at})
	}
	// Who is writing a calendar just now goes on to hold it: two who write at
	// once could end with the older state.
	const head = `INSERT INTO outbox (tenant_id, booking_id, calendar, kind, remove, wanted, state, attempts, last_error,
		next_at, lease_owner, lease_until, changed_at, updated_at) VALUES `
	if c.Expect == 0 {
		return insertRows(ctx, tx, head, rows)
	}
	for _, row := range rows {
		var a args
		q := head + list(&a, row) + `
			ON CONFLICT (tenant_id, booking_id, calendar) DO UPDATE SET kind=excluded.kind, remove=excluded.remove, wanted=outbox.wanted+1,
				state='pending', attempts=0, last_error='', next_at=excluded.next_at,
				lease_owner=CASE WHEN outbox.lease_until>` + a.add(micros(c.Now)) + ` THEN outbox.lease_owner ELSE excluded.lease_owner END,
				lease_until=CASE WHEN outbox.lease_until>` + a.add(micros(c.Now)) + ` THEN outbox.lease_until ELSE excluded.lease_until END,
				changed_at=excluded.changed_at, updated_at=excluded.updated_at`
		if _, err := tx.ExecContext(ctx, q, a.values...); err != nil {
			return err
		}
	}
	return nil
}

// checkQuotas counts, after the booking is stored, what the person has. Who
// books twice at once waits for himself.
func (t *Tenant) checkQuotas(ctx context.Context, tx txn, c booking.Change) error {
	if len(c.Quotas) == 0 {
		return nil
	}
	if err := t.db.dialect.lock(ctx, tx, "person "+t.id+" "+c.Booking.Organizer.Email); err != nil {
		return err
	}
	for _, q := range c.Quotas {
		n, length, err := t.used(ctx, tx, q, "")
		if err != nil {
			return err
		}
		if q.Exceeded(n, length) {
			return &booking.QuotaError{Refusal: q.Refusal}
		}
	}
	return nil
}

// Used implements booking.Store.
func (t *Tenant) Used(ctx context.Context, q booking.QuotaCheck, without string) (int, time.Duration, error) {
	n, length, err := t.used(ctx, t.read, q, without)
	return n, length, t.db.wrap("count bookings", err)
}

func (t *Tenant) used(ctx context.Context, q queryer, check booking.QuotaCheck, without string) (n int, length time.Duration, err error) {
	var a args
	sql := `SELECT COUNT(*), COALESCE(SUM(meet_end - meet_start), 0) FROM (SELECT DISTINCT o.booking_id, o.original, o.meet_start, o.meet_end
		FROM bookings b JOIN occupancy o ON o.tenant_id=b.tenant_id AND o.booking_id=b.id
		WHERE b.tenant_id=` + a.add(t.id) + ` AND b.organizer=` + a.add(check.Person) + ` AND b.id<>` + a.add(without) + ` AND o.hold_until=0
			AND o.meet_start>=` + a.add(micros(check.From)) + ` AND o.meet_start<` + a.add(micros(check.Till))
	if check.Type != "" {
		sql += ` AND o.resource_id IN (SELECT id FROM resources WHERE tenant_id=b.tenant_id AND type=` + a.add(check.Type) + `)`
	} else {
		sql += ` AND o.resource_id IN ` + list(&a, check.Resources)
	}
	var us int64
	err = q.QueryRowContext(ctx, sql+`) AS dates`, a.values...).Scan(&n, &us)
	return n, time.Duration(us) * time.Microsecond, err
}
