// Package store keeps everything in SQL, on SQLite or PostgreSQL alike.
//
// Nearly every statement is of the common subset of both: TEXT and BIGINT
// columns, numbered parameters, ON CONFLICT and RETURNING. Instants are UTC
// microseconds. What differs is in dialect.go: how an overlap is told, how
// jobs are leased by several processes at once, and the migrations.
//
// Rows of a tenant are reached through the handle For gives, which puts the
// tenant into every statement; what spans tenants by its nature (sign-in, the
// outbox) is on DB itself.
//
// That no two bookings overlap is held by the database: an exclusion
// constraint on PostgreSQL, a trigger inside the one writer's transaction on
// SQLite.
package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"time"

	_ "modernc.org/sqlite" // driver sqlite

	"rmp/internal/secret"
)

// ErrUnavailable is wrapped when the database cannot be reached.
var ErrUnavailable = errors.New("the database cannot be reached")

// DB is the storage of an installation.
type DB struct {
	read    *reader
	pool    *sql.DB // of writers; with SQLite, of one
	writer  *writer // with SQLite
	dialect dialect
	sealer  *secret.Sealer
	log     *slog.Logger
	observe func(took time.Duration, err error)
}

// Options of Open.
type Options struct {
	Sealer *secret.Sealer // for passwords at rest
	Log    *slog.Logger
	Schema Schema
}

// Schema is what Open may do to the schema.
type Schema int

// What may be done.
const (
	Migrate Schema = iota // bring it up to date
	Begin                 // make one where there is none; an older one is ErrSchema
	AsItIs                // nothing; none, or an older one, is ErrSchema
)

// ErrSchema is the error of opening a database that would have to be migrated
// first.
var ErrSchema = errors.New("the schema is older than the program's")

// Open connects, makes sure that the key is the right one, and, unless told otherwise, brings the schema up to date. A postgres:// or
// postgresql:// URL is PostgreSQL, everything else the path of a SQLite file.
func Open(ctx context.Context, target string, opts Options) (*DB, error) {
	d := &DB{sealer: opts.Sealer, log: opts.Log}
	var err error
	if strings.HasPrefix(target, "postgres://") || strings.HasPrefix(target, "postgresql://") {
		d.dialect = postgres
		if d.pool, err = openPostgres(target); err != nil {
			return nil, fmt.Errorf("open database: %w", err)
		}
		d.pool.SetMaxOpenConns(16)
		d.pool.SetMaxIdleConns(16)
		d.pool.SetConnMaxIdleTime(5 * time.Minute)
		d.read = &reader{db: d.pool} // the driver keeps statements by itself
	} else {
		d.dialect = sqlite
		path := strings.TrimPrefix(strings.TrimPrefix(target, "sqlite://"), "file:")
		// Temporary files in memory: there may be no folder for them.
		pragmas := url.Values{"_pragma": {"busy_timeout(10000)", "journal_mode(WAL)", "temp_store(MEMORY)", "synchronous(FULL)", "foreign_keys(ON)"}}
		pragmas.Set("_txlock", "immediate")
		if d.pool, err = sql.Open("sqlite", "file:"+escapePath(path)+"?"+pragmas.Encode()); err != nil {
			return nil, fmt.Errorf("open database: %w", err)
		}
		d.pool.SetMaxOpenConns(1) // SQLite has one writer; queueing here is fairer than its busy loop
		pragmas.Set("_txlock", "deferred")
		pragmas.Add("_pragma", "query_only(ON)")
		readers, err := sql.Open("sqlite", "file:"+escapePath(path)+"?"+pragmas.Encode())
		if err != nil {
			return nil, fmt.Errorf("open database: %w", err)
		}
		readers.SetMaxOpenConns(8)
		readers.SetMaxIdleConns(8)
		d.read = &reader{db: readers, kept: newStatements(readers)}
		d.writer = newWriter(d.pool)
	}
	if err := d.migrate(ctx, opts.Schema); err != nil {
		_ = d.Close()
		return nil, fmt.Errorf("open database: %w", err)
	}
	if err := d.checkKey(ctx, d.pool); err != nil {
		_ = d.Close()
		return nil, fmt.Errorf("open database: %w", err)
	}
	d.checkWall(ctx)
	return d, nil
}

// escapePath makes a path fit for a file: URL.
func escapePath(p string) string { return (&url.URL{Path: p}).EscapedPath() }

// Close closes all connections.
func (d *DB) Close() error {
	if d.writer != nil {
		d.writer.close()
		_ = d.read.db.Close()
	}
	return d.pool.Close()
}

// Ping reports whether the database answers.
func (d *DB) Ping(ctx context.Context) error {
	var one int
	return d.wrap("ping", d.read.QueryRowContext(ctx, `SELECT 1`).Scan(&one))
}

// maxTxTries bounds the repetition of a transaction that lost against
// another.
const maxTxTries = 10

// tx runs fn in a transaction of the writer; one that the database ended in
// favour of another is repeated.
func (d *DB) tx(ctx context.Context, fn func(tx txn) error) (err error) {
	ctx, end := d.began(ctx)
	defer func() { end(err) }()
	for try := 1; ; try++ {
		err := d.once(ctx, fn)
		if err == nil || try == maxTxTries || !d.dialect.lostRace(err) {
			return err
		}
	}
}

func (d *DB) once(ctx context.Context, fn func(tx txn) error) error {
	if d.writer != nil {
		return d.writer.tx(ctx, fn)
	}
	tx, err := d.pool.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if err := fn(tx); err != nil {
		_ = tx.Rollback()
		return err
	}
	return tx.Commit()
}

// exec runs one statement that writes.
func (d *DB) exec(ctx context.Context, query string, params ...any) (res sql.Result, err error) {
	ctx, end := d.began(ctx)
	defer func() { end(err) }()
	if d.writer == nil {
		return d.pool.ExecContext(ctx, query, params...)
	}
	err = d.writer.with(ctx, func(tx txn) error {
		res, err = tx.ExecContext(ctx, query, params...)
		return err
	})
	return res, err
}

// wrap names the operation, and tells an unreachable database from a fault.
func (d *DB) wrap(op string, err error) error {
	switch {
	case err == nil:
		return nil
	case d.dialect.unreachable(err):
		return fmt.Errorf("%s: %w: %w", op, ErrUnavailable, err)
	}
	return fmt.Errorf("%s: %w", op, err)
}

// queryer is what reads need: a pool or a transaction.
type queryer interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// collect reads all rows of a query.
func collect[T any](ctx context.Context, q queryer, scan func(*sql.Rows) (T, error), query string, args ...any) ([]T, error) {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // Err tells what matters
	var out []T
	for rows.Next() {
		v, err := scan(rows)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, rows.Err()
}

func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func instant(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(us).UTC()
}

func flag(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

func newID() string { return rand.Text() }

// args numbers the parameters of a statement that is put together from parts.
// Only fixed text of this package goes into the statement itself.
type args struct{ values []any }

// add notes a value and answers its placeholder.
func (a *args) add(v any) string {
	a.values = append(a.values, v)
	return fmt.Sprintf("$%d", len(a.values))
}

// list is a parenthesised list of placeholders for the values.
func list[T any](a *args, values []T) string {
	var b strings.Builder
	for i, v := range values {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(a.add(v))
	}
	return "(" + b.String() + ")"
}
