package store

import (
	"context"
	"database/sql"
	"time"

	"rmp/internal/trail"
)

// Observe has f told of each transaction that writes: how long it took, the
// wait for its turn included, and whether it failed. It is to be called before
// the database is used.
func (d *DB) Observe(f func(took time.Duration, err error)) { d.observe = f }

// began begins what writes: it is a step of the trace, and counts for the
// metrics.
func (d *DB) began(ctx context.Context) (context.Context, func(error)) {
	ctx, span := trail.Start(ctx, "store transaction")
	if d.observe == nil {
		return ctx, span.End
	}
	started := time.Now()
	return ctx, func(err error) {
		span.End(err)
		d.observe(time.Since(started), err)
	}
}

// Pool is what a pool of connections is doing.
type Pool struct {
	Name    string // write or read; with PostgreSQL one pool does both
	Waiting int    // for the one writer of SQLite; database/sql does not say
	sql.DBStats
}

// Pools is what the connections are doing now.
func (d *DB) Pools() []Pool {
	if d.writer == nil {
		return []Pool{{Name: "all", DBStats: d.pool.Stats()}}
	}
	w := Pool{Name: "write", DBStats: d.pool.Stats(), Waiting: int(d.writer.waiting.Load())}
	// The one connection is held for good; it is in use when somebody has it.
	w.InUse = len(d.writer.turn)
	w.Idle = max(0, w.OpenConnections-w.InUse)
	return []Pool{w, {Name: "read", DBStats: d.read.db.Stats()}}
}

// ChecksDue answers how many calendars of resources are due for comparison,
// and since when the one is that waits the longest; those that were never
// compared count, but do not say since when.
func (d *DB) ChecksDue(ctx context.Context, now time.Time) (due int, since time.Time, err error) {
	var at int64
	err = d.read.QueryRowContext(ctx, `SELECT COUNT(*), COALESCE(MIN(CASE WHEN c.due_at>0 THEN c.due_at END), 0)
		FROM calendar_checks c JOIN resources r ON r.tenant_id=c.tenant_id AND r.id=c.resource_id AND r.active=1 AND r.removed=0 WHERE c.due_at<=$1`, micros(now)).Scan(&due, &at)
	return due, instant(at), d.wrap("read due calendar checks", err)
}
