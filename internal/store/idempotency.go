package store

import (
	"context"
	"errors"
	"time"
)

// Answer is a stored answer of a creating request.
type Answer struct {
	Status         int
	Type           string
	Location, ETag string
	Body           []byte
	// Subject is set when the request ended before its answer could be
	// stored, but has made this.
	Subject string
}

// Errors of BeginIdempotent.
var (
	ErrKeyReused = errors.New("the key was used with another request")
	ErrKeyBusy   = errors.New("the request with the key is still at work")
)

// keepAnswers is how long an answer can be asked for again.
const keepAnswers = 48 * time.Hour

// BeginIdempotent notes that a person's request under a key has begun; it
// answers the stored answer of an earlier one, or nil. An earlier one that
// began before stale and never ended is taken as dead, unless it is known what
// it has made.
func (t *Tenant) BeginIdempotent(ctx context.Context, person, key, hash string, now, stale time.Time) (*Answer, error) {
	var stored *Answer
	err := t.tx(ctx, func(tx txn) error {
		stored = nil
		if _, err := tx.ExecContext(ctx, `DELETE FROM idempotency WHERE tenant_id=$1 AND person=$2 AND (started_at<$3 OR started_at<$4 AND status=0 AND subject='')`,
			t.id, person, micros(now.Add(-keepAnswers)), micros(stale)); err != nil {
			return err
		}
		res, err := tx.ExecContext(ctx, `INSERT INTO idempotency (tenant_id, person, request_key, body_hash, started_at, status, content_type, location, etag, body)
			VALUES ($1,$2,$3,$4,$5,0,'','','','') ON CONFLICT (tenant_id, person, request_key) DO NOTHING`, t.id, person, key, hash, micros(now))
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n == 1 {
			return err
		}
		var a Answer
		var was, body string
		err = tx.QueryRowContext(ctx, `SELECT body_hash, status, content_type, location, etag, body, subject FROM idempotency WHERE tenant_id=$1 AND person=$2 AND request_key=$3`,
			t.id, person, key).Scan(&was, &a.Status, &a.Type, &a.Location, &a.ETag, &body, &a.Subject)
		switch {
		case err != nil:
			return err
		case was != hash:
			return ErrKeyReused
		case a.Status == 0 && a.Subject == "":
			return ErrKeyBusy
		}
		a.Body = []byte(body)
		stored = &a
		return nil
	})
	return stored, t.db.wrap("begin request", err)
}

// FinishIdempotent stores the answer.
func (t *Tenant) FinishIdempotent(ctx context.Context, person, key string, a Answer) error {
	_, err := t.exec(ctx, `UPDATE idempotency SET status=$4, content_type=$5, location=$6, etag=$7, body=$8
		WHERE tenant_id=$1 AND person=$2 AND request_key=$3`, t.id, person, key, a.Status, a.Type, a.Location, a.ETag, string(a.Body))
	return t.db.wrap("finish request", err)
}

// ReleaseIdempotent forgets a request that changed nothing.
func (t *Tenant) ReleaseIdempotent(ctx context.Context, person, key string) error {
	_, err := t.exec(ctx, `DELETE FROM idempotency WHERE tenant_id=$1 AND person=$2 AND request_key=$3 AND status=0 AND subject=''`, t.id, person, key)
	return t.db.wrap("release request", err)
}
