package store_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"rmp/internal/availability"
	"rmp/internal/booking"
	"rmp/internal/reconcile"
	"rmp/internal/store"
)

// dates makes a change of several dates, each an hour long.
func dates(id string, quantity, units int, starts ...time.Time) booking.Change {
	c := change(id, starts[0], time.Hour, "room")
	c.Booking.Recurrence = &booking.Recurrence{RRule: "FREQ=DAILY"}
	c.Booking.Resources[0].Quantity, c.Booking.Resources[0].Units = quantity, units
	c.Dates = nil
	for _, s := range starts {
		c.Dates = append(c.Dates, booking.Occurrence{Original: s, Start: s, End: s.Add(time.Hour)})
	}
	return c
}

func hours(list ...float64) (out []time.Time) {
	for _, h := range list {
		out = append(out, noon.Add(time.Duration(h*float64(time.Hour))))
	}
	return out
}

func TestSeriesAreAllOrNothing(t *testing.T) {
	engines(t, func(t *testing.T, db *store.DB) {
		world(t, db)
		s := db.For("a")
		if err := s.Save(t.Context(), change("one", noon.Add(48*time.Hour), time.Hour, "room")); err != nil {
			t.Fatal(err)
		}
		if err := s.Save(t.Context(), dates("series", 1, 1, hours(0, 24, 48.5)...)); !errors.Is(err, booking.ErrOverlap) {
			t.Fatalf("the third date is taken: %v", err)
		}
		if err := s.Save(t.Context(), dates("series", 1, 1, hours(0, 24, 49)...)); err != nil {
			t.Fatal(err)
		}
		taken, err := s.Occupied(t.Context(), []string{"room@res.test"}, noon, noon.AddDate(0, 0, 7), noon)
		if err != nil || len(taken) != 4 {
			t.Fatalf("%+v, %v", taken, err)
		}
		// Two bookings change places in one transaction.
		a, b := change("one", noon.Add(49*time.Hour), time.Hour, "room"), dates("series", 1, 1, hours(0, 24, 48)...)
		a.Expect, b.Expect = 1, 1
		if err := s.Save(t.Context(), a, b); err != nil {
			t.Fatalf("change places: %v", err)
		}
		// A date that has passed keeps its place when the others move.
		late := dates("series", 1, 1, hours(30, 54)...)
		late.Expect, late.Now = 2, noon.Add(2*time.Hour)
		if err := s.Save(t.Context(), late); err != nil {
			t.Fatal(err)
		}
		taken, err = s.Occupied(t.Context(), []string{"room@res.test"}, noon, noon.AddDate(0, 0, 7), noon)
		if err != nil || len(taken) != 4 || !taken[0].Start.Equal(noon) {
			t.Fatalf("%+v, %v", taken, err)
		}
		got, err := s.Booking(t.Context(), "series")
		if err != nil || got.Recurrence == nil || got.Version != 3 {
			t.Fatalf("%+v, %v", got, err)
		}
		list, err := s.Bookings(t.Context(), booking.Filter{From: noon.Add(29 * time.Hour), Till: noon.Add(60 * time.Hour), ByDate: true})
		if err != nil || len(list) != 3 || list[0].Occurrence == nil || !list[0].Occurrence.Start.Equal(noon.Add(30*time.Hour)) {
			t.Fatalf("%d, %v", len(list), err)
		}
	})
}

// TestBuffersBlock: set-up and tear-down are inside the rule.
func TestBuffersBlock(t *testing.T) {
	engines(t, func(t *testing.T, db *store.DB) {
		world(t, db)
		s := db.For("a")
		with := func(id string, start time.Time) booking.Change {
			c := change(id, start, time.Hour, "room")
			c.Booking.Resources[0].Setup, c.Booking.Resources[0].Teardown = 10*time.Minute, 20*time.Minute
			return c
		}
		if err := s.Save(t.Context(), with("1", noon)); err != nil {
			t.Fatal(err)
		}
		if err := s.Save(t.Context(), with("2", noon.Add(89*time.Minute))); !errors.Is(err, booking.ErrOverlap) {
			t.Errorf("29 minutes after, of 30 that are needed: %v", err)
		}
		if err := s.Save(t.Context(), with("2", noon.Add(90*time.Minute))); err != nil {
			t.Errorf("30 minutes after: %v", err)
		}
		taken, err := s.Occupied(t.Context(), []string{"room@res.test"}, noon, noon.Add(time.Hour), noon)
		if err != nil || len(taken) != 1 || !taken[0].Start.Equal(noon) || !taken[0].From.Equal(noon.Add(-10*time.Minute)) || !taken[0].Till.Equal(noon.Add(80*time.Minute)) {
			t.Errorf("%+v, %v", taken, err)
		}
	})
}

// setUnits gives the room so many units.
func setUnits(t *testing.T, s *store.Tenant, n int) {
	t.Helper()
	r, err := s.Resource(t.Context(), "room@res.test")
	if err == nil {
		r.Units = n
		err = s.SaveResource(t.Context(), &r)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestUnitsAgainstCounting books, changes and cancels at random on a resource
// with several units, which become more and fewer, and compares each answer
// with counting minute by minute.
func TestUnitsAgainstCounting(t *testing.T) {
	engines(t, func(t *testing.T, db *store.DB) {
		world(t, db)
		s := db.For("a")
		const slots = 40
		units := 3
		setUnits(t, s, units)
		rnd := rand.New(rand.NewPCG(1, 2))
		type live struct{ start, length, quantity int }
		model := map[string]live{}
		versions := map[string]int64{}
		fits := func(without string, x live) bool {
			for i := x.start; i < x.start+x.length; i++ {
				n := x.quantity
				for id, o := range model {
					if id != without && i >= o.start && i < o.start+o.length {
						n += o.quantity
					}
				}
				if n > units {
					return false
				}
			}
			return true
		}
		for i := range 400 {
			x := live{rnd.IntN(slots), 1 + rnd.IntN(6), 1 + rnd.IntN(2)}
			id, expect := fmt.Sprint("b", i), int64(0)
			keys := slices.Sorted(func(yield func(string) bool) {
				for k := range model {
					if !yield(k) {
						return
					}
				}
			})
			if len(keys) > 0 && rnd.IntN(2) == 0 {
				id = keys[rnd.IntN(len(keys))]
				expect = versions[id]
			}
			c := change(id, noon.Add(time.Duration(x.start)*time.Minute), time.Duration(x.length)*time.Minute, "room")
			c.Booking.Resources[0].Quantity, c.Expect = x.quantity, expect
			if rnd.IntN(20) == 0 { // more than there are may be taken by then
				units = 1 + rnd.IntN(4)
				setUnits(t, s, units)
			}
			if expect > 0 && rnd.IntN(3) == 0 {
				c.Booking.Status = booking.Cancelled
				if err := s.Save(t.Context(), c); err != nil {
					t.Fatal(err)
				}
				delete(model, id)
				continue
			}
			err := s.Save(t.Context(), c)
			if want := fits(id, x); (err == nil) != want || err != nil && !errors.Is(err, booking.ErrOverlap) {
				t.Fatalf("step %d: %+v: %v, but counting says %t", i, x, err, want)
			}
			if err == nil {
				model[id], versions[id] = x, expect+1
			}
		}
	})
}

// TestUnitsUnderLoad: many at once take no more units than there are, and all
// of them.
func TestUnitsUnderLoad(t *testing.T) {
	engines(t, func(t *testing.T, db *store.DB) {
		world(t, db)
		setUnits(t, db.For("a"), 7)
		var wg sync.WaitGroup
		errs := make([]error, 40)
		for i := range errs {
			wg.Go(func() {
				c := change(fmt.Sprint("b", i), noon, time.Hour, "room")
				errs[i] = db.For("a").Save(context.WithoutCancel(t.Context()), c)
			})
		}
		wg.Wait()
		won := 0
		for _, err := range errs {
			if err == nil {
				won++
			} else if !errors.Is(err, booking.ErrOverlap) {
				t.Error(err)
			}
		}
		if won != 7 {
			t.Errorf("%d of 7 units were given", won)
		}
	})
}

func TestHolds(t *testing.T) {
	engines(t, func(t *testing.T, db *store.DB) {
		world(t, db)
		s := db.For("a")
		hold := change("hold", noon, time.Hour, "room")
		hold.Booking.Status, hold.Booking.HoldUntil, hold.Writes, hold.History = booking.Held, noon, nil, booking.HistoryEntry{}
		hold.Now = noon.Add(-time.Minute)
		if err := s.Save(t.Context(), hold); err != nil {
			t.Fatal(err)
		}
		other := change("other", noon, time.Hour, "room")
		other.Booking.Organizer.Email, other.Now = "ben@a.test", noon.Add(-time.Second)
		if err := s.Save(t.Context(), other); !errors.Is(err, booking.ErrOverlap) {
			t.Fatalf("while it is held: %v", err)
		}
		other.Hold = "hold"
		if err := s.Save(t.Context(), other); !errors.Is(err, booking.ErrNoHold) {
			t.Fatalf("with another's hold: %v", err)
		}
		if list, err := s.Bookings(t.Context(), booking.Filter{}); err != nil || len(list) != 0 {
			t.Fatalf("a hold is listed: %v, %v", list, err)
		}
		mine := change("mine", noon, time.Hour, "room")
		mine.Hold, mine.Now = "hold", noon.Add(-time.Second)
		if err := s.Save(t.Context(), mine); err != nil {
			t.Fatalf("with the hold: %v", err)
		}
		if _, err := s.Booking(t.Context(), "hold"); !errors.Is(err, booking.ErrNotFound) {
			t.Fatalf("the hold is still there: %v", err)
		}
		// One that has run out is not in the way, and cannot be booked.
		hold = change("late", noon.Add(2*time.Hour), time.Hour, "room")
		hold.Booking.Status, hold.Booking.HoldUntil, hold.Writes = booking.Held, noon, nil
		hold.Now = noon.Add(-time.Minute)
		if err := s.Save(t.Context(), hold); err != nil {
			t.Fatal(err)
		}
		taken, err := s.Occupied(t.Context(), []string{"room@res.test"}, noon.Add(2*time.Hour), noon.Add(3*time.Hour), noon)
		if err != nil || len(taken) != 0 {
			t.Fatalf("%+v, %v", taken, err)
		}
		late := change("after", noon.Add(2*time.Hour), time.Hour, "room")
		late.Hold, late.Now = "late", noon.Add(time.Second)
		if err := s.Save(t.Context(), late); !errors.Is(err, booking.ErrNoHold) {
			t.Fatalf("a hold that has run out: %v", err)
		}
		late.Hold = ""
		if err := s.Save(t.Context(), late); err != nil {
			t.Fatalf("after it has run out: %v", err)
		}
		if n, err := db.PurgeHolds(t.Context(), noon.Add(time.Minute)); err != nil || n != 1 {
			t.Fatalf("purged %d, %v", n, err)
		}
	})
}

func TestQuotas(t *testing.T) {
	engines(t, func(t *testing.T, db *store.DB) {
		world(t, db)
		s := db.For("a")
		quota := booking.QuotaCheck{Person: "anna@a.test", Resources: []string{"room"}, From: noon.Add(-12 * time.Hour), Till: noon.Add(12 * time.Hour), MaxBookings: 2, MaxLength: 90 * time.Minute}
		book := func(id string, at int, length time.Duration) error {
			c := change(id, noon.Add(time.Duration(at)*time.Hour), length, "room")
			c.Quotas = []booking.QuotaCheck{quota}
			return s.Save(context.WithoutCancel(t.Context()), c)
		}
		var refused *booking.QuotaError
		if err := book("1", 0, time.Hour); err != nil {
			t.Fatal(err)
		}
		if err := book("2", 1, time.Hour); !errors.As(err, &refused) {
			t.Fatalf("two hours of one and a half: %v", err)
		}
		// Of many at once no more pass than may.
		var wg sync.WaitGroup
		errs := make([]error, 10)
		for i := range errs {
			wg.Go(func() { errs[i] = book(fmt.Sprint("n", i), 1, time.Duration(1+i)*time.Minute) })
		}
		wg.Wait()
		n := 0
		for _, err := range errs {
			if err == nil {
				n++
			}
		}
		if n != 1 {
			t.Errorf("%d bookings more than one were made", n)
		}
		if n, length, err := s.Used(t.Context(), quota, "1"); err != nil || n != 1 || length > 30*time.Minute {
			t.Errorf("%d, %s, %v", n, length, err)
		}
	})
}

func TestAsOf(t *testing.T) {
	engines(t, func(t *testing.T, db *store.DB) {
		world(t, db)
		s := db.For("a")
		save := func(c booking.Change, at time.Duration, after string) {
			t.Helper()
			c.History.At, c.History.After = noon.Add(at), after
			if err := s.Save(t.Context(), c); err != nil {
				t.Fatal(err)
			}
		}
		save(change("1", noon, time.Hour, "room"), 0, `{"ID":"1","Title":"first"}`)
		moved := change("1", noon.Add(24*time.Hour), time.Hour, "room")
		moved.Expect = 1
		save(moved, time.Minute, `{"ID":"1","Title":"moved"}`)
		for _, c := range []struct {
			at, from time.Duration
			want     string
		}{{-time.Second, 0, ""}, {0, 0, "first"}, {30 * time.Second, 0, "first"}, {time.Minute, 0, ""}, {time.Minute, 24 * time.Hour, "moved"}} {
			list, err := s.AsOf(t.Context(), noon.Add(c.at), noon.Add(c.from), noon.Add(c.from+time.Hour))
			got := ""
			if len(list) > 0 {
				got = list[0].Title
			}
			if err != nil || got != c.want || len(list) > 1 {
				t.Errorf("as of %s: %q, %v, want %q", c.at, got, err, c.want)
			}
		}
	})
}

func TestAnswerAfterACrash(t *testing.T) {
	engines(t, func(t *testing.T, db *store.DB) {
		world(t, db)
		s := db.For("a")
		begin := func(now time.Time) (*store.Answer, error) {
			return s.BeginIdempotent(t.Context(), "anna@a.test", "key", "h", now, now.Add(-time.Minute))
		}
		if a, err := begin(noon); a != nil || err != nil {
			t.Fatal(a, err)
		}
		if _, err := begin(noon.Add(time.Second)); !errors.Is(err, store.ErrKeyBusy) {
			t.Errorf("while it may be at work: %v", err)
		}
		c := change("made", noon, time.Hour, "room")
		c.RequestKey = "key"
		if err := s.Save(t.Context(), c); err != nil {
			t.Fatal(err)
		}
		if a, err := begin(noon.Add(time.Second)); err != nil || a == nil || a.Subject != "made" {
			t.Errorf("what is stored is known at once: %+v, %v", a, err)
		}
		a, err := begin(noon.Add(2 * time.Minute))
		if err != nil || a == nil || a.Status != 0 || a.Subject != "made" {
			t.Errorf("after a crash: %+v, %v", a, err)
		}
		if err := s.ReleaseIdempotent(t.Context(), "anna@a.test", "key"); err != nil {
			t.Fatal(err)
		}
		if a, err := begin(noon.Add(2 * time.Minute)); err != nil || a == nil || a.Subject != "made" {
			t.Errorf("a key that has made something is forgotten: %+v, %v", a, err)
		}
	})
}

// TestCancelledRequestsLeaveNothing: a client that goes away at any instant
// leaves no transaction behind, in which all later ones would be.
func TestCancelledRequestsLeaveNothing(t *testing.T) {
	engines(t, func(t *testing.T, db *store.DB) {
		world(t, db)
		rnd := rand.New(rand.NewPCG(1, 2))
		for i := range 1200 {
			ctx, cancel := context.WithCancel(t.Context())
			timer := time.AfterFunc(time.Duration(rnd.IntN(400))*time.Microsecond, cancel)
			_ = db.For("a").Save(ctx, change(fmt.Sprint("x", i), noon.Add(time.Duration(i)*time.Hour), time.Hour, "room"))
			timer.Stop()
			cancel()
			if err := db.For("a").Save(t.Context(), change(fmt.Sprint("y", i), noon.AddDate(5, 0, 0).Add(time.Duration(i)*time.Hour), time.Hour, "room")); err != nil {
				t.Fatalf("after %d: %v", i, err)
			}
		}
	})
}

// TestRewantedWritesKeepTheirLease: who is writing an event is not joined by
// another because the reconciler wants it again.
func TestRewantedWritesKeepTheirLease(t *testing.T) {
	engines(t, func(t *testing.T, db *store.DB) {
		world(t, db)
		c := change("1", noon, time.Hour, "room")
		c.Writes = []booking.Sync{{Calendar: "room@res.test", Kind: booking.ResourceCalendar}}
		c.Owner, c.LeaseUntil, c.Now = "me", noon.Add(15*time.Second), noon
		if err := db.For("a").Save(t.Context(), c); err != nil {
			t.Fatal(err)
		}
		if err := db.Rewant(t.Context(), "a", "1", "room@res.test", noon.Add(time.Second)); err != nil {
			t.Fatal(err)
		}
		if jobs, err := db.Lease(t.Context(), "other", noon.Add(2*time.Second), noon.Add(17*time.Second), 10); err != nil || len(jobs) > 0 {
			t.Errorf("%d jobs while it is leased, %v", len(jobs), err)
		}
		if jobs, err := db.Lease(t.Context(), "other", noon.Add(16*time.Second), noon.Add(17*time.Second), 10); err != nil || len(jobs) != 1 {
			t.Errorf("%d jobs after the lease, %v", len(jobs), err)
		}
	})
}

// TestConflictsOfThePastAreOver: a series is confirmed again when the one
// date that something overlapped has passed.
func TestConflictsOfThePastAreOver(t *testing.T) {
	engines(t, func(t *testing.T, db *store.DB) {
		world(t, db)
		if err := db.For("a").Save(t.Context(), dates("1", 1, 1, hours(0, 24*7)...)); err != nil {
			t.Fatal(err)
		}
		r, err := db.For("a").Resource(t.Context(), "room@res.test")
		if err != nil {
			t.Fatal(err)
		}
		check := reconcile.Check{Tenant: "a", Resource: r}
		clash := reconcile.Clash{Date: booking.Occupied{BookingID: "1", Original: noon, Start: noon, End: noon.Add(time.Hour)}, Event: availability.Event{UID: "f", Start: noon, End: noon.Add(time.Hour)}}
		status := func(at time.Time, want booking.Status, found ...reconcile.Clash) {
			t.Helper()
			if _, err := db.Raise(t.Context(), check, at.Add(-24*time.Hour), at.AddDate(0, 0, 60), at, found); err != nil {
				t.Fatal(err)
			}
			if b, err := db.For("a").Booking(t.Context(), "1"); err != nil || b.Status != want {
				t.Errorf("%s, %v", b.Status, err)
			}
		}
		status(noon, booking.InConflict, clash)
		status(noon.AddDate(0, 0, 3), booking.Confirmed)
	})
}

// TestStateForTheMetrics: what is due for comparison, and the connections.
func TestStateForTheMetrics(t *testing.T) {
	engines(t, func(t *testing.T, db *store.DB) {
		world(t, db)
		due := func(at time.Time, want int, since time.Time) {
			t.Helper()
			if n, got, err := db.ChecksDue(t.Context(), at); err != nil || n != want || !got.Equal(since) {
				t.Errorf("%d since %v, %v; want %d since %v", n, got, err, want, since)
			}
		}
		checks, err := db.LeaseChecks(t.Context(), "me", noon, noon.Add(time.Minute), 10)
		if err != nil || len(checks) != 4 {
			t.Fatal(len(checks), err)
		}
		due(noon, 4, time.Time{}) // never compared
		for i, c := range checks {
			if err := db.Checked(t.Context(), c, noon, noon.Add(time.Duration(i+1)*time.Minute), ""); err != nil {
				t.Fatal(err)
			}
		}
		due(noon, 0, time.Time{})
		due(noon.Add(3*time.Minute), 3, noon.Add(time.Minute))
		first := checks[0].Resource
		first.Active = false // is compared no more
		if err := db.For(checks[0].Tenant).SaveResource(t.Context(), &first); err != nil {
			t.Fatal(err)
		}
		due(noon.Add(3*time.Minute), 2, noon.Add(2*time.Minute))

		open, most := 0, 0
		for _, p := range db.Pools() {
			open += p.Idle + p.InUse
			most += p.MaxOpenConnections
			if p.Waiting != 0 || p.InUse != 0 {
				t.Errorf("%+v", p)
			}
		}
		if open == 0 || most < 9 {
			t.Errorf("%d of %d connections", open, most)
		}
	})
}
