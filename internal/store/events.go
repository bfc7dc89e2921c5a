package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"time"

	"rmp/internal/booking"
)

// tell notes an event in the transaction of what it tells of.
func (t *Tenant) tell(ctx context.Context, tx *sql.Tx, at time.Time, kind string, b booking.Booking) error {
	resources := make([]string, len(b.Resources))
	for i, r := range b.Resources {
		resources[i] = r.Email
	}
	data, err := json.Marshal(map[string]any{"resources": resources, "start": b.Start, "end": b.End, "status": b.Status})
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO events (tx, tenant_id, at, kind, booking_id, data) VALUES (`+t.db.dialect.transaction()+`,$1,$2,$3,$4,$5)`,
		t.id, micros(at), kind, b.ID, string(data))
	return err
}
