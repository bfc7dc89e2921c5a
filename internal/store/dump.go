package store

import (
	"bufio"
	"context"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// dumped are the tables of a backup, in an order in which they can be filled.
// What only lasts for moments is left out: leases, tries, requests under way,
// events that were told.
var dumped = []string{"tenants", "gatekeeper_users", "sessions", "resources", "resource_managers", "type_policies", "bookings", "booking_resources", "booking_attendees",
	"booking_overrides", "occurrences", "occupancy", "booking_history", "outbox", "foreign_events", "conflicts", "calendar_checks", "signing_keys", "api_tokens", "audit",
	"feeds", "favourites", "resource_photos", "repair_steps"}

// notDumped are the others; a test holds that each table is in one of the two.
var notDumped = []string{"idempotency", "jobs", "events", "login_tries", "goose_db_version"}

// numbered are the tables whose id the database gives, in the order of the
// rows.
var numbered = []string{"audit"}

// ErrNotEmpty is the error of a restore into a database that holds something.
var ErrNotEmpty = errors.New("the database is not empty")

// Dump writes all rows as they were at one instant: for each table a line of
// JSON per row, in columns by name. It does not hold up who writes.
func (d *DB) Dump(ctx context.Context, table func(name string) (io.Writer, error)) error {
	tx, err := d.read.db.BeginTx(ctx, &sql.TxOptions{ReadOnly: true, Isolation: d.snapshot()})
	if err != nil {
		return d.wrap("backup", err)
	}
	defer func() { _ = tx.Rollback() }()
	for _, name := range dumped {
		w, err := table(name)
		if err != nil {
			return err
		}
		if err := dumpTable(ctx, tx, name, w); err != nil {
			return d.wrap("backup of "+name, err)
		}
	}
	return nil
}

// snapshot is the isolation in which all reads of a transaction see the same.
// With SQLite every read transaction does.
func (d *DB) snapshot() sql.IsolationLevel {
	if d.dialect == postgres {
		return sql.LevelRepeatableRead
	}
	return sql.LevelDefault
}

// cell is a value in a dump: JSON has no bytes.
type cell struct {
	Bytes string `json:"base64"`
}

func dumpTable(ctx context.Context, tx *sql.Tx, name string, w io.Writer) error {
	order := ""
	if slices.Contains(numbered, name) {
		order = " ORDER BY id"
	}
	rows, err := tx.QueryContext(ctx, "SELECT * FROM "+name+order) //nolint:gosec // the names are ours
	if err != nil {
		return err
	}
	defer rows.Close() //nolint:errcheck // Err tells
	kinds, err := rows.ColumnTypes()
	if err != nil {
		return err
	}
	values, places := make([]any, len(kinds)), make([]any, len(kinds))
	for i := range values {
		places[i] = &values[i]
	}
	e := json.NewEncoder(w)
	for rows.Next() {
		if err := rows.Scan(places...); err != nil {
			return err
		}
		row := make(map[string]any, len(kinds))
		for i, k := range kinds {
			if b, ok := values[i].([]byte); ok {
				values[i] = cell{base64.StdEncoding.EncodeToString(b)}
			}
			row[k.Name()] = values[i]
		}
		if err := e.Encode(row); err != nil {
			return err
		}
	}
	return rows.Err()
}

// Load fills an empty database with what Dump wrote, all or nothing.
func (d *DB) Load(ctx context.Context, table func(name string) (io.Reader, error)) error {
	list, err := d.Tenants(ctx)
	if err != nil {
		return err
	}
	if len(list) > 0 {
		return ErrNotEmpty
	}
	return d.wrap("restore", d.tx(ctx, func(tx txn) error {
		for _, name := range dumped {
			r, err := table(name)
			if err != nil {
				return err
			}
			if err := loadTable(ctx, tx, name, r); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
		return d.checkKey(ctx, tx)
	}))
}

func loadTable(ctx context.Context, tx txn, name string, r io.Reader) error {
	d := json.NewDecoder(bufio.NewReader(r))
	d.UseNumber()
	for {
		row := map[string]any{}
		err := d.Decode(&row)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		var columns []string
		var a args
		for _, c := range slices.Sorted(maps.Keys(row)) {
			if c == "id" && slices.Contains(numbered, name) {
				continue
			}
			v, err := value(row[c])
			if err != nil {
				return fmt.Errorf("column %s: %w", c, err)
			}
			if !plainName(c) {
				return fmt.Errorf("%q is not the name of a column", c)
			}
			columns = append(columns, c)
			a.add(v)
		}
		places := make([]string, len(columns))
		for i := range places {
			places[i] = fmt.Sprintf("$%d", i+1)
		}
		if _, err := tx.ExecContext(ctx, "INSERT INTO "+name+" ("+strings.Join(columns, ", ")+") VALUES ("+strings.Join(places, ",")+")", a.values...); err != nil {
			return err
		}
	}
}

func plainName(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool { return r != '_' && (r < 'a' || r > 'z') && (r < '0' || r > '9') })
}

func value(v any) (any, error) {
	switch x := v.(type) {
	case json.Number:
		return x.Int64()
	case map[string]any:
		text, ok := x["base64"].(string)
		if !ok {
			return nil, errors.New("is no value")
		}
		return base64.StdEncoding.DecodeString(text)
	case string, nil:
		return x, nil
	}
	return nil, fmt.Errorf("%T is no value", v)
}
