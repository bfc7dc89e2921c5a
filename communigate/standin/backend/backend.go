// Package backend is what the CommuniGate stand-in holds: domains, accounts,
// mailboxes with their rights, and calendar items.
//
// It is durable: all of it lies in one SQLite file, and an Update returns
// only after its changes are on the disk, so that a server built on it loses
// nothing that it has answered, whenever it is killed. Nothing is loaded
// wholesale: a window of a calendar is found by an index over the span of
// each item.
//
// The servers of the two protocols work on a Tx: View for what only reads,
// Update for the rest, many operations in one where the protocol batches
// them. An operation that is refused leaves nothing behind and is told by an
// *Error with CommuniGate Pro's number and text.
package backend

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	_ "modernc.org/sqlite" // driver sqlite

	"rmp/calendar/zone"
)

// Error is a refusal, with CommuniGate Pro's number and text.
type Error struct {
	Num  int
	Text string
}

func (e *Error) Error() string { return fmt.Sprintf("%d %s", e.Num, e.Text) }

// The refusals. Texts are those that clients compare; numbers above 515 that
// are not documented by the vendor are the stand-in's own.
var (
	ErrBadLogin       = &Error{515, "incorrect password or account name"}
	ErrNoDomain       = &Error{512, "unknown secondary domain name"}
	ErrNoAccount      = &Error{513, "unknown user account"}
	ErrAccountExists  = &Error{520, "account with this name already exists"}
	ErrDomainExists   = &Error{522, "domain with this name already exists"}
	ErrDomainNotEmpty = &Error{523, "domain is not empty"}
	ErrNoMailbox      = &Error{514, "mailbox is not found"}
	ErrMailboxExists  = &Error{521, "mailbox with this name already exists"}
	ErrDenied         = &Error{519, "mailbox access denied"}
	ErrNotAllowed     = &Error{516, "operation is not allowed"}
	ErrNoItem         = &Error{525, "calendar item is not found"}
	ErrNoMessage      = &Error{525, "message is not found"}
)

// Options of Open.
type Options struct {
	Dir           string
	MainDomain    string // made at the first start
	Admin         string // account of the main domain with the right Master, made at the first start
	AdminPassword string // set at every start
	Zone          *time.Location
	Mode          Mode
}

// Backend is the storage of a stand-in.
type Backend struct {
	read, write *sql.DB
	main        string
	zones       zone.Resolver
	mode        Mode
	watchers    []func([]int64)
}

// schema is what the storage consists of; each topic has its part beside the
// code that uses it.
var schema = []string{accountsSchema, mailboxesSchema, messagesSchema, namesSchema, propertiesSchema}

// Open opens the storage in a directory, which it makes at the first start.
func Open(ctx context.Context, o Options) (*Backend, error) {
	b := &Backend{main: strings.ToLower(o.MainDomain), zones: zone.Resolver{Host: o.Zone}, mode: o.Mode}
	if b.zones.Host == nil {
		b.zones.Host = time.UTC
	}
	path := (&url.URL{Path: filepath.Join(o.Dir, "standin.db")}).EscapedPath()
	// Temporary files in memory: there may be no folder for them.
	const pragmas = "_pragma=temp_store(MEMORY)&_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=foreign_keys(ON)"
	var err error
	if b.write, err = sql.Open("sqlite", "file:"+path+"?_txlock=immediate&"+pragmas); err != nil {
		return nil, fmt.Errorf("open the stand-in's storage: %w", err)
	}
	b.write.SetMaxOpenConns(1)
	if b.read, err = sql.Open("sqlite", "file:"+path+"?"+pragmas+"&_pragma=query_only(ON)"); err != nil {
		_ = b.write.Close()
		return nil, fmt.Errorf("open the stand-in's storage: %w", err)
	}
	b.read.SetMaxOpenConns(4)
	if _, err = b.write.ExecContext(ctx, strings.Join(schema, "")); err == nil {
		err = b.Update(ctx, func(tx *Tx) error { return tx.takeOver() })
	}
	if err == nil {
		err = b.Update(ctx, func(tx *Tx) error { return tx.firstStart(o) })
	}
	if err != nil {
		_ = b.Close()
		return nil, fmt.Errorf("open the stand-in's storage: %w", err)
	}
	return b, nil
}

// Close closes the storage.
func (b *Backend) Close() error { return errors.Join(b.read.Close(), b.write.Close()) }

// MainDomain is the server's main domain.
func (b *Backend) MainDomain() string { return b.main }

// Zone is the server's own time zone.
func (b *Backend) Zone() *time.Location { return b.zones.Host }

// LoadZone finds a zone by any of the names that calendar data use.
func (b *Backend) LoadZone(name string) (*time.Location, error) { return b.zones.Load(name) }

// Tx is a set of operations that happen together.
type Tx struct {
	ctx     context.Context
	b       *Backend
	q       *sql.Tx
	touched []int64 // mailboxes
}

// View runs fn on a state that does not change under it.
func (b *Backend) View(ctx context.Context, fn func(*Tx) error) error {
	return b.run(ctx, b.read, fn)
}

// Update runs fn and returns when its changes are on the disk. If fn answers
// an error, nothing of it stays.
func (b *Backend) Update(ctx context.Context, fn func(*Tx) error) error {
	return b.run(ctx, b.write, fn)
}

func (b *Backend) run(ctx context.Context, db *sql.DB, fn func(*Tx) error) error {
	q, err := db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("storage: %w", err)
	}
	tx := &Tx{ctx: ctx, b: b, q: q}
	if err := fn(tx); err != nil {
		_ = q.Rollback()
		return err
	}
	if err := q.Commit(); err != nil {
		return fmt.Errorf("storage: %w", err)
	}
	b.tell(tx.touched)
	return nil
}

// Try runs one of several operations of an Update: if it is refused, nothing
// of it stays, and the others go on.
func (tx *Tx) Try(fn func() error) error {
	if _, err := tx.exec(`SAVEPOINT operation`); err != nil {
		return err
	}
	before := len(tx.touched)
	err := fn()
	if err != nil {
		tx.touched = tx.touched[:before]
		if _, err := tx.exec(`ROLLBACK TO operation`); err != nil {
			return err
		}
	}
	if _, err := tx.exec(`RELEASE operation`); err != nil {
		return err
	}
	return err
}

func (tx *Tx) exec(query string, args ...any) (int64, error) {
	res, err := tx.q.ExecContext(tx.ctx, query, args...)
	if err != nil {
		return 0, fmt.Errorf("storage: %w", err)
	}
	return res.RowsAffected()
}

// row reads one row; it reports whether there is one.
func (tx *Tx) row(query string, args []any, into ...any) (bool, error) {
	err := tx.q.QueryRowContext(tx.ctx, query, args...).Scan(into...)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("storage: %w", err)
	}
	return true, nil
}

func (tx *Tx) rows(scan func(*sql.Rows) error, query string, args ...any) error {
	rows, err := tx.q.QueryContext(tx.ctx, query, args...)
	if err != nil {
		return fmt.Errorf("storage: %w", err)
	}
	defer rows.Close() //nolint:errcheck // Err tells what matters
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// Context is that of the operations.
func (tx *Tx) Context() context.Context { return tx.ctx }
