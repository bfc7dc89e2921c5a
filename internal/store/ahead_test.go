package store_test

import (
	"bytes"
	"errors"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"

	"rmp/internal/secret"
	"rmp/internal/store"
	"rmp/internal/store/pgtest"
)

// A program that is put back works on what a later version has migrated, and
// says that it is behind; it does not undo anything.
func TestADatabaseAheadOfTheProgram(t *testing.T) {
	for name, url := range map[string]string{"sqlite": filepath.Join(t.TempDir(), "rmp.db"), "postgres": pgtest.URL(t)} {
		t.Run(name, func(t *testing.T) {
			sealer, err := secret.NewSealer(make([]byte, 32))
			if err != nil {
				t.Fatal(err)
			}
			var log bytes.Buffer
			open := func() *store.DB {
				log.Reset()
				db, err := store.Open(t.Context(), url, store.Options{Sealer: sealer, Log: slog.New(slog.NewTextHandler(&log, nil))})
				if err != nil {
					t.Fatal(err)
				}
				return db
			}
			const ahead = "later version of RMP"
			db := open()
			if strings.Contains(log.String(), ahead) {
				t.Errorf("a new database is called ahead: %s", log.String())
			}
			if err := store.Exec(t.Context(), db, `INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, TRUE)`); err != nil {
				t.Fatal(err)
			}
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
			db = open()
			defer db.Close() //nolint:errcheck // nothing was written
			if !strings.Contains(log.String(), ahead) || !strings.Contains(log.String(), "schema=9999") {
				t.Errorf("the log does not say that the database is ahead: %s", log.String())
			}
			world(t, db)
			if all, err := db.Tenants(t.Context()); err != nil || len(all) != 2 {
				t.Errorf("%d tenants, %v", len(all), err)
			}
		})
	}
}

// TestWhatOpenMayDo: a command does not migrate what another version serves.
func TestWhatOpenMayDo(t *testing.T) {
	for name, url := range map[string]string{"sqlite": filepath.Join(t.TempDir(), "rmp.db"), "postgres": pgtest.URL(t)} {
		t.Run(name, func(t *testing.T) {
			sealer, err := secret.NewSealer(make([]byte, 32))
			if err != nil {
				t.Fatal(err)
			}
			open := func(may store.Schema) error {
				db, err := store.Open(t.Context(), url, store.Options{Sealer: sealer, Log: slog.New(slog.DiscardHandler), Schema: may})
				if err != nil {
					return err
				}
				_, err = db.Tenants(t.Context())
				return errors.Join(err, db.Close())
			}
			if err := open(store.AsItIs); !errors.Is(err, store.ErrSchema) {
				t.Errorf("an empty one, as it is: %v", err)
			}
			if err := errors.Join(open(store.Begin), open(store.Begin), open(store.AsItIs)); err != nil {
				t.Error(err)
			}
			db, err := store.Open(t.Context(), url, store.Options{Sealer: sealer, Log: slog.New(slog.DiscardHandler)})
			if err != nil {
				t.Fatal(err)
			}
			err = errors.Join(store.Exec(t.Context(), db, `DELETE FROM goose_db_version WHERE version_id=(SELECT MAX(version_id) FROM goose_db_version)`), db.Close())
			if err != nil {
				t.Fatal(err)
			}
			for _, may := range []store.Schema{store.Begin, store.AsItIs} {
				if err := open(may); !errors.Is(err, store.ErrSchema) {
					t.Errorf("an older one, %d: %v", may, err)
				}
			}
		})
	}
}
