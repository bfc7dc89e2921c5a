package store_test

import (
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // driver pgx

	"rmp/internal/audit"
	"rmp/internal/directory"
	"rmp/internal/gatekeeper"
	"rmp/internal/secret"
	"rmp/internal/store"
	"rmp/internal/store/pgtest"
	"rmp/internal/tenant"
)

func addUser(t *testing.T, db *store.DB, of tenant.ID, email string) gatekeeper.User {
	t.Helper()
	u := gatekeeper.User{Tenant: of, Email: email, Name: "Anna 100%", Role: tenant.User, PasswordHash: "x", CGPPassword: "hidden", Active: true}
	if err := db.SaveUser(t.Context(), &u, 0); err != nil {
		t.Fatal(err)
	}
	return u
}

func TestUsers(t *testing.T) {
	engines(t, func(t *testing.T, db *store.DB) {
		world(t, db)
		ctx := t.Context()
		u := addUser(t, db, "a", "anna@a.test")
		got, err := db.UserByEmail(ctx, "ANNA@a.test")
		if err != nil || got.CGPPassword != "hidden" || got.Version != 1 {
			t.Fatalf("%+v, %v", got, err)
		}
		twin := gatekeeper.User{Tenant: "b", Email: "Anna@a.test"}
		if err := db.SaveUser(ctx, &twin, 0); !errors.Is(err, gatekeeper.ErrTaken) {
			t.Errorf("a second user of the address: %v", err)
		}
		got.Name = "Anna B."
		if err := db.SaveUser(ctx, &got, 0); err != nil || got.Version != 2 {
			t.Fatal(err, got.Version)
		}
		if err := db.SaveUser(ctx, &u, 0); !errors.Is(err, gatekeeper.ErrStale) {
			t.Errorf("a change of an old version: %v", err)
		}
		got.Tenant = "b"
		if err := db.SaveUser(ctx, &got, 0); !errors.Is(err, gatekeeper.ErrStale) {
			t.Errorf("a user moved to another tenant: %v", err)
		}
		addUser(t, db, "a", "bo_b@a.test")
		full := gatekeeper.User{Tenant: "a", Email: "c@a.test"}
		if err := db.SaveUser(ctx, &full, 2); !errors.Is(err, gatekeeper.ErrFull) {
			t.Errorf("one more than allowed: %v", err)
		}
		for query, want := range map[string][]string{"": {"anna@a.test", "bo_b@a.test"}, "_": {"bo_b@a.test"}, "100%": {"bo_b@a.test"}, `\`: nil, "ANNA B": {"anna@a.test"}} {
			list, err := db.Users(ctx, "a", gatekeeper.UserFilter{Query: query})
			var emails []string
			for _, x := range list {
				emails = append(emails, x.Email)
			}
			if err != nil || !slices.Equal(emails, want) {
				t.Errorf("%q: %v, %v", query, emails, err)
			}
		}
		s := gatekeeper.Session{Handle: "h", Tenant: "a", UserID: u.ID, RefreshID: "r", ExpiresAt: noon}
		k := gatekeeper.APIToken{ID: "k", Tenant: "a", UserID: u.ID, ExpiresAt: noon}
		if err := errors.Join(db.CreateSession(ctx, s), db.CreateAPIToken(ctx, k, "hash"), db.DeleteUser(ctx, "b", u.ID)); err != nil {
			t.Fatal(err)
		}
		if _, err := db.User(ctx, u.ID); err != nil {
			t.Errorf("removed by another tenant: %v", err)
		}
		if err := db.DeleteUser(ctx, "a", u.ID); err != nil {
			t.Fatal(err)
		}
		_, serr := db.Session(ctx, "h")
		_, _, _, kerr := db.APIToken(ctx, "k")
		if !errors.Is(serr, gatekeeper.ErrNoSession) || !errors.Is(kerr, gatekeeper.ErrNoToken) {
			t.Errorf("after the user is gone: %v, %v", serr, kerr)
		}
	})
}

func TestSessionsRotate(t *testing.T) {
	engines(t, func(t *testing.T, db *store.DB) {
		world(t, db)
		ctx := t.Context()
		u := addUser(t, db, "a", "anna@a.test")
		s := gatekeeper.Session{Handle: "h", Tenant: "a", UserID: u.ID, RefreshID: "r1", CreatedAt: noon, ExpiresAt: noon.Add(time.Hour), CGPPassword: "theirs"}
		if err := db.CreateSession(ctx, s); err != nil {
			t.Fatal(err)
		}
		if err := db.RotateRefresh(ctx, "h", "r1", "r2", noon.Add(2*time.Hour)); err != nil {
			t.Fatal(err)
		}
		if e, err := db.Session(ctx, "h"); err != nil || e.Session.CGPPassword != "theirs" || e.User.Email != u.Email || !e.User.Active || !e.TenantActive {
			t.Errorf("%+v, %v", e, err)
		}
		if err := db.RotateRefresh(ctx, "h", "r1", "r3", noon.Add(2*time.Hour)); !errors.Is(err, gatekeeper.ErrReused) {
			t.Fatalf("the old token again: %v", err)
		}
		if e, err := db.Session(ctx, "h"); err != nil || !e.Session.Revoked || e.Session.CGPPassword != "" {
			t.Fatalf("the session lives on: %+v, %v", e, err)
		}
	})
}

func TestManagers(t *testing.T) {
	engines(t, func(t *testing.T, db *store.DB) {
		world(t, db)
		ctx := t.Context()
		if err := db.For("a").SetManagers(ctx, "room", []string{"Anna@a.test", "anna@a.test", "bo@a.test"}); err != nil {
			t.Fatal(err)
		}
		if m, err := db.For("a").Managers(ctx, "room"); err != nil || !slices.Equal(m, []string{"anna@a.test", "bo@a.test"}) {
			t.Errorf("%v, %v", m, err)
		}
		if m, err := db.For("b").Managed(ctx, "anna@a.test"); err != nil || len(m) != 0 {
			t.Errorf("in another tenant: %v, %v", m, err)
		}
		u := gatekeeper.User{Tenant: "a", Email: "anna@a.test", Role: tenant.Manager, Active: true}
		if err := db.SaveUser(ctx, &u, 0); err != nil {
			t.Fatal(err)
		}
		if err := db.CreateSession(ctx, gatekeeper.Session{Handle: "h", Tenant: "a", UserID: u.ID, ExpiresAt: noon}); err != nil {
			t.Fatal(err)
		}
		if e, err := db.Session(ctx, "h"); err != nil || !slices.Equal(e.Manages, []string{"room@res.test"}) {
			t.Errorf("%+v, %v", e, err)
		}
	})
}

// TestTriesCount: of many tries at once no more pass than are free.
func TestTriesCount(t *testing.T) {
	engines(t, func(t *testing.T, db *store.DB) {
		places := []gatekeeper.Place{{Name: "account", Free: 5}, {Name: "address", Free: 50}}
		var passed atomic.Int64
		var wg sync.WaitGroup
		for range 40 {
			wg.Go(func() {
				until, err := db.TakeTry(t.Context(), places, noon)
				if err != nil {
					t.Error(err)
				}
				if !noon.Before(until) {
					passed.Add(1)
				}
			})
		}
		wg.Wait()
		if passed.Load() != 6 { // the sixth closes the account
			t.Errorf("%d tries passed", passed.Load())
		}
		take := func(at time.Time) bool {
			until, err := db.TakeTry(t.Context(), places, at)
			if err != nil {
				t.Fatal(err)
			}
			return !at.Before(until)
		}
		if !take(noon.Add(time.Second)) || take(noon.Add(2*time.Second)) || !take(noon.Add(3*time.Second)) {
			t.Error("it does not open after 1 s, then 2 s")
		}
		if err := db.ForgiveTry(t.Context(), "account", true); err != nil {
			t.Fatal(err)
		}
		for range 6 {
			if !take(noon.Add(4 * time.Second)) {
				t.Error("not forgiven")
			}
		}
		if take(noon.Add(4*time.Second)) || !take(noon.Add(4*time.Second+gatekeeper.TriesKept+time.Second)) {
			t.Error("it does not start anew after a while")
		}
	})
}

func TestAPITokens(t *testing.T) {
	engines(t, func(t *testing.T, db *store.DB) {
		world(t, db)
		ctx := t.Context()
		u := addUser(t, db, "a", "anna@a.test")
		k := gatekeeper.APIToken{ID: "k", Tenant: "a", UserID: u.ID, Name: "panel", Scopes: []tenant.Scope{tenant.BookingsRead, tenant.AdminScope}, CreatedAt: noon, ExpiresAt: noon.Add(time.Hour)}
		if err := errors.Join(db.CreateAPIToken(ctx, k, "hash"), db.TouchAPIToken(ctx, "k", noon)); err != nil {
			t.Fatal(err)
		}
		got, hash, e, err := db.APIToken(ctx, "k")
		if k.LastUsed = noon; err != nil || hash != "hash" || fmt.Sprint(got) != fmt.Sprint(k) || e.User.Email != u.Email || !e.TenantActive {
			t.Errorf("%+v %q %+v %v", got, hash, e, err)
		}
		if err := db.DeleteAPIToken(ctx, "somebody else", "k"); !errors.Is(err, gatekeeper.ErrNoToken) {
			t.Errorf("deleted by another: %v", err)
		}
		if err := db.DeleteAPIToken(ctx, u.ID, "k"); err != nil {
			t.Error(err)
		}
	})
}

func TestSigningKeys(t *testing.T) {
	engines(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				if err := db.FirstSigningKey(ctx, gatekeeper.NewSigningKey(noon)); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		keys, err := db.SigningKeys(ctx)
		if err != nil || len(keys) != 1 {
			t.Fatalf("%d first keys, %v", len(keys), err)
		}
		for i := range 3 {
			if _, err := gatekeeper.RotateKeys(ctx, db, noon.Add(time.Duration(i+1)*time.Hour)); err != nil {
				t.Fatal(err)
			}
		}
		keys, err = db.SigningKeys(ctx)
		if err != nil || len(keys) != 2 || !keys[0].CreatedAt.Equal(noon.Add(3*time.Hour)) || len(keys[0].Secret) < 32 {
			t.Errorf("%+v, %v", keys, err)
		}
	})
}

func TestAuditIsAppendOnly(t *testing.T) {
	engines(t, func(t *testing.T, db *store.DB) {
		world(t, db)
		ctx := t.Context()
		for i, of := range []tenant.ID{"a", "b", "a"} {
			if err := db.Append(ctx, audit.Entry{Tenant: of, At: noon.Add(time.Duration(i) * time.Minute), Actor: "x", Action: "login", Outcome: audit.Done, Detail: map[string]string{"n": fmt.Sprint(i)}}); err != nil {
				t.Fatal(err)
			}
		}
		list, err := db.Entries(ctx, "a", audit.Filter{Limit: 10})
		if err != nil || len(list) != 2 || list[0].Detail["n"] != "2" {
			t.Fatalf("%+v, %v", list, err)
		}
		older, err := db.Entries(ctx, "a", audit.Filter{Limit: 10, Before: list[0].ID})
		if err != nil || len(older) != 1 {
			t.Errorf("%+v, %v", older, err)
		}
		if some, err := db.Entries(ctx, "a", audit.Filter{Limit: 10, Till: noon.Add(time.Minute)}); err != nil || len(some) != 1 {
			t.Errorf("%+v, %v", some, err)
		}
		for _, q := range []string{`UPDATE audit SET actor='y'`, `DELETE FROM audit`} {
			if err := store.Exec(ctx, db, q); err == nil || !strings.Contains(err.Error(), "append-only") {
				t.Errorf("%s: %v", q, err)
			}
		}
	})
}

// TestReseal: the key can be changed while there are secrets.
func TestReseal(t *testing.T) {
	old, next := make([]byte, 32), []byte(strings.Repeat("k", 32))
	sealer := func(keys ...[]byte) *secret.Sealer {
		s, err := secret.NewSealer(keys[0], keys[1:]...)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	for name, target := range map[string]string{"sqlite": filepath.Join(t.TempDir(), "rmp.db"), "postgres": pgtest.URL(t)} {
		t.Run(name, func(t *testing.T) {
			ctx := t.Context()
			open := func(s *secret.Sealer) *store.DB {
				db, err := store.Open(ctx, target, store.Options{Sealer: s, Log: slog.New(slog.DiscardHandler)})
				if err != nil {
					t.Fatal(err)
				}
				return db
			}
			db := open(sealer(old))
			world(t, db)
			u := addUser(t, db, "a", "anna@a.test")
			err := errors.Join(db.CreateSession(ctx, gatekeeper.Session{Handle: "h", Tenant: "a", UserID: u.ID, CGPPassword: "theirs", ExpiresAt: noon}),
				db.FirstSigningKey(ctx, gatekeeper.NewSigningKey(noon)), db.Close())
			if err != nil {
				t.Fatal(err)
			}
			db = open(sealer(next, old))
			n, err := db.Reseal(ctx)
			if err != nil || n != 5 { // two tenants, a user, a session, a signing key
				t.Errorf("%d sealed anew, %v", n, err)
			}
			if n, err := db.Reseal(ctx); err != nil || n != 0 {
				t.Errorf("again: %d, %v", n, err)
			}
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
			db = open(sealer(next))
			defer db.Close() //nolint:errcheck // the test is over
			got, uerr := db.UserByEmail(ctx, "anna@a.test")
			e, serr := db.Session(ctx, "h")
			_, kerr := db.SigningKeys(ctx)
			_, terr := db.Tenants(ctx)
			if err := errors.Join(uerr, serr, kerr, terr); err != nil || got.CGPPassword != "hidden" || e.Session.CGPPassword != "theirs" {
				t.Errorf("%+v %+v %v", got, e, err)
			}
		})
	}
}

// TestWall: on PostgreSQL a connection bound to a tenant sees and writes rows
// of that tenant only, whatever the statement says; and no table of tenants'
// rows is without that.
func TestWall(t *testing.T) {
	url := pgtest.URL(t)
	sealer, err := secret.NewSealer(make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	db, err := store.Open(ctx, url, store.Options{Sealer: sealer, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close() //nolint:errcheck // the test is over
	world(t, db)
	for _, of := range []tenant.ID{"a", "b"} {
		if err := db.For(of).Save(ctx, change("1", noon, time.Hour, "room")); err != nil {
			t.Fatal(err)
		}
		addUser(t, db, of, "u@"+string(of)+".test")
	}
	raw, err := sql.Open("pgx", url)
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close() //nolint:errcheck // the test is over
	conn, err := raw.Conn(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close() //nolint:errcheck // the test is over
	count := func(q string) (n int) {
		t.Helper()
		if err := conn.QueryRowContext(ctx, q).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	var open []string
	rows, err := conn.QueryContext(ctx, `SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid=c.oid AND a.attname='tenant_id' AND NOT a.attisdropped
		WHERE c.relkind='r' AND c.relnamespace='public'::regnamespace AND NOT (c.relrowsecurity AND c.relforcerowsecurity)`)
	if err != nil {
		t.Fatal(err)
	}
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			t.Fatal(err)
		}
		open = append(open, name)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	if len(open) > 0 {
		t.Errorf("tables without row-level security: %v", open)
	}
	for _, x := range []struct {
		scope string
		want  int
	}{{"", 0}, {"a", 1}, {"b", 1}, {"c", 0}, {"*", 2}} {
		if _, err := conn.ExecContext(ctx, `SELECT set_config('rmp.tenant', $1, false)`, x.scope); err != nil {
			t.Fatal(err)
		}
		for _, table := range []string{"bookings", "occupancy", "gatekeeper_users", "events", "tenants", "booking_history"} {
			if n := count(`SELECT COUNT(*) FROM ` + table); n != x.want {
				t.Errorf("in the scope %q: %d rows of %s, not %d", x.scope, n, table, x.want)
			}
		}
	}
	if _, err := conn.ExecContext(ctx, `SELECT set_config('rmp.tenant', 'a', false)`); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.ExecContext(ctx, `UPDATE bookings SET tenant_id='b', id='2'`); err == nil || !strings.Contains(err.Error(), "row-level security") {
		t.Errorf("a row moved to another tenant: %v", err)
	}
	// The store's own handle is bound like that: a statement that forgot the
	// tenant would find its rows only.
	var titles int
	if err := store.CountWithin(ctx, db, "a", `SELECT COUNT(*) FROM bookings`, &titles); err != nil || titles != 1 {
		t.Errorf("the handle sees %d bookings, %v", titles, err)
	}
	// Bindings do not stay on a connection that goes back to the pool.
	var wg sync.WaitGroup
	for i := range 200 {
		wg.Go(func() {
			of := []tenant.ID{"a", "b"}[i%2]
			var n int
			if err := store.CountWithin(ctx, db, of, `SELECT COUNT(*) FROM bookings WHERE tenant_id<>'`+string(of)+`'`, &n); err != nil || n != 0 {
				t.Errorf("%s sees %d foreign bookings, %v", of, n, err)
			}
			if list, err := db.Tenants(ctx); err != nil || len(list) != 2 {
				t.Errorf("%d tenants, %v", len(list), err)
			}
		})
	}
	wg.Wait()
}

// TestStaleResource: a change of a version that is gone is refused.
func TestStaleResource(t *testing.T) {
	engines(t, func(t *testing.T, db *store.DB) {
		world(t, db)
		r, err := db.For("a").Resource(t.Context(), "room@res.test")
		if err != nil {
			t.Fatal(err)
		}
		late := r
		if err := db.For("a").SaveResource(t.Context(), &r); err != nil {
			t.Fatal(err)
		}
		if err := db.For("a").SaveResource(t.Context(), &late); !errors.Is(err, directory.ErrStale) {
			t.Errorf("%v", err)
		}
	})
}

// TestResourceAnswers: a resource that declines by its own rule is a conflict,
// until it accepts.
func TestResourceAnswers(t *testing.T) {
	engines(t, func(t *testing.T, db *store.DB) {
		world(t, db)
		ctx := t.Context()
		if err := db.For("a").Save(ctx, change("1", noon, time.Hour, "room")); err != nil {
			t.Fatal(err)
		}
		b, err := db.For("a").Booking(ctx, "1")
		if err != nil {
			t.Fatal(err)
		}
		answer := func(who, what string, changes bool, open int) {
			t.Helper()
			got, err := db.For("a").SetPartStat(ctx, b.UID, who, what, noon)
			if err != nil || got != changes {
				t.Errorf("%s %s: %v, %v", who, what, got, err)
			}
			list, err := db.For("a").Conflicts(ctx, false, 10)
			if err != nil || len(list) != open {
				t.Errorf("%s %s: %d conflicts, %v", who, what, len(list), err)
			}
		}
		answer("room@res.test", "accepted", false, 0)
		answer("projector@res.test", "declined", false, 0) // is not booked
		answer("room@res.test", "declined", true, 1)
		answer("room@res.test", "declined", false, 1)
		answer("room@res.test", "accepted", true, 0)
		answer("room@res.test", "declined", true, 1)
	})
}
