package store

import (
	"context"
	"database/sql"
	"slices"
	"strings"
	"time"

	"rmp/internal/outbox"
	"rmp/internal/tenant"
)

var _ outbox.Store = (*DB)(nil)

// Lease implements outbox.Store.
func (d *DB) Lease(ctx context.Context, owner string, now, until time.Time, limit int) ([]outbox.Job, error) {
	return d.lease(ctx, owner, until, `state='pending' AND next_at<=$1 AND lease_until<=$1 ORDER BY changed_at, booking_id, calendar LIMIT $2`, micros(now), limit)
}

// LeaseBooking implements outbox.Store.
func (d *DB) LeaseBooking(ctx context.Context, t tenant.ID, bookingID, owner string, now, until time.Time) ([]outbox.Job, error) {
	return d.lease(ctx, owner, until, `state='pending' AND tenant_id=$1 AND booking_id=$2 AND (lease_owner=$3 OR lease_until<=$4) ORDER BY calendar`,
		string(t), bookingID, owner, micros(now))
}

// lease takes the jobs that the condition names and reads their bookings, in
// one transaction.
func (d *DB) lease(ctx context.Context, owner string, until time.Time, where string, params ...any) ([]outbox.Job, error) {
	var jobs []outbox.Job
	err := d.tx(ctx, func(tx txn) error {
		var err error
		jobs, err = collect(ctx, tx, func(rows *sql.Rows) (outbox.Job, error) {
			var j outbox.Job
			var remove int64
			err := rows.Scan(&j.Tenant, &j.Booking.ID, &j.Calendar, &j.Kind, &remove, &j.Wanted, &j.Attempts)
			j.Remove = remove != 0
			return j, err
		}, `SELECT tenant_id, booking_id, calendar, kind, remove, wanted, attempts FROM outbox WHERE `+where+d.dialect.skipLocked(), params...)
		if err != nil {
			return err
		}
		for _, j := range jobs {
			if _, err := tx.ExecContext(ctx, `UPDATE outbox SET lease_owner=$4, lease_until=$5 WHERE tenant_id=$1 AND booking_id=$2 AND calendar=$3`,
				string(j.Tenant), j.Booking.ID, j.Calendar, owner, micros(until)); err != nil {
				return err
			}
		}
		return d.loadBookings(ctx, tx, jobs)
	})
	return jobs, d.wrap("lease jobs", err)
}

func (d *DB) loadBookings(ctx context.Context, tx txn, jobs []outbox.Job) error {
	ids := map[tenant.ID][]string{}
	for _, j := range jobs {
		if !slices.Contains(ids[j.Tenant], j.Booking.ID) {
			ids[j.Tenant] = append(ids[j.Tenant], j.Booking.ID)
		}
	}
	for t, wanted := range ids {
		var a args
		q := `SELECT ` + bookingColumns + ` FROM bookings b WHERE b.tenant_id=` + a.add(string(t)) + ` AND b.id IN ` + list(&a, wanted)
		found, err := d.For(t).bookings(ctx, tx, q, a.values...)
		if err != nil {
			return err
		}
		for _, b := range found {
			for i := range jobs {
				if jobs[i].Tenant == t && jobs[i].Booking.ID == b.ID {
					jobs[i].Booking = b
				}
			}
		}
	}
	return nil
}

// Note implements outbox.Store.
func (d *DB) Note(ctx context.Context, owner string, at time.Time, outcomes ...outbox.Try) (again int, err error) {
	err = d.tx(ctx, func(tx txn) error {
		told := map[string]bool{}
		again = 0
		for _, o := range outcomes {
			changed, current, err := note(ctx, tx, owner, at, o)
			if err != nil {
				return err
			}
			if !current {
				again++
			}
			if b := o.Job.Booking; changed && !told[b.ID] {
				told[b.ID] = true
				reach := b.Reach()
				for _, x := range outcomes { // those that it is not in any more, too
					if x.Job.Booking.ID == b.ID && x.Job.Tenant == o.Job.Tenant {
						reach.Accounts = append(reach.Accounts, x.Job.Calendar)
					}
				}
				if err := d.For(o.Job.Tenant).tell(ctx, tx, at, "booking.sync", b, reach); err != nil {
					return err
				}
			}
		}
		return nil
	})
	return again, d.wrap("note calendar writes", err)
}

// note stores one outcome, and answers whether the state of the job is another
// now, and whether what was done is what is wanted still.
func note(ctx context.Context, tx txn, owner string, at time.Time, o outbox.Try) (changed, current bool, err error) {
	j, state, next := o.Job, "synced", at
	switch {
	case o.Reason != "" && o.Next.IsZero():
		state, next = "failed", time.Time{}
	case o.Reason != "":
		state, next = "pending", o.Next
	}
	const most = 1000
	res, err := tx.ExecContext(ctx, `UPDATE outbox SET state=$5, attempts=attempts+1, last_error=$6, next_at=$7, lease_owner='', lease_until=0, updated_at=$8
		WHERE tenant_id=$1 AND booking_id=$2 AND calendar=$3 AND wanted=$4 AND lease_owner=$9`,
		string(j.Tenant), j.Booking.ID, j.Calendar, j.Wanted, state, strings.ToValidUTF8(o.Reason[:min(most, len(o.Reason))], ""), micros(next), micros(at), owner)
	if err != nil {
		return false, false, err
	}
	n, err := res.RowsAffected()
	if err != nil || n > 0 {
		return state != "pending", true, err
	}
	// The want has changed meanwhile: the next may have it.
	_, err = tx.ExecContext(ctx, `UPDATE outbox SET lease_owner='', lease_until=0 WHERE tenant_id=$1 AND booking_id=$2 AND calendar=$3 AND lease_owner=$4`,
		string(j.Tenant), j.Booking.ID, j.Calendar, owner)
	return false, false, err
}

// Backlog implements outbox.Store.
func (d *DB) Backlog(ctx context.Context) (pending, failed int, oldest time.Time, err error) {
	var since int64
	err = d.read.QueryRowContext(ctx, `SELECT
			COALESCE(SUM(CASE WHEN state='pending' THEN 1 ELSE 0 END), 0), COALESCE(SUM(CASE WHEN state='failed' THEN 1 ELSE 0 END), 0),
			COALESCE(MIN(CASE WHEN state='pending' THEN changed_at END), 0)
		FROM outbox WHERE state IN ('pending','failed')`).Scan(&pending, &failed, &since)
	return pending, failed, instant(since), d.wrap("read backlog", err)
}
