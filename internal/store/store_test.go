package store_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"rmp/internal/booking"
	"rmp/internal/directory"
	"rmp/internal/outbox"
	"rmp/internal/secret"
	"rmp/internal/store"
	"rmp/internal/store/pgtest"
	"rmp/internal/tenant"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// engines runs a test on both databases.
func engines(t *testing.T, test func(t *testing.T, db *store.DB)) {
	t.Helper()
	sealer, err := secret.NewSealer(make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	open := func(t *testing.T, url string) *store.DB {
		db, err := store.Open(t.Context(), url, store.Options{Sealer: sealer, Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := db.Close(); err != nil {
				t.Error(err)
			}
		})
		return db
	}
	t.Run("sqlite", func(t *testing.T) { test(t, open(t, filepath.Join(t.TempDir(), "rmp.db"))) })
	t.Run("postgres", func(t *testing.T) { test(t, open(t, pgtest.URL(t))) })
}

var noon = time.Date(2027, 3, 1, 12, 0, 0, 0, time.UTC)

// world makes two tenants with a room and a projector each.
func world(t *testing.T, db *store.DB) {
	t.Helper()
	for _, id := range []tenant.ID{"a", "b"} {
		tn := tenant.Tenant{ID: id, Domain: string(id) + ".test", TimeZone: "UTC", Mode: "direct", Active: true, ServicePassword: secret.Text("service " + string(id))}
		if err := db.SaveTenant(t.Context(), &tn); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"room", "projector"} {
			// The same addresses in both tenants, so that a leak would show.
			r := directory.Resource{ID: name, Email: name + "@res.test", Type: "conference-room", Name: name, Capacity: 4, TimeZone: "UTC", Active: true}
			if err := db.For(id).SaveResource(t.Context(), &r); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func change(id string, start time.Time, length time.Duration, resources ...string) booking.Change {
	b := booking.Booking{ID: id, UID: "uid-" + id, Title: "Meeting " + id, Start: start, End: start.Add(length), TimeZone: "UTC",
		Status: booking.Confirmed, Organizer: booking.Person{Email: "anna@a.test", Name: "Anna"}, Mode: booking.Direct,
		CreatedAt: noon, UpdatedAt: noon, Attendees: []booking.Attendee{{Person: booking.Person{Email: "ben@a.test"}, Role: "required", PartStat: "needs-action"}}}
	for _, r := range resources {
		b.Resources = append(b.Resources, booking.BookedResource{ID: r, Email: r + "@res.test"})
	}
	b.LastEnd = b.End
	return booking.Change{Booking: b, Now: noon.Add(-24 * time.Hour), Dates: []booking.Occurrence{{Original: b.Start, Start: b.Start, End: b.End}}, Owner: "me", LeaseUntil: noon.Add(10 * time.Second),
		Writes:  []booking.Sync{{Calendar: "all_events@a.test", Kind: booking.CentralCalendar}},
		History: booking.HistoryEntry{At: noon, Actor: "anna@a.test", Action: "created"}}
}

func TestOneOfManyWinsASlot(t *testing.T) {
	engines(t, func(t *testing.T, db *store.DB) {
		world(t, db)
		const writers = 64
		var wg sync.WaitGroup
		errs := make([]error, writers)
		for i := range writers {
			wg.Go(func() {
				// Overlapping in different ways, in either order of the resources.
				resources := []string{"room", "projector"}
				if i%2 == 1 {
					resources = []string{"projector", "room"}
				}
				errs[i] = db.For("a").Save(context.WithoutCancel(t.Context()), change(fmt.Sprint("b", i), noon.Add(time.Duration(i%30)*time.Minute), time.Hour, resources...))
			})
		}
		wg.Wait()
		won := 0
		for _, err := range errs {
			switch {
			case err == nil:
				won++
			case !errors.Is(err, booking.ErrOverlap):
				t.Errorf("a loser got %v", err)
			}
		}
		if won != 1 {
			t.Errorf("%d writers got the slot", won)
		}
		list, err := db.For("a").Bookings(t.Context(), booking.Filter{})
		if err != nil || len(list) != 1 {
			t.Fatalf("stored: %d bookings, %v", len(list), err)
		}
	})
}

func TestOverlapRules(t *testing.T) {
	engines(t, func(t *testing.T, db *store.DB) {
		world(t, db)
		s := db.For("a")
		insert := func(c booking.Change, want error) {
			t.Helper()
			if err := s.Save(t.Context(), c); !errors.Is(err, want) {
				t.Fatalf("insert %s: %v, want %v", c.Booking.ID, err, want)
			}
		}
		insert(change("1", noon, time.Hour, "room"), nil)
		insert(change("2", noon.Add(time.Hour), time.Hour, "room"), nil) // they touch
		insert(change("3", noon.Add(-time.Hour), time.Hour, "room"), nil)
		insert(change("same", noon, time.Hour, "room"), booking.ErrOverlap)
		insert(change("around", noon.Add(-30*time.Minute), 4*time.Hour, "room"), booking.ErrOverlap)
		insert(change("inside", noon.Add(10*time.Minute), time.Minute, "room"), booking.ErrOverlap)
		// All or nothing: the projector must stay free.
		insert(change("both", noon, time.Hour, "projector", "room"), booking.ErrOverlap)
		insert(change("projector", noon, time.Hour, "projector"), nil)
		if err := db.For("b").Save(t.Context(), change("1", noon, time.Hour, "room")); err != nil {
			t.Fatalf("another tenant's room of the same name: %v", err)
		}
		// A move into a taken slot leaves the booking as it was.
		move := change("2", noon, time.Hour, "room")
		move.Expect = 1
		if err := s.Save(t.Context(), move); !errors.Is(err, booking.ErrOverlap) {
			t.Fatalf("move: %v", err)
		}
		b, err := s.Booking(t.Context(), "2")
		if err != nil || !b.Start.Equal(noon.Add(time.Hour)) || b.Version != 1 {
			t.Fatalf("after the refused move: %+v, %v", b, err)
		}
		insert(change("still", noon.Add(time.Hour), time.Hour, "room"), booking.ErrOverlap)
		// A move over its own old time is no overlap.
		move = change("2", noon.Add(90*time.Minute), time.Hour, "room")
		move.Expect = 1
		if err := s.Save(t.Context(), move); err != nil {
			t.Fatalf("move by half: %v", err)
		}
		if err := s.Save(t.Context(), move); !errors.Is(err, booking.ErrStale) {
			t.Fatalf("on an old version: %v", err)
		}
		cancelled := change("2", noon.Add(90*time.Minute), time.Hour, "room")
		cancelled.Expect, cancelled.Booking.Status = 2, booking.Cancelled
		if err := s.Save(t.Context(), cancelled); err != nil {
			t.Fatal(err)
		}
		insert(change("after", noon.Add(90*time.Minute), time.Hour, "room"), nil)
		missing := change("nobody", noon, time.Hour, "room")
		missing.Expect = 1
		if err := s.Save(t.Context(), missing); !errors.Is(err, booking.ErrNotFound) {
			t.Fatalf("of nothing: %v", err)
		}
	})
}

func TestTenantsAreWalls(t *testing.T) {
	engines(t, func(t *testing.T, db *store.DB) {
		world(t, db)
		if err := db.For("a").Save(t.Context(), change("secret", noon, time.Hour, "room")); err != nil {
			t.Fatal(err)
		}
		b := db.For("b")
		if _, err := b.Booking(t.Context(), "secret"); !errors.Is(err, booking.ErrNotFound) {
			t.Errorf("Booking: %v", err)
		}
		if list, err := b.Bookings(t.Context(), booking.Filter{Resource: "room@res.test"}); err != nil || len(list) != 0 {
			t.Errorf("Bookings: %v, %v", list, err)
		}
		if taken, err := b.Occupied(t.Context(), []string{"room@res.test"}, noon, noon.Add(time.Hour), noon); err != nil || len(taken) != 0 {
			t.Errorf("Occupied: %v, %v", taken, err)
		}
		if own, err := b.Own(t.Context(), []string{"uid-secret"}, []string{"room@res.test"}); err != nil || len(own) != 0 {
			t.Errorf("Own: %v, %v", own, err)
		}
		if h, err := b.History(t.Context(), "secret"); err != nil || len(h) != 0 {
			t.Errorf("History: %v, %v", h, err)
		}
		if taken, err := db.For("a").Occupied(t.Context(), []string{"room@res.test"}, noon, noon.Add(time.Minute), noon); err != nil || len(taken) != 1 {
			t.Errorf("the owner sees %v, %v", taken, err)
		}
	})
}

func TestOutboxLeases(t *testing.T) {
	engines(t, func(t *testing.T, db *store.DB) {
		world(t, db)
		if err := db.For("a").Save(t.Context(), change("1", noon, time.Hour, "room")); err != nil {
			t.Fatal(err)
		}
		lease := func(owner string, now time.Time) int {
			t.Helper()
			jobs, err := db.Lease(t.Context(), owner, now, now.Add(10*time.Second), 10)
			if err != nil {
				t.Fatal(err)
			}
			return len(jobs)
		}
		if n := lease("other", noon.Add(time.Second)); n != 0 {
			t.Fatalf("another took %d jobs that the writer holds", n)
		}
		mine, err := db.LeaseBooking(t.Context(), "a", "1", "me", noon.Add(time.Second), noon.Add(10*time.Second))
		if err != nil || len(mine) != 1 || mine[0].Booking.Title != "Meeting 1" || len(mine[0].Booking.Resources) != 1 {
			t.Fatalf("the writer leases %+v, %v", mine, err)
		}
		if n := lease("other", noon.Add(11*time.Second)); n != 1 {
			t.Fatalf("after the lease ran out another took %d jobs", n)
		}
		// The booking changes while the job is at work: done is not done.
		changed := change("1", noon, time.Hour, "room")
		changed.Expect, changed.Now = 1, noon.Add(12*time.Second)
		if err := db.For("a").Save(t.Context(), changed); err != nil {
			t.Fatal(err)
		}
		if held, err := db.LeaseBooking(t.Context(), "a", "1", "me", noon.Add(12*time.Second), noon.Add(20*time.Second)); err != nil || len(held) != 0 {
			t.Fatalf("two write one calendar at once: %v, %v", held, err)
		}
		if again, err := db.Note(t.Context(), "other", noon, outbox.Try{Job: mine[0]}); err != nil || again != 1 {
			t.Fatal(again, err)
		}
		b, err := db.For("a").Booking(t.Context(), "1")
		if err != nil || b.Sync[0].State != booking.Pending {
			t.Fatalf("state %+v, %v", b.Sync, err)
		}
		newer, err := db.LeaseBooking(t.Context(), "a", "1", "me", noon, noon.Add(time.Second))
		if err != nil || len(newer) != 1 {
			t.Fatalf("%v, %v", newer, err)
		}
		if _, err := db.Note(t.Context(), "me", noon, outbox.Try{Job: newer[0], Reason: "no way", Next: noon.Add(time.Minute)}); err != nil {
			t.Fatal(err)
		}
		if n := lease("other", noon.Add(30*time.Second)); n != 0 {
			t.Fatalf("%d jobs came before their time", n)
		}
		if pending, failed, _, err := db.Backlog(t.Context()); err != nil || pending != 1 || failed != 0 {
			t.Fatalf("backlog %d, %d, %v", pending, failed, err)
		}
		if newer, err = db.LeaseBooking(t.Context(), "a", "1", "me", noon.Add(time.Hour), noon.Add(2*time.Hour)); err != nil || len(newer) != 1 {
			t.Fatalf("%v, %v", newer, err)
		}
		if _, err := db.Note(t.Context(), "me", noon, outbox.Try{Job: newer[0], Reason: "given up"}); err != nil {
			t.Fatal(err)
		}
		b, err = db.For("a").Booking(t.Context(), "1")
		if err != nil || b.Sync[0].State != booking.Failed || b.Sync[0].Attempts != 2 || b.Sync[0].LastError != "given up" {
			t.Fatalf("state %+v, %v", b.Sync, err)
		}
	})
}

func TestIdempotencyKeys(t *testing.T) {
	engines(t, func(t *testing.T, db *store.DB) {
		world(t, db)
		s := db.For("a")
		begin := func(hash string, now time.Time) (*store.Answer, error) {
			return s.BeginIdempotent(t.Context(), "anna", "key", hash, now, now.Add(-time.Minute))
		}
		if a, err := begin("h", noon); a != nil || err != nil {
			t.Fatalf("first: %v, %v", a, err)
		}
		if _, err := begin("h", noon); !errors.Is(err, store.ErrKeyBusy) {
			t.Fatalf("while at work: %v", err)
		}
		if a, err := begin("h", noon.Add(2*time.Minute)); a != nil || err != nil {
			t.Fatalf("after a crash: %v, %v", a, err)
		}
		if err := s.FinishIdempotent(t.Context(), "anna", "key", store.Answer{Status: 201, Body: []byte("body")}); err != nil {
			t.Fatal(err)
		}
		if a, err := begin("h", noon.Add(3*time.Minute)); err != nil || a == nil || string(a.Body) != "body" {
			t.Fatalf("replay: %+v, %v", a, err)
		}
		if _, err := begin("other", noon.Add(3*time.Minute)); !errors.Is(err, store.ErrKeyReused) {
			t.Fatalf("another body: %v", err)
		}
	})
}
