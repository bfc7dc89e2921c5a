package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

// dialect is what the two databases do differently.
type dialect int

const (
	sqlite dialect = iota
	postgres
)

//go:embed migrations
var migrations embed.FS

// migrate brings the schema up to date. On PostgreSQL a lock keeps processes
// that start together from doing it at once; SQLite has one writer.
func (d *DB) migrate(ctx context.Context, may Schema) error {
	dir, kind := "migrations/sqlite", goose.DialectSQLite3
	options := []goose.ProviderOption{}
	if d.dialect == postgres {
		dir, kind = "migrations/postgres", goose.DialectPostgres
		locker, err := lock.NewPostgresSessionLocker()
		if err != nil {
			return fmt.Errorf("migration lock: %w", err)
		}
		options = append(options, goose.WithSessionLocker(locker))
	}
	files, err := fs.Sub(migrations, dir)
	if err != nil {
		return err
	}
	p, err := goose.NewProvider(kind, d.pool, files, options...)
	if err != nil {
		return fmt.Errorf("migrations: %w", err)
	}
	if may != Migrate {
		has, err := p.GetDBVersion(ctx)
		if err != nil {
			return fmt.Errorf("look at the schema: %w", err)
		}
		sources := p.ListSources()
		if has < sources[len(sources)-1].Version && (may == AsItIs || has > 0) {
			return ErrSchema
		}
	}
	done, err := p.Up(ctx)
	for _, m := range done {
		d.log.InfoContext(ctx, "database schema migrated", "version", m.Source.Version, "took", m.Duration)
	}
	if err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	has, err := p.GetDBVersion(ctx)
	if err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	if sources := p.ListSources(); len(sources) > 0 && has > sources[len(sources)-1].Version {
		d.log.WarnContext(ctx, "the database was migrated by a later version of RMP; this one may not know what is in it: see docs/upgrade.md",
			"schema", has, "known", sources[len(sources)-1].Version)
	}
	return nil
}

// SQLSTATE codes of PostgreSQL.
const (
	uniqueViolation      = "23505"
	exclusionViolation   = "23P01"
	serializationFailure = "40001"
	deadlockDetected     = "40P01"
)

func sqlState(err error) string {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pg.Code
	}
	return ""
}

// overlap reports whether the database refused rows because a time is taken.
func (k dialect) overlap(err error) bool {
	if k == postgres {
		return sqlState(err) == exclusionViolation
	}
	return err != nil && strings.Contains(err.Error(), "occupancy overlap")
}

// duplicate reports whether the database refused a row because there is one
// with its key.
func (k dialect) duplicate(err error) bool {
	if k == postgres {
		return sqlState(err) == uniqueViolation
	}
	return err != nil && strings.Contains(err.Error(), "UNIQUE constraint failed")
}

// lostRace reports whether a transaction was ended in favour of another and
// may be repeated.
func (k dialect) lostRace(err error) bool {
	s := sqlState(err)
	return s == serializationFailure || s == deadlockDetected
}

// unreachable reports whether the database is away rather than refusing.
func (k dialect) unreachable(err error) bool {
	var n net.Error
	var connect *pgconn.ConnectError
	// Class 57P is the server shutting down or starting up, 08 the connection.
	s := sqlState(err)
	return errors.As(err, &connect) || errors.As(err, &n) || errors.Is(err, sql.ErrConnDone) || strings.HasPrefix(s, "57P") || strings.HasPrefix(s, "08") || s == "53300"
}

// skipLocked ends a selection of rows that several processes share out among
// themselves.
func (k dialect) skipLocked() string {
	if k == postgres {
		return " FOR UPDATE SKIP LOCKED"
	}
	return "" // the writer is alone
}

// forUpdate ends a selection of a row that is going to be changed.
func (k dialect) forUpdate() string {
	if k == postgres {
		return " FOR UPDATE"
	}
	return ""
}

// lock makes transactions that name the same thing wait for each other until
// they end.
func (k dialect) lock(ctx context.Context, tx txn, name string) error {
	if k != postgres {
		return nil // the writer is alone
	}
	_, err := tx.ExecContext(ctx, `SELECT pg_advisory_xact_lock(hashtextextended($1, 0))`, name)
	return err
}

// transaction is the number of the present transaction.
func (k dialect) transaction() string {
	if k == postgres {
		return "txid_current()"
	}
	return "0"
}

// visible ends a condition on rows with the number of their transaction: only
// those are read that no older transaction can add to any more.
func (k dialect) visible() string {
	if k == postgres {
		return " AND tx < txid_snapshot_xmin(txid_current_snapshot())"
	}
	return "" // the writer is alone
}
