package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"time"

	"rmp/internal/booking"
	"rmp/internal/events"
)

var _ events.Store = (*DB)(nil)

// keepEvents is how long a listener may be away and still miss nothing.
const keepEvents = 24 * time.Hour

// tell notes an event in the transaction of what it tells of.
func (t *Tenant) tell(ctx context.Context, tx txn, at time.Time, kind string, b booking.Booking, reach booking.Reach) error {
	resources := make([]string, len(b.Resources))
	for i, r := range b.Resources {
		resources[i] = r.Email
	}
	d := events.Data{Resources: resources, Start: b.Start, End: b.End, Status: string(b.Status), Accounts: reach.Accounts, From: reach.From, Till: reach.Till}
	if reach.Endless {
		d.Till = time.Time{}
	}
	data, err := json.Marshal(d)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO events (tx, tenant_id, at, kind, booking_id, data) VALUES (`+t.db.dialect.transaction()+`,$1,$2,$3,$4,$5)`,
		t.id, micros(at), kind, b.ID, string(data))
	return err
}

// EventsAfter implements events.Store. On PostgreSQL what older transactions
// may still add in between is waited for: the order is the same for all.
func (d *DB) EventsAfter(ctx context.Context, after events.Place, limit int) ([]events.Event, error) {
	out, err := collect(ctx, d.read, func(rows *sql.Rows) (events.Event, error) {
		var e events.Event
		var at int64
		var data string
		err := rows.Scan(&e.Place.Tx, &e.Place.ID, &e.Tenant, &at, &e.Kind, &e.BookingID, &data)
		if e.At = instant(at); err == nil {
			err = json.Unmarshal([]byte(data), &e.Data)
		}
		return e, err
	}, `SELECT tx, id, tenant_id, at, kind, booking_id, data FROM events WHERE (tx>$1 OR tx=$1 AND id>$2)`+d.dialect.visible()+` ORDER BY tx, id LIMIT $3`, after.Tx, after.ID, limit)
	return out, d.wrap("read events", err)
}

// LastEvent implements events.Store.
func (d *DB) LastEvent(ctx context.Context) (events.Place, error) {
	found, err := collect(ctx, d.read, func(rows *sql.Rows) (events.Place, error) {
		var p events.Place
		err := rows.Scan(&p.Tx, &p.ID)
		return p, err
	}, `SELECT tx, id FROM events WHERE 1=1`+d.dialect.visible()+` ORDER BY tx DESC, id DESC LIMIT 1`)
	if err != nil || len(found) == 0 {
		return events.Place{}, d.wrap("read events", err)
	}
	return found[0], nil
}
