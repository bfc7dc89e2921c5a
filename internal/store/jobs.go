package store

import (
	"context"
	"database/sql"
	"slices"
	"strings"
	"time"

	"rmp/internal/booking"
	"rmp/internal/gatekeeper"
)

// LeaseJob takes a job that one process at a time does, if it is due and
// nobody else has it. The next is due after a pause, whoever does it.
func (d *DB) LeaseJob(ctx context.Context, name, owner string, now, until, next time.Time) (bool, error) {
	took := false
	err := d.tx(ctx, func(tx txn) error {
		if _, err := tx.ExecContext(ctx, `INSERT INTO jobs (name, due_at, lease_owner, lease_until) VALUES ($1, 0, '', 0) ON CONFLICT (name) DO NOTHING`, name); err != nil {
			return err
		}
		res, err := tx.ExecContext(ctx, `UPDATE jobs SET lease_owner=$2, lease_until=$4, due_at=$5 WHERE name=$1 AND due_at<=$3 AND (lease_until<=$3 OR lease_owner=$2)`,
			name, owner, micros(now), micros(until), micros(next))
		if err != nil {
			return err
		}
		n, err := res.RowsAffected()
		took = n > 0
		return err
	})
	return took, d.wrap("lease job "+name, err)
}

// EndJob gives a job back.
func (d *DB) EndJob(ctx context.Context, name, owner string) error {
	_, err := d.exec(ctx, `UPDATE jobs SET lease_owner='', lease_until=0 WHERE name=$1 AND lease_owner=$2`, name, owner)
	return d.wrap("end job "+name, err)
}

// Purge removes what nobody asks for any more: events, answers of requests,
// foreign events that are long past.
func (d *DB) Purge(ctx context.Context, now time.Time) error {
	for _, p := range []struct {
		statement string
		keep      time.Duration
	}{
		{`DELETE FROM events WHERE at<$1`, keepEvents},
		{`DELETE FROM idempotency WHERE started_at<$1`, keepAnswers},
		{`DELETE FROM foreign_events WHERE ends_at<$1`, 30 * 24 * time.Hour},
		{`DELETE FROM sessions WHERE expires_at<$1`, 0},
		{`DELETE FROM api_tokens WHERE expires_at<$1`, 30 * 24 * time.Hour},
		{`DELETE FROM login_tries WHERE seen_at<$1`, gatekeeper.TriesKept + gatekeeper.MostWait},
		{`DELETE FROM conflicts WHERE solved_at>0 AND ends_at<$1`, 90 * 24 * time.Hour},
	} {
		if _, err := d.exec(ctx, p.statement, micros(now.Add(-p.keep))); err != nil {
			return d.wrap("purge", err)
		}
	}
	return nil
}

// repliedUID marks the conflicts that a resource's own answer makes; the
// reconciler leaves them alone.
const repliedUID = "reply:"

// resourceAnswered believes what the account of a resource has answered by
// its own rule: one that declines is a conflict that people see, and one that
// accepts after all ends it.
func (t *Tenant) resourceAnswered(ctx context.Context, tx txn, b booking.Booking, email, partStat string, at time.Time) (bool, error) {
	i := slices.IndexFunc(b.Resources, func(r booking.BookedResource) bool { return strings.EqualFold(r.Email, email) })
	if i < 0 {
		return false, nil
	}
	var res sql.Result
	var err error
	switch partStat {
	case "declined":
		res, err = tx.ExecContext(ctx, `INSERT INTO conflicts (tenant_id, id, booking_id, original, resource_id, starts_at, ends_at,
				other_uid, other_title, other_organizer, other_start, other_end, found_at, told_at, solved_at)
			VALUES ($1,$2,$3,$4,$5,$4,$6,$7,$8,$9,$4,$6,$10,0,0)
			ON CONFLICT (tenant_id, booking_id, original, resource_id, other_uid, other_start) DO UPDATE SET solved_at=0, told_at=0, found_at=excluded.found_at WHERE conflicts.solved_at>0`,
			t.id, newID(), b.ID, micros(b.Start), b.Resources[i].ID, micros(b.End), repliedUID+b.UID, "The resource's own account has declined", email, micros(at))
	case "accepted":
		res, err = tx.ExecContext(ctx, `UPDATE conflicts SET solved_at=$4 WHERE tenant_id=$1 AND booking_id=$2 AND other_uid=$3 AND resource_id=$5 AND solved_at=0`,
			t.id, b.ID, repliedUID+b.UID, micros(at), b.Resources[i].ID)
	default:
		return false, nil
	}
	if err != nil {
		return false, err
	}
	n, err := res.RowsAffected()
	if err != nil || n == 0 {
		return false, err
	}
	if partStat == "declined" {
		return true, t.mark(ctx, tx, b.ID, booking.InConflict, "conflict", "the account of "+b.Resources[i].Name+" has declined", at)
	}
	return true, t.solved(ctx, tx, b.ID, "the account of "+b.Resources[i].Name+" has accepted", at)
}

// SetPartStat notes what an attendee has answered, or the account of a
// resource by its own rule. It reports whether there is such a booking and
// attendee, and the answer is another.
func (t *Tenant) SetPartStat(ctx context.Context, uid, email, partStat string, at time.Time) (bool, error) {
	changed := false
	err := t.tx(ctx, func(tx txn) error {
		changed = false
		found, err := t.bookings(ctx, tx, `SELECT `+bookingColumns+` FROM bookings b WHERE b.tenant_id=$1 AND b.uid=$2`+t.db.dialect.forUpdate(), t.id, uid)
		if err != nil || len(found) == 0 {
			return err
		}
		b := found[0]
		res, err := tx.ExecContext(ctx, `UPDATE booking_attendees SET part_stat=$4 WHERE tenant_id=$1 AND booking_id=$2 AND email=$3 AND part_stat<>$4`, t.id, b.ID, email, partStat)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			if err == nil {
				changed, err = t.resourceAnswered(ctx, tx, b, email, partStat, at)
			}
			return err
		}
		changed = true
		if _, err := tx.ExecContext(ctx, `UPDATE bookings SET version=version+1 WHERE tenant_id=$1 AND id=$2`, t.id, b.ID); err != nil {
			return err
		}
		after := b
		after.Version++
		after.Attendees = nil
		for _, a := range b.Attendees {
			if a.Email == email {
				a.PartStat = partStat
			}
			after.Attendees = append(after.Attendees, a)
		}
		c := booking.Change{Booking: after, Expect: b.Version, History: booking.HistoryEntry{At: at, Actor: email, Action: "replied", Reason: partStat}}
		if c.History.Before, err = bookingJSON(b); err != nil {
			return err
		}
		if c.History.After, err = bookingJSON(after); err != nil {
			return err
		}
		if err := t.storeHistory(ctx, tx, c); err != nil {
			return err
		}
		return t.tell(ctx, tx, at, "booking.replied", after, after.Reach())
	})
	return changed, t.db.wrap("note an answer", err)
}

// DeadLetter is a calendar write that was given up.
type DeadLetter struct {
	Booking booking.Booking
	Sync    booking.Sync
}

// DeadLetters answers the calendar writes that were given up, the latest first.
func (t *Tenant) DeadLetters(ctx context.Context, limit int) ([]DeadLetter, error) {
	found, err := t.bookings(ctx, t.read, `SELECT `+bookingColumns+` FROM bookings b WHERE b.tenant_id=$1
		AND EXISTS (SELECT 1 FROM outbox o WHERE o.tenant_id=b.tenant_id AND o.booking_id=b.id AND o.state='failed') ORDER BY b.updated_at DESC LIMIT $2`, t.id, limit)
	if err != nil {
		return nil, t.db.wrap("read dead letters", err)
	}
	var out []DeadLetter
	for _, b := range found {
		for _, s := range b.Sync {
			if s.State == booking.Failed {
				out = append(out, DeadLetter{b, s})
			}
		}
	}
	return out, nil
}

// RetryDeadLetters has the writes of a booking that were given up, or all of
// them, tried again, and answers how many.
func (t *Tenant) RetryDeadLetters(ctx context.Context, bookingID string, at time.Time) (int, error) {
	res, err := t.exec(ctx, `UPDATE outbox SET state='pending', attempts=0, next_at=$3, lease_owner='', lease_until=0, updated_at=$3
		WHERE tenant_id=$1 AND state='failed' AND ($2='' OR booking_id=$2)`, t.id, bookingID, micros(at))
	if err != nil {
		return 0, t.db.wrap("retry dead letters", err)
	}
	n, err := res.RowsAffected()
	return int(n), err
}

// DropDeadLetters gives up for good the calendar writes of a booking that were
// given up already, or all of them, and answers how many: they are not tried
// again, and the booking does not name those calendars any more. Its history
// says who wanted it.
func (t *Tenant) DropDeadLetters(ctx context.Context, bookingID, actor string, at time.Time) (int, error) {
	n := 0
	err := t.tx(ctx, func(tx txn) error {
		n = 0
		found, err := t.bookings(ctx, tx, `SELECT `+bookingColumns+` FROM bookings b WHERE b.tenant_id=$1 AND ($2='' OR b.id=$2)
			AND EXISTS (SELECT 1 FROM outbox o WHERE o.tenant_id=$1 AND o.booking_id=b.id AND o.state='failed')`+t.db.dialect.forUpdate(), t.id, bookingID)
		if err != nil {
			return err
		}
		for _, b := range found {
			dropped, err := collect(ctx, tx, func(rows *sql.Rows) (string, error) {
				var calendar string
				return calendar, rows.Scan(&calendar)
			}, `DELETE FROM outbox WHERE tenant_id=$1 AND booking_id=$2 AND state='failed' RETURNING calendar`, t.id, b.ID)
			if err != nil {
				return err
			}
			if len(dropped) == 0 { // somebody has just had it tried again
				continue
			}
			n += len(dropped)
			slices.Sort(dropped)
			c := booking.Change{Booking: b, Expect: b.Version, History: booking.HistoryEntry{At: at, Actor: actor, Action: "write-dropped", Reason: strings.Join(dropped, ", ")}}
			if c.History.After, err = bookingJSON(b); err != nil {
				return err
			}
			c.History.Before = c.History.After
			if err := t.storeHistory(ctx, tx, c); err != nil {
				return err
			}
			if err := t.tell(ctx, tx, at, "booking.sync", b, b.Reach()); err != nil {
				return err
			}
		}
		return nil
	})
	return n, t.db.wrap("drop dead letters", err)
}

// coming are the bookings that are to be in calendars and are not over.
const coming = `EXISTS (SELECT 1 FROM bookings b WHERE b.tenant_id=outbox.tenant_id AND b.id=outbox.booking_id AND b.status='confirmed' AND (b.last_end=0 OR b.last_end>$2))`

// Written counts the coming bookings that have been written, by calendar.
func (t *Tenant) Written(ctx context.Context, now time.Time) (map[string]int, error) {
	out := map[string]int{}
	_, err := collect(ctx, t.read, func(rows *sql.Rows) (struct{}, error) {
		var calendar string
		var n int
		err := rows.Scan(&calendar, &n)
		out[calendar] = n
		return struct{}{}, err
	}, `SELECT calendar, COUNT(*) FROM outbox WHERE tenant_id=$1 AND state='synced' AND remove=0 AND kind<>'guest' AND `+coming+` GROUP BY calendar`, t.id, micros(now))
	return out, t.db.wrap("count written bookings", err)
}

// WriteAgain has the coming bookings written into a calendar again, and
// answers how many.
func (t *Tenant) WriteAgain(ctx context.Context, calendar string, now time.Time) (int, error) {
	res, err := t.exec(ctx, `UPDATE outbox SET state='pending', wanted=wanted+1, attempts=0, next_at=$2, lease_owner='', lease_until=0, updated_at=$2
		WHERE tenant_id=$1 AND calendar=$3 AND state='synced' AND remove=0 AND `+coming, t.id, micros(now), calendar)
	if err != nil {
		return 0, t.db.wrap("write bookings again", err)
	}
	n, err := res.RowsAffected()
	return int(n), err
}
