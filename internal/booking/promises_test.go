package booking_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"rmp/internal/availability"
	"rmp/internal/booking"
	"rmp/internal/directory"
	"rmp/internal/events"
	"rmp/internal/fault"
	"rmp/internal/tenant"
)

// TestCopyOfAnEventTakesItsRoom: an event of ours that somebody puts into the
// calendar of another room is not ours there.
func TestCopyOfAnEventTakesItsRoom(t *testing.T) {
	h := newHouse(t)
	b := h.book(ask("A", monday, time.Hour, room))
	h.cal.events[big] = []availability.Event{{UID: b.UID, Start: monday, End: monday.Add(time.Hour), Status: "busy", Summary: "forwarded"}}
	h.cal.events[room] = []availability.Event{{UID: b.UID, Start: monday, End: monday.Add(time.Hour), Status: "busy", Summary: "A"}}
	if _, err := h.Create(t.Context(), h.anna, ask("B", monday, time.Hour, big)); err == nil {
		t.Error("booked a room although its calendar holds an event then")
	}
	h.cancel(b, booking.Scope{})
	if _, err := h.Create(t.Context(), h.anna, ask("B", monday, time.Hour, room)); err != nil {
		t.Errorf("the echo of a cancelled booking is in the way: %v", err)
	}
}

// TestDateMovedBeforeItsSeries: what is kept for display is forgotten where a
// single date of a series has gone, though that is weeks before the first.
func TestDateMovedBeforeItsSeries(t *testing.T) {
	h := newHouse(t)
	e := h.Availability.(*availability.Engine)
	first := monday.AddDate(0, 0, 21)
	b := h.book(weekly(ask("S", first, time.Hour, room), "FREQ=WEEKLY;COUNT=4"))
	see := func() int {
		a, err := e.Busy(t.Context(), "a", []string{room}, monday, monday.Add(time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		return len(a[0].Busy)
	}
	if see() != 0 {
		t.Fatal("not free to begin with")
	}
	h.change(b, this(first), ask("S", monday, time.Hour, room))
	if v, err := e.Check(t.Context(), h.anna, []string{room}, monday, monday.Add(time.Hour)); err != nil || v.Available || see() != 1 {
		t.Errorf("shown free though taken: %+v, %v; taken %q", v, err, h.taken(room))
	}
}

// TestSeriesChangedAfterAMovedDate: a date that was moved, and has been, is no
// obstacle to changing its series.
func TestSeriesChangedAfterAMovedDate(t *testing.T) {
	h := newHouse(t)
	b := h.book(weekly(ask("S", monday, time.Hour, room), "FREQ=WEEKLY;COUNT=4"))
	b = h.change(b, this(monday.AddDate(0, 0, 7)), ask("S", monday.AddDate(0, 0, 1), time.Hour, room))
	h.now = monday.AddDate(0, 0, 3)
	b = h.change(b, booking.Scope{}, ask("S", monday, 90*time.Minute, room))
	h.same("longer", h.taken(room), "03-01 12:00 S", "03-02 12:00 S", "03-15 12:00 S", "03-22 12:00 S") // the second has been
	h.change(b, booking.Scope{}, ask("S", monday.AddDate(0, 0, 7), time.Hour, room))
	h.same("a week on", h.taken(room), "03-01 12:00 S", "03-08 12:00 S", "03-15 12:00 S", "03-22 12:00 S", "03-29 12:00 S")
}

// together has everybody read before anybody commits.
type together struct {
	booking.Availability
	all *sync.WaitGroup
	n   *atomic.Int32
}

func (b together) Fresh(ctx context.Context, t tenant.ID, r []directory.Resource, p []string, from, till time.Time) ([]booking.Load, []string, error) {
	l, m, err := b.Availability.Fresh(ctx, t, r, p, from, till)
	if b.n.Add(-1) >= 0 { // not who begins again
		b.all.Done()
		b.all.Wait()
	}
	return l, m, err
}

// TestUnitsLowered: two who book at once do not get more units than there are
// by now, though there once were more and one of those is still taken.
func TestUnitsLowered(t *testing.T) {
	h := newHouse(t)
	x := h.book(ask("x", monday, time.Hour, beamer))
	y := h.book(ask("y", monday, time.Hour, beamer))
	h.book(ask("z", monday, time.Hour, beamer)) // the third unit
	h.cancel(x, booking.Scope{})
	h.cancel(y, booking.Scope{})
	for _, units := range []int{2, 1} {
		r, err := h.db.For("a").Resource(t.Context(), beamer)
		if err != nil {
			t.Fatal(err)
		}
		r.Units = units
		if err := h.db.For("a").SaveResource(t.Context(), &r); err != nil {
			t.Fatal(err)
		}
		availabilityWas := h.Availability
		var all, done sync.WaitGroup
		all.Add(2)
		var n atomic.Int32
		n.Store(2)
		h.Availability = together{availabilityWas, &all, &n}
		for range 2 {
			done.Go(func() { _, _ = h.Create(t.Context(), h.anna, ask("new", monday, time.Hour, beamer)) })
		}
		done.Wait()
		h.Availability = availabilityWas
		if n := len(h.taken(beamer)); n != 2 {
			t.Errorf("%d units: %d taken at once: %q", units, n, h.taken(beamer))
		}
	}
}

// TestUnitsLoweredMeanwhile: what was read before the units were lowered does
// not let more be taken than there are.
func TestUnitsLoweredMeanwhile(t *testing.T) {
	h := newHouse(t)
	h.book(ask("x", monday, time.Hour, beamer))
	var once sync.Once
	h.Availability = meanwhile{h.Availability, func() {
		once.Do(func() {
			r, err := h.db.For("a").Resource(t.Context(), beamer)
			if err != nil {
				t.Fatal(err)
			}
			r.Units = 1
			if err := h.db.For("a").SaveResource(t.Context(), &r); err != nil {
				t.Fatal(err)
			}
		})
	}}
	if _, err := h.Create(t.Context(), h.anna, ask("y", monday, time.Hour, beamer)); err == nil {
		t.Errorf("one unit, taken twice: %q", h.taken(beamer))
	}
}

// meanwhile does something between the reading and the commit.
type meanwhile struct {
	booking.Availability
	do func()
}

func (m meanwhile) Fresh(ctx context.Context, t tenant.ID, r []directory.Resource, p []string, from, till time.Time) ([]booking.Load, []string, error) {
	l, miss, err := m.Availability.Fresh(ctx, t, r, p, from, till)
	m.do()
	return l, miss, err
}

// TestPreviewOfASeriesOverItself: a series whose dates overlap one another is
// not called possible.
func TestPreviewOfASeriesOverItself(t *testing.T) {
	h := newHouse(t)
	q := weekly(ask("S", monday, 25*time.Hour, room), "FREQ=DAILY;COUNT=3")
	p, err := h.Preview(t.Context(), h.anna, q, "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.Create(t.Context(), h.anna, q); err == nil || p.Possible() {
		t.Errorf("preview: possible %t; create: %v", p.Possible(), err)
	}
}

// TestOtherProcessesForget: what another process keeps for display is
// forgotten where a booking was and where it is, and where a hold is.
func TestOtherProcessesForget(t *testing.T) {
	h := newHouse(t)
	other := availability.New(h.cal, func(id tenant.ID) booking.Store { return h.db.For(id) }, func(id tenant.ID) directory.Store { return h.db.For(id) },
		time.Second, func() time.Time { return h.now })
	place, err := h.db.LastEvent(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	busy := func(res string, at time.Time) bool {
		t.Helper()
		list, err := h.db.EventsAfter(t.Context(), place, 100)
		if err != nil {
			t.Fatal(err)
		}
		for _, ev := range list {
			place = ev.Place
			other.Changed(ev.Tenant, ev.Data.Accounts, ev.Data.From, ev.Data.Till)
		}
		a, err := other.Busy(t.Context(), "a", []string{res}, at, at.Add(time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		return len(a[0].Busy) > 0
	}
	expect := func(what, res string, at time.Time, want bool) {
		t.Helper()
		if got := busy(res, at); got != want {
			t.Errorf("%s: busy %t", what, got)
		}
	}
	second, third, fourth := monday.AddDate(0, 0, 7), monday.AddDate(0, 0, 14), monday.AddDate(0, 0, 20)
	expect("to begin with", room, monday, false)
	b := h.book(ask("A", monday, time.Hour, room))
	expect("booked", room, monday, true)
	expect("not booked", room, second, false)
	b = h.change(b, booking.Scope{}, ask("A", second, time.Hour, room))
	expect("moved a week on", room, monday, false)
	expect("moved here", room, second, true)
	h.cancel(b, booking.Scope{})
	expect("cancelled", room, second, false)
	c := h.book(ask("C", third, time.Hour, room))
	expect("booked", room, third, true)
	expect("not booked", big, third, false)
	h.change(c, booking.Scope{}, ask("C", third, time.Hour, big))
	expect("moved away", room, third, false)
	expect("moved to this room", big, third, true)
	expect("not held", big, fourth, false)
	hold, err := h.Hold(t.Context(), h.anna, ask("", fourth, time.Hour, big), 20*time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	expect("held", big, fourth, true)
	if err := h.Release(t.Context(), h.anna, hold.ID); err != nil {
		t.Fatal(err)
	}
	expect("given back", big, fourth, false)
	first := monday.AddDate(0, 0, 28)
	s := h.book(weekly(ask("S", first, time.Hour, room), "FREQ=WEEKLY;COUNT=4"))
	expect("a series", room, first, true)
	expect("before the series", room, monday, false)
	h.change(s, this(first), ask("S", monday, time.Hour, room))
	expect("a date moved before its series", room, monday, true)
	expect("moved away from here", room, first, false)
	if place == (events.Place{}) {
		t.Error("no event came")
	}
}

// TestRestoreOneDate: one date of a series comes back as it was, if it is
// free; one that was skipped is had when it has become so.
func TestRestoreOneDate(t *testing.T) {
	h := newHouse(t)
	second, third := monday.AddDate(0, 0, 7), monday.AddDate(0, 0, 14)
	other := h.book(ask("Other", third, time.Hour, room))
	q := weekly(ask("S", monday, time.Hour, room), "FREQ=WEEKLY;COUNT=4")
	q.OnConflict = booking.SkipOnConflict
	b := h.book(q)
	moved := ask("Moved", second.Add(2*time.Hour), time.Hour, room)
	b = h.change(b, this(second), moved)
	h.cancel(b, this(second))
	h.same("without two", h.taken(room), "03-01 12:00 S", "03-15 12:00 Other", "03-22 12:00 S")
	restore := func(at time.Time) error {
		_, err := h.Restore(t.Context(), h.anna, b.ID, 0, at)
		return err
	}
	var taken *booking.ConflictError
	if err := restore(third); !errors.As(err, &taken) {
		t.Errorf("restored though it is taken: %v", err)
	}
	h.cancel(other, booking.Scope{})
	for range 2 { // again changes nothing
		if err := errors.Join(restore(second), restore(third)); err != nil {
			t.Fatal(err)
		}
	}
	h.same("all", h.taken(room), "03-01 12:00 S", "03-08 14:00 S", "03-15 12:00 S", "03-22 12:00 S")
	now, err := h.Get(t.Context(), h.anna, b.ID)
	if err != nil || len(now.Overrides) != 1 || now.Overrides[0].Title != "Moved" || now.Overrides[0].State != booking.ChangedDate {
		t.Errorf("%+v, %v", now.Overrides, err)
	}
	if err := restore(monday.Add(time.Hour)); fault.CodeOf(err) != fault.Invalid {
		t.Errorf("no such date: %v", err)
	}
	h.cancel(b, this(monday))
	h.now = monday.AddDate(0, 0, 1)
	if err := restore(monday); fault.CodeOf(err) != fault.Invalid {
		t.Errorf("in the past: %v", err)
	}
	h.cancel(b, booking.Scope{})
	if err := restore(second); fault.CodeOf(err) != fault.Invalid {
		t.Errorf("of a cancelled series: %v", err)
	}
}
