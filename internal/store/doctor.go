package store

import (
	"context"
	"database/sql"
	"strconv"
	"strings"
	"time"
)

// Step is a step of a repair, as the doctor has stored it.
type Step struct {
	Run    string
	Number int
	At     time.Time
	Text   string // JSON
	Undone bool
}

// SaveStep stores a step that was taken.
func (t *Tenant) SaveStep(ctx context.Context, s Step) error {
	_, err := t.exec(ctx, `INSERT INTO repair_steps (tenant_id, run, number, at, step, undone) VALUES ($1,$2,$3,$4,$5,0)`, t.id, s.Run, s.Number, micros(s.At), s.Text)
	return t.db.wrap("save step", err)
}

// Steps answers the steps of a run in their order.
func (t *Tenant) Steps(ctx context.Context, run string) ([]Step, error) {
	out, err := collect(ctx, t.read, func(rows *sql.Rows) (Step, error) {
		s := Step{Run: run}
		var at, undone int64
		err := rows.Scan(&s.Number, &at, &s.Text, &undone)
		s.At, s.Undone = instant(at), undone != 0
		return s, err
	}, `SELECT number, at, step, undone FROM repair_steps WHERE tenant_id=$1 AND run=$2 ORDER BY number`, t.id, run)
	return out, t.db.wrap("read steps", err)
}

// StepUndone notes that a step was taken back.
func (t *Tenant) StepUndone(ctx context.Context, run string, number int) error {
	_, err := t.exec(ctx, `UPDATE repair_steps SET undone=1 WHERE tenant_id=$1 AND run=$2 AND number=$3`, t.id, run, number)
	return t.db.wrap("undo step", err)
}

// Backlog counts the tenant's calendar writes that are pending or given up,
// and answers since when the oldest pending one waits.
func (t *Tenant) Backlog(ctx context.Context) (pending, failed int, oldest time.Time, err error) {
	var since int64
	err = t.read.QueryRowContext(ctx, `SELECT
			COALESCE(SUM(CASE WHEN state='pending' THEN 1 ELSE 0 END), 0), COALESCE(SUM(CASE WHEN state='failed' THEN 1 ELSE 0 END), 0),
			COALESCE(MIN(CASE WHEN state='pending' THEN changed_at END), 0)
		FROM outbox WHERE tenant_id=$1 AND state IN ('pending','failed')`, t.id).Scan(&pending, &failed, &since)
	return pending, failed, instant(since), t.db.wrap("read backlog", err)
}

// Description says what the database is.
type Description struct {
	Engine, Version, Oldest string
	Old                     bool  // older than what RMP is made for
	Schema, Newest          int64 // the version it has, and the newest this program knows
	Passes                  bool  // its role passes row-level security
}

// The oldest servers that RMP is made for.
const (
	oldestPostgres = 15
	oldestSQLite   = "3.40"
)

// Describe says what the database is.
func (d *DB) Describe(ctx context.Context) (Description, error) {
	out := Description{Engine: "SQLite", Oldest: oldestSQLite}
	query := `SELECT sqlite_version()`
	if d.dialect == postgres {
		out.Engine, out.Oldest, query = "PostgreSQL", strconv.Itoa(oldestPostgres), `SHOW server_version`
	}
	err := d.read.QueryRowContext(ctx, query).Scan(&out.Version)
	if err == nil && d.dialect == postgres {
		major, _ := strconv.Atoi(strings.FieldsFunc(out.Version, func(r rune) bool { return r < '0' || r > '9' })[0])
		out.Old = major < oldestPostgres
		err = d.read.QueryRowContext(ctx, `SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname=current_user`).Scan(&out.Passes)
	}
	if err == nil {
		err = d.read.QueryRowContext(ctx, `SELECT COALESCE(MAX(version_id), 0) FROM goose_db_version WHERE is_applied`).Scan(&out.Schema)
	}
	out.Newest = newestMigration()
	return out, d.wrap("describe the database", err)
}

// newestMigration is the version of the newest migration of this program.
func newestMigration() (newest int64) {
	files, _ := migrations.ReadDir("migrations/sqlite")
	for _, f := range files {
		number, _, _ := strings.Cut(f.Name(), "_")
		if n, err := strconv.ParseInt(number, 10, 64); err == nil {
			newest = max(newest, n)
		}
	}
	return newest
}
