package store_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"rmp/internal/store"
)

// TestDumpKnowsEveryTable: a new table is either in a backup or said not to be.
func TestDumpKnowsEveryTable(t *testing.T) {
	files, err := filepath.Glob("migrations/sqlite/*.sql")
	if err != nil || len(files) == 0 {
		t.Fatal(err)
	}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`CREATE TABLE (\w+)`).FindAllStringSubmatch(string(text), -1) {
			if !slices.Contains(slices.Concat(store.Dumped, store.NotDumped), m[1]) {
				t.Errorf("the table %s is neither in backups nor said not to be", m[1])
			}
		}
	}
}

type members map[string]*bytes.Buffer

func (m members) write(name string) (io.Writer, error) {
	m[name] = &bytes.Buffer{}
	return m[name], nil
}

func (m members) read(name string) (io.Reader, error) { return bytes.NewReader(m[name].Bytes()), nil }

// TestLoadIsAllOrNothing: what is not right leaves the database empty, and one
// that holds something is not touched.
func TestLoadIsAllOrNothing(t *testing.T) {
	engines(t, func(t *testing.T, db *store.DB) {
		ctx := context.Background()
		saved := members{}
		if err := db.Dump(ctx, saved.write); err != nil {
			t.Fatal(err)
		}
		saved["tenants"] = bytes.NewBufferString(`{"id":"x","domain":"x.test","nonsense; DROP TABLE tenants":1}` + "\n")
		err := db.Load(ctx, saved.read)
		if err == nil || errors.Is(err, store.ErrNotEmpty) && len(tenantsOf(t, db)) == 0 {
			t.Fatal(err)
		}
		if len(tenantsOf(t, db)) > 0 && !errors.Is(err, store.ErrNotEmpty) {
			t.Fatal("a database that holds something was touched:", err)
		}
		if strings.Contains(err.Error(), "syntax") {
			t.Error("the name of a column became SQL:", err)
		}
	})
}

func tenantsOf(t *testing.T, db *store.DB) []string {
	t.Helper()
	list, err := db.Tenants(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, x := range list {
		out = append(out, x.Domain)
	}
	return out
}
