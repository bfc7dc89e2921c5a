package store

import (
	"context"
	"database/sql"
	"sync"
	"sync/atomic"
)

// txn is a transaction at work.
type txn interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// mostKept bounds the prepared statements of one connection; what is beyond
// is prepared each time. The texts differ by the lengths of lists only.
const mostKept = 500

// statements are prepared statements by their text.
type statements struct {
	prepare func(ctx context.Context, query string) (*sql.Stmt, error)
	mu      sync.Mutex
	by      map[string]*sql.Stmt
}

func newStatements(db *sql.DB) *statements {
	return &statements{prepare: db.PrepareContext, by: map[string]*sql.Stmt{}}
}

// get answers the statement of a text, or nil if it is not kept: then the
// text is run as it is, and says by itself what is wrong with it.
func (s *statements) get(ctx context.Context, query string) *sql.Stmt {
	s.mu.Lock()
	defer s.mu.Unlock()
	if st := s.by[query]; st != nil || len(s.by) >= mostKept {
		return st
	}
	st, err := s.prepare(context.WithoutCancel(ctx), query)
	if err != nil {
		return nil
	}
	s.by[query] = st
	return st
}

func (s *statements) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, st := range s.by {
		_ = st.Close()
	}
	s.by = map[string]*sql.Stmt{}
}

// reader reads outside of transactions. With SQLite it keeps statements,
// which the driver of PostgreSQL does by itself.
type reader struct {
	db   *sql.DB
	kept *statements // or nil
}

func (r *reader) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	if r.kept != nil {
		if st := r.kept.get(ctx, query); st != nil {
			return st.QueryContext(ctx, args...)
		}
	}
	return r.db.QueryContext(ctx, query, args...)
}

func (r *reader) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	if r.kept != nil {
		if st := r.kept.get(ctx, query); st != nil {
			return st.QueryRowContext(ctx, args...)
		}
	}
	return r.db.QueryRowContext(ctx, query, args...)
}

// writer is the one connection that writes to SQLite, with its statements.
// Who waits is served in the order of coming.
type writer struct {
	db   *sql.DB
	turn chan struct{}
	conn *sql.Conn
	kept *statements

	waiting atomic.Int64 // for their turn
}

func newWriter(db *sql.DB) *writer { return &writer{db: db, turn: make(chan struct{}, 1)} }

// with gives the connection to fn alone.
func (w *writer) with(ctx context.Context, fn func(tx txn) error) error {
	w.waiting.Add(1)
	select {
	case w.turn <- struct{}{}:
		w.waiting.Add(-1)
	case <-ctx.Done():
		w.waiting.Add(-1)
		return ctx.Err()
	}
	defer func() { <-w.turn }()
	if w.conn == nil {
		conn, err := w.db.Conn(ctx)
		if err != nil {
			return err
		}
		w.conn, w.kept = conn, &statements{prepare: conn.PrepareContext, by: map[string]*sql.Stmt{}}
	}
	return fn(w)
}

// tx runs fn in a transaction.
func (w *writer) tx(ctx context.Context, fn func(tx txn) error) error {
	return w.with(ctx, func(tx txn) (err error) {
		// What begins and ends a transaction is not called off half way: the
		// driver could answer that it was although it took effect, and the
		// connection would be in a transaction for ever.
		if err := ctx.Err(); err != nil {
			return err
		}
		if _, err := tx.ExecContext(context.WithoutCancel(ctx), `BEGIN IMMEDIATE`); err != nil {
			w.drop()
			return err
		}
		done := false
		defer func() { // also when fn panics
			if done {
				return
			}
			if _, failed := w.conn.ExecContext(context.WithoutCancel(ctx), `ROLLBACK`); failed != nil {
				w.drop() // in no state to go on with
			}
		}()
		if err := fn(tx); err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if _, err := tx.ExecContext(context.WithoutCancel(ctx), `COMMIT`); err != nil {
			return err
		}
		done = true
		return nil
	})
}

func (w *writer) drop() {
	w.kept.close()
	_ = w.conn.Close()
	w.conn = nil
}

func (w *writer) close() {
	w.turn <- struct{}{}
	defer func() { <-w.turn }()
	if w.conn != nil {
		w.drop()
	}
}

// ExecContext implements txn.
func (w *writer) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	if st := w.kept.get(ctx, query); st != nil {
		return st.ExecContext(ctx, args...)
	}
	return w.conn.ExecContext(ctx, query, args...)
}

// QueryContext implements txn.
func (w *writer) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	if st := w.kept.get(ctx, query); st != nil {
		return st.QueryContext(ctx, args...)
	}
	return w.conn.QueryContext(ctx, query, args...)
}

// QueryRowContext implements txn.
func (w *writer) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	if st := w.kept.get(ctx, query); st != nil {
		return st.QueryRowContext(ctx, args...)
	}
	return w.conn.QueryRowContext(ctx, query, args...)
}
