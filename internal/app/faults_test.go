package app

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rmp/internal/booking"
	"rmp/internal/fault"
)

// TestWhenCommuniGateFails: whatever is wrong with the server, a booking ends
// in bounded time with an answer that is true, and when the server is well
// again everything is made up for, without a restart.
func TestWhenCommuniGateFails(t *testing.T) {
	for _, c := range []struct {
		name  string
		fault string // of the stand-in; for reads and writes alike
		code  fault.Code
	}{
		{"refuses to read", "ximss:findEvents:refuse", fault.Unknown},
		{"is too slow to read", "ximss:findEvents:latency:delay=20s", fault.Unknown},
		{"answers garbage", "ximss:findEvents:garbage", fault.Unknown},
		{"drops the connection", "ximss:findEvents:drop:after=10", fault.Unknown},
		{"has no session left", "ximss:login:limit", fault.Unknown},
		{"forgets sessions", "ximss:findEvents:expire", fault.Unknown},
		{"refuses to write", "ximss:calendarPublish:refuse", ""},
		{"is too slow to write", "ximss:calendarPublish:latency:delay=20s", ""},
		{"drops the connection after it has written", "ximss:calendarPublish:drop:after=1", ""},
		{"answers garbage to a write", "ximss:calendarPublish:garbage", ""},
		{"forgets sessions at a write", "ximss:calendarPublish:expire", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, filepath.Join(t.TempDir(), "rmp.db"))
			r.fail(c.fault)
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			began := time.Now()
			q := ask(0, 9, ben)
			q.TimeZone = "Europe/Berlin"
			b, err := r.service.Create(ctx, r.anna, q)
			if took := time.Since(began); took > 15*time.Second {
				t.Errorf("took %s", took)
			}
			if fault.CodeOf(err) != c.code && (err != nil || c.code != "") {
				t.Fatalf("%v, want %q", err, c.code)
			}
			if err == nil {
				for _, s := range b.Sync {
					if s.State == booking.Failed {
						t.Errorf("given up at once: %+v", s)
					}
				}
			}
			r.heal()
			if err != nil {
				if b, err = r.service.Create(ctx, r.anna, q); err != nil {
					t.Fatalf("when it is well again: %v", err)
				}
			}
			r.converge(b.ID)
			for _, account := range []string{room, anna, ben} {
				same(t, account, r.shown(account, 0, 1), "0:09 Meeting")
			}
		})
	}
}

// converge lets the background work, with the clock running fast, until every
// calendar has the booking.
func (r *rig) converge(id string) {
	r.t.Helper()
	for try := 0; ; try++ {
		b, err := r.service.Get(r.t.Context(), r.anna, id)
		if err != nil {
			r.t.Fatal(err)
		}
		pending := 0
		for _, s := range b.Sync {
			if s.State != booking.Synced {
				pending++
			}
		}
		if pending == 0 {
			return
		}
		if try == 50 {
			r.t.Fatalf("not in every calendar: %+v", b.Sync)
		}
		r.clock += time.Minute
		if _, err := r.worker.Step(r.t.Context()); err != nil {
			r.t.Fatal(err)
		}
	}
}

// TestDeadLetters: what the server refuses again and again is given up, a
// person sees it and has it tried again.
func TestDeadLetters(t *testing.T) {
	r := newRig(t, filepath.Join(t.TempDir(), "rmp.db"))
	r.fail("ximss:calendarPublish:refuse")
	b := r.book(ask(0, 9))
	for range 12 {
		r.clock += 10 * time.Minute
		if _, err := r.worker.Step(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	u := upkeep{r.db.For("a"), func() {}}
	list, err := u.Failed(t.Context(), 10)
	if err != nil || len(list) != 3 || list[0].Booking.ID != b.ID || !strings.Contains(list[0].Sync.LastError, "refused on purpose") {
		t.Fatalf("%+v, %v", list, err)
	}
	r.heal()
	if n, err := u.Retry(t.Context(), b.ID, r.now()); err != nil || n != 3 {
		t.Fatalf("%d, %v", n, err)
	}
	r.converge(b.ID)
	if list, err := u.Failed(t.Context(), 10); err != nil || len(list) != 0 {
		t.Errorf("%+v, %v", list, err)
	}
}

// TestDropDeadLetters: writes that were given up are dropped for good, the
// history of their booking says who did and of which calendars, and the next
// change of the booking is written everywhere.
func TestDropDeadLetters(t *testing.T) {
	for engine, target := range engineTargets(t) {
		t.Run(engine, func(t *testing.T) {
			r := newRig(t, target)
			r.fail("ximss:calendarPublish:refuse")
			b, other := r.book(ask(0, 9)), r.book(ask(0, 11))
			for range 12 {
				r.clock += 10 * time.Minute
				if _, err := r.worker.Step(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			r.heal()
			if n, err := r.db.For("a").DropDeadLetters(t.Context(), b.ID, "somebody", r.now()); err != nil || n != 3 {
				t.Fatalf("%d, %v", n, err)
			}
			if n, err := r.db.For("a").DropDeadLetters(t.Context(), b.ID, "somebody", r.now()); err != nil || n != 0 {
				t.Errorf("the second time: %d, %v", n, err)
			}
			h, err := r.db.For("a").History(t.Context(), b.ID)
			if err != nil || len(h) != 2 || h[1].Action != "write-dropped" || h[1].Actor != "somebody" || strings.Count(h[1].Reason, ",") != 2 || !strings.Contains(h[1].Reason, room) {
				t.Errorf("%+v, %v", h, err)
			}
			if h, err := r.db.For("a").History(t.Context(), other.ID); err != nil || len(h) != 1 {
				t.Errorf("another booking: %+v, %v", h, err)
			}
			if list, err := r.db.For("a").DeadLetters(t.Context(), 10); err != nil || len(list) != 3 || list[0].Booking.ID != other.ID {
				t.Errorf("%+v, %v", list, err)
			}
			q := ask(0, 9)
			q.Title, q.TimeZone = "Anew", "Europe/Berlin"
			if b, err = r.service.Change(t.Context(), r.anna, b.ID, b.Version, booking.Scope{}, q); err != nil {
				t.Fatal(err)
			}
			r.converge(b.ID)
			if shown := r.shown(room, 0, 1); len(shown) != 1 || shown[0] != "0:09 Anew" {
				t.Error(shown)
			}
		})
	}
}

// TestOneOfManyGetsTheSlot: of many who want one slot at the same time exactly one
// gets it, every time.
func TestOneOfManyGetsTheSlot(t *testing.T) {
	r := newRig(t, filepath.Join(t.TempDir(), "rmp.db"))
	rounds := 30
	for _, writers := range []int{2, 8, 32} {
		for round := range rounds {
			q := ask(0, 0)
			q.TimeZone = "Europe/Berlin"
			q.Start = at(0, 0).Add(time.Duration(writers*rounds+round) * 15 * time.Minute)
			q.End = q.Start.Add(15 * time.Minute)
			errs := make(chan error, writers)
			for i := range writers {
				go func() {
					q := q
					q.Title = fmt.Sprint("writer ", i)
					_, err := r.service.Create(context.WithoutCancel(t.Context()), r.anna, q)
					errs <- err
				}()
			}
			won := 0
			for range writers {
				var conflict *booking.ConflictError
				switch err := <-errs; {
				case err == nil:
					won++
				case !errors.As(err, &conflict) || len(conflict.Clashes) == 0:
					t.Errorf("a loser got %v", err)
				}
			}
			if won != 1 {
				t.Fatalf("%d of %d got one slot", won, writers)
			}
		}
	}
}

// BenchmarkCreate is a booking without HTTP.
func BenchmarkCreate(b *testing.B) {
	r := newRig(b, filepath.Join(b.TempDir(), "rmp.db"))
	r.worker.Wait = 0
	n := 0
	for b.Loop() {
		q := ask(0, 0)
		q.TimeZone = "Europe/Berlin"
		q.Start = at(0, 0).Add(time.Duration(n) * 15 * time.Minute)
		q.End = q.Start.Add(15 * time.Minute)
		n++
		if _, err := r.service.Create(b.Context(), r.anna, q); err != nil {
			b.Fatal(err)
		}
	}
}
