package app

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rmp/internal/config"
	"rmp/internal/gatekeeper"
	"rmp/internal/secret"
	"rmp/internal/store"
	"rmp/internal/store/pgtest"
	"rmp/internal/tenant"
)

const (
	oneKey     = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
	anotherKey = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE="
)

// begun is a database with something sealed in it, by the key that is made for
// it or the one that is given.
func begun(t *testing.T, c config.Database) {
	t.Helper()
	db, _, err := openDatabase(t.Context(), c, store.Migrate, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	x := tenant.Tenant{ID: "a", Domain: "a.test", Name: "A", TimeZone: "UTC", Mode: "direct", Active: true, ServicePassword: "sealed"}
	if err := errors.Join(db.SaveTenant(t.Context(), &x), db.FirstSigningKey(t.Context(), gatekeeper.NewSigningKey(time.Now())), db.Close()); err != nil {
		t.Fatal(err)
	}
}

// TestTheKeyOfADatabase: nothing is done with another key than the one that
// the database was begun with, and none is made beside one that is there.
func TestTheKeyOfADatabase(t *testing.T) {
	for name, url := range map[string]string{"sqlite": "", "postgres": pgtest.URL(t)} {
		t.Run(name, func(t *testing.T) {
			dir, elsewhere := t.TempDir(), t.TempDir()
			c := config.Database{Data: dir, DB: url}
			begun(t, c)
			open := func(c config.Database, may store.Schema) error {
				db, _, err := openDatabase(t.Context(), c, may, slog.New(slog.DiscardHandler))
				if err == nil {
					err = db.Close()
				}
				return err
			}
			if err := open(c, store.AsItIs); err != nil {
				t.Errorf("with its key: %v", err)
			}
			if err := os.Rename(keyFile(dir), filepath.Join(elsewhere, "kept")); err != nil {
				t.Fatal(err)
			}
			for _, may := range []store.Schema{store.Migrate, store.Begin, store.AsItIs} {
				if err := open(c, may); err == nil || !strings.Contains(err.Error(), "is missing") || !strings.Contains(err.Error(), keyFile(dir)) {
					t.Errorf("without it: %v", err)
				}
				wrong := c
				wrong.SecretKey = anotherKey
				if err := open(wrong, may); !errors.Is(err, store.ErrKey) {
					t.Errorf("with another: %v", err)
				}
			}
			if _, err := os.Stat(keyFile(dir)); err == nil {
				t.Error("a key was made beside the database")
			}
			kept, err := os.ReadFile(filepath.Join(elsewhere, "kept"))
			if err != nil {
				t.Fatal(err)
			}
			both := c
			both.SecretKey, both.SecretKeyOld = anotherKey, []secret.Text{secret.Text(strings.TrimSpace(string(kept)))}
			if err := open(both, store.AsItIs); err != nil {
				t.Errorf("with the former as such: %v", err)
			}
		})
	}
}

// TestBackupWithoutItsKey: a backup says whether it holds the key, and is
// restored with the right one only.
func TestBackupWithoutItsKey(t *testing.T) {
	from := config.Database{Data: t.TempDir(), SecretKey: oneKey}
	begun(t, from)
	file := filepath.Join(t.TempDir(), "rmp.tar.gz")
	var out bytes.Buffer
	if err := Backup(t.Context(), config.Backup{Database: from, File: file}, &out); err != nil || !strings.Contains(out.String(), "WITHOUT the key") {
		t.Fatalf("%v: %s", err, out.String())
	}
	to := config.Database{Data: filepath.Join(t.TempDir(), "to")}
	restore := func(key secret.Text) error {
		to.SecretKey = key
		return Restore(context.WithoutCancel(t.Context()), config.Restore{Database: to, File: file}, &out)
	}
	if err := restore(""); err == nil || !strings.Contains(err.Error(), "without the key") {
		t.Errorf("without a key: %v", err)
	}
	if err := restore(anotherKey); err == nil || !strings.Contains(err.Error(), "nothing was restored") {
		t.Errorf("with another key: %v", err)
	}
	if err := restore(oneKey); err != nil {
		t.Errorf("with its key: %v", err)
	}
	out.Reset()
	if err := TenantList(t.Context(), config.TenantList{Database: to, JSON: true}, &out); err != nil || !strings.Contains(out.String(), `"domain": "a.test"`) {
		t.Errorf("%v: %s", err, out.String())
	}
	// Into what is no file nothing is written.
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(file, link); err != nil {
		t.Fatal(err)
	}
	for _, target := range []string{link, t.TempDir(), os.DevNull} {
		if err := Backup(t.Context(), config.Backup{Database: from, File: target}, &out); err == nil {
			t.Errorf("%s was replaced", target)
		}
	}
}

// TestDemoIsForThisMachine: the passwords of the demo are public, so it is not
// made by itself where others reach it.
func TestDemoIsForThisMachine(t *testing.T) {
	for _, c := range []struct {
		listen, demo, host string
		want               bool
	}{
		{"127.0.0.1:8080", "auto", "", true}, {"localhost:8080", "auto", "", true}, {"[::1]:8080", "auto", "", true},
		{":8080", "auto", "", false}, {"0.0.0.0:8080", "auto", "", false}, {"10.0.0.1:80", "auto", "", false},
		{":8080", "yes", "", true}, {"127.0.0.1:8080", "auto", "mail.example.org", false}, {"127.0.0.1:8080", "no", "", false},
	} {
		x := config.Serve{Listen: c.listen, Demo: c.demo}
		x.CGP.Host = c.host
		if got := makesDemo(x, io.Discard); got != c.want {
			t.Errorf("%+v: %t", c, got)
		}
	}
}
