package store

import (
	"context"
	"database/sql"
	"slices"
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
	err := d.tx(ctx, func(tx *sql.Tx) error {
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

func (d *DB) loadBookings(ctx context.Context, tx *sql.Tx, jobs []outbox.Job) error {
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

// Done implements outbox.Store. A want that has changed since the job was
// leased stays pending, free for the next to take.
func (d *DB) Done(ctx context.Context, j outbox.Job, at time.Time) error {
	_, err := d.write.ExecContext(ctx, `UPDATE outbox SET
			state=CASE WHEN wanted=$4 THEN 'synced' ELSE state END,
			attempts=CASE WHEN wanted=$4 THEN attempts+1 ELSE attempts END,
			last_error=CASE WHEN wanted=$4 THEN '' ELSE last_error END,
			lease_owner=CASE WHEN wanted=$4 THEN '' ELSE lease_owner END,
			lease_until=CASE WHEN wanted=$4 THEN 0 ELSE lease_until END,
			updated_at=$5
		WHERE tenant_id=$1 AND booking_id=$2 AND calendar=$3`,
		string(j.Tenant), j.Booking.ID, j.Calendar, j.Wanted, micros(at))
	return d.wrap("mark job done", err)
}

// Failed implements outbox.Store.
func (d *DB) Failed(ctx context.Context, j outbox.Job, reason string, at, next time.Time) error {
	state := "pending"
	if next.IsZero() {
		state = "failed"
	}
	const most = 1000
	if len(reason) > most {
		reason = reason[:most]
	}
	_, err := d.write.ExecContext(ctx, `UPDATE outbox SET state=$5, attempts=attempts+1, last_error=$6, next_at=$7, lease_owner='', lease_until=0, updated_at=$8
		WHERE tenant_id=$1 AND booking_id=$2 AND calendar=$3 AND wanted=$4`,
		string(j.Tenant), j.Booking.ID, j.Calendar, j.Wanted, state, reason, micros(next), micros(at))
	return d.wrap("mark job failed", err)
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
