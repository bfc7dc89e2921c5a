package booking_test

import (
	"testing"
	"time"

	"rmp/internal/availability"
	"rmp/internal/booking"
	"rmp/internal/directory"
	"rmp/internal/fault"
	"rmp/internal/tenant"
)

func day(n int) time.Time { return monday.AddDate(0, 0, n) }

func this(at time.Time) booking.Scope { return booking.Scope{Kind: booking.ScopeThis, Occurrence: at} }

func following(at time.Time) booking.Scope {
	return booking.Scope{Kind: booking.ScopeFollowing, Occurrence: at}
}

// inBerlin is noon of a day there.
func inBerlin(t *testing.T, year int, month time.Month, day int) time.Time {
	t.Helper()
	loc, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	return time.Date(year, month, day, 12, 0, 0, 0, loc).UTC()
}

func (h *house) change(b booking.Booking, scope booking.Scope, r booking.Request) booking.Booking {
	h.t.Helper()
	got, err := h.Change(h.t.Context(), h.anna, b.ID, 0, scope, r)
	if err != nil {
		h.t.Fatal(err)
	}
	return got
}

func (h *house) cancel(b booking.Booking, scope booking.Scope) booking.Booking {
	h.t.Helper()
	got, err := h.Cancel(h.t.Context(), h.anna, b.ID, 0, scope, "")
	if err != nil {
		h.t.Fatal(err)
	}
	return got
}

func (h *house) ben() tenant.Principal {
	p := h.anna
	p.Email, p.Name = "ben@a.test", "Ben"
	return p
}

func (h *house) policy(set func(*directory.Policy)) {
	h.t.Helper()
	r, err := h.db.For("a").Resource(h.t.Context(), room)
	if err != nil {
		h.t.Fatal(err)
	}
	set(&r.Policy)
	if err := h.db.For("a").SaveResource(h.t.Context(), &r); err != nil {
		h.t.Fatal(err)
	}
}

// TestHoldIsNoBooking: a hold cannot be cancelled, restored or changed as if
// it were one, and runs out whatever was tried.
func TestHoldIsNoBooking(t *testing.T) {
	h := newHouse(t)
	ctx := t.Context()
	hold, err := h.Hold(ctx, h.anna, ask("H", monday, time.Hour, room), time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	_, cancelled := h.Cancel(ctx, h.anna, hold.ID, 0, booking.Scope{}, "")
	_, restored := h.Restore(ctx, h.anna, hold.ID, 0, time.Time{})
	_, changed := h.Change(ctx, h.anna, hold.ID, 0, booking.Scope{}, ask("H", monday, time.Hour, room))
	for _, err := range []error{cancelled, restored, changed} {
		if fault.CodeOf(err) != fault.NotFound {
			t.Error(err)
		}
	}
	h.now = h.now.Add(2 * time.Minute)
	if n, err := h.db.PurgeHolds(ctx, h.now); n != 1 || err != nil {
		t.Error(n, err)
	}
	if _, err := h.Create(ctx, h.ben(), ask("Other", monday, time.Hour, room)); err != nil {
		t.Error(err)
	}
}

// TestOldDailySeries: an endless series of every day is as good after two
// years as on its first day.
func TestOldDailySeries(t *testing.T) {
	h := newHouse(t)
	b := h.book(weekly(ask("Daily", monday, time.Hour, room), "FREQ=DAILY"))
	w := h.book(weekly(ask("Weekly", monday.Add(3*time.Hour), time.Hour, room), "FREQ=WEEKLY"))
	for range 130 {
		h.now = h.now.AddDate(0, 0, 5)
		if _, err := h.Extend(t.Context(), "a"); err != nil {
			t.Fatal(err)
		}
	}
	if w, err := h.Get(t.Context(), h.anna, w.ID); err != nil || w.ExpandedTill.Sub(h.now) < 390*24*time.Hour {
		t.Errorf("the weekly series holds its dates until %v only, %v", w.ExpandedTill, err)
	}
	if got := h.cancel(b, this(inBerlin(t, 2027, 3, 1+655))); got.Status == booking.Cancelled {
		t.Error("the whole series was cancelled with one date")
	}
}

// TestForeignEventsOfAnyLength: one that began long before a date blocks it,
// and one that is met when the horizon moves on is a conflict.
func TestForeignEventsOfAnyLength(t *testing.T) {
	h := newHouse(t)
	h.cal.events[room] = []availability.Event{{UID: "renovation", Start: day(10), End: day(80), Summary: "Renovation"}}
	for _, r := range []booking.Request{weekly(ask("S", day(60), time.Hour, room), "FREQ=WEEKLY;COUNT=2"), weekly(ask("S", day(0), time.Hour, room), "FREQ=WEEKLY;INTERVAL=9;COUNT=2")} {
		if _, err := h.Create(t.Context(), h.anna, r); err == nil {
			t.Error("booked in the middle of it")
		}
	}
	h = newHouse(t)
	b := h.book(weekly(ask("W", monday, time.Hour, room), "FREQ=WEEKLY"))
	d := b.ExpandedTill
	for d.Weekday() != time.Monday {
		d = d.AddDate(0, 0, 1)
	}
	at := inBerlin(t, d.Year(), d.Month(), d.Day())
	h.cal.events[room] = []availability.Event{{UID: "foreign", Start: at, End: at.Add(time.Hour), Summary: "Outside"}}
	h.now = h.now.AddDate(0, 0, 20)
	if _, err := h.Extend(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	if got, err := h.Get(t.Context(), h.anna, b.ID); err != nil || got.Status != booking.InConflict {
		t.Errorf("%s, %v", got.Status, err)
	}
}

// TestFollowingNearTheEnds: from the next date when all before it have
// passed, from the second when the first is cancelled, and the last date to
// another room.
func TestFollowingNearTheEnds(t *testing.T) {
	h := newHouse(t)
	b := h.book(weekly(ask("S", monday, time.Hour, room), "FREQ=WEEKLY;COUNT=4"))
	h.now = day(1)
	h.change(b, following(day(7)), ask("T", day(7).Add(time.Hour), time.Hour, room))
	h.same("the passed stays", h.taken(room), "03-01 12:00 S", "03-08 13:00 T", "03-15 13:00 T", "03-22 13:00 T")
	if got, err := h.Get(t.Context(), h.anna, b.ID); err != nil || got.Status != booking.Confirmed {
		t.Errorf("%s, %v", got.Status, err)
	}
	h = newHouse(t)
	b = h.book(weekly(ask("S", monday, time.Hour, room), "FREQ=WEEKLY;COUNT=2"))
	h.now = day(1)
	h.change(b, this(day(7)), ask("T", day(7), time.Hour, big))
	h.same("the last date moved", h.taken(big), "03-08 12:00 T")
	h = newHouse(t)
	b = h.book(weekly(ask("S", monday, time.Hour, room), "FREQ=DAILY;COUNT=4"))
	h.cancel(b, this(day(0)))
	h.change(b, following(day(1)), ask("T", day(1).Add(time.Hour), time.Hour, room))
	h.same("without the first", h.taken(room), "03-02 13:00 T", "03-03 13:00 T", "03-04 13:00 T")
	if got, err := h.Get(t.Context(), h.anna, b.ID); err != nil || got.Status != booking.Cancelled {
		t.Errorf("nothing is left of it: %s, %v", got.Status, err)
	}
	h = newHouse(t)
	b = h.book(weekly(ask("S", monday, time.Hour, room), "FREQ=WEEKLY;COUNT=3"))
	h.now = day(8)
	if got := h.cancel(b, following(day(14))); got.Status != booking.Confirmed {
		t.Errorf("dates that took place are cancelled: %s", got.Status)
	}
	h.same("what took place", h.taken(room), "03-01 12:00 S", "03-08 12:00 S")
}

// TestFollowingKeepsWhatWasChanged: cancelled dates stay cancelled, and the
// rule keeps its day of the week from an additional date on.
func TestFollowingKeepsWhatWasChanged(t *testing.T) {
	h := newHouse(t)
	b := h.book(weekly(ask("S", monday, time.Hour, room), "FREQ=DAILY;COUNT=4"))
	h.cancel(b, this(day(3)))
	h.change(b, following(day(1)), ask("T", day(1), time.Hour, room))
	h.same("another title", h.taken(room), "03-01 12:00 S", "03-02 12:00 T", "03-03 12:00 T")
	h = newHouse(t)
	b = h.book(weekly(ask("S", monday, time.Hour, room), "FREQ=DAILY;COUNT=4"))
	h.cancel(b, this(day(3)))
	h.change(b, following(day(1)), ask("T", day(1).Add(time.Hour), time.Hour, room))
	h.same("an hour later", h.taken(room), "03-01 12:00 S", "03-02 13:00 T", "03-03 13:00 T")
	h = newHouse(t)
	r := ask("S", monday, time.Hour, room)
	r.Recurrence = &booking.Recurrence{RRule: "FREQ=WEEKLY;COUNT=4", RDates: []time.Time{day(9)}}
	b = h.book(r)
	h.change(b, following(day(9)), ask("T", day(9).Add(2*time.Hour), time.Hour, room))
	h.same("from an additional date", h.taken(room), "03-01 12:00 S", "03-08 12:00 S", "03-10 14:00 T", "03-15 14:00 T", "03-22 14:00 T")
	h = newHouse(t)
	r = ask("S", monday, time.Hour, room)
	r.Recurrence = &booking.Recurrence{RDates: []time.Time{day(1), day(2)}}
	b = h.book(r)
	h.cancel(b, this(day(0)))
	if got := h.cancel(b, following(day(1))); got.Status != booking.Cancelled {
		t.Errorf("nothing is left of it: %s", got.Status)
	}
	h.same("of additional dates only", h.taken(room))
}

// TestAllMovesAllThatNamesATime: dates left out, additional dates and the end
// of the rule move with the series; a title moves nothing.
func TestAllMovesAllThatNamesATime(t *testing.T) {
	h := newHouse(t)
	r := ask("S", monday, time.Hour, room)
	r.Recurrence = &booking.Recurrence{RRule: "FREQ=DAILY;COUNT=3", ExDates: []time.Time{day(1)}, RDates: []time.Time{day(10)}}
	h.change(h.book(r), booking.Scope{}, ask("A", monday.Add(time.Hour), time.Hour, room))
	h.same("an hour later", h.taken(room), "03-01 13:00 A", "03-03 13:00 A", "03-11 13:00 A")
	h = newHouse(t)
	b := h.book(weekly(ask("S", monday, time.Hour, room), "FREQ=DAILY;COUNT=4"))
	h.cancel(b, following(day(2)))
	h.change(b, booking.Scope{}, ask("A", monday.Add(-2*time.Hour), time.Hour, room))
	h.same("ended, and two hours earlier", h.taken(room), "03-01 10:00 A", "03-02 10:00 A")
	c := h.book(weekly(ask("U", monday, time.Hour, big), "FREQ=DAILY;UNTIL=20270303T110000Z"))
	h.change(c, booking.Scope{}, ask("V", monday.Add(time.Hour), time.Hour, big))
	h.same("the last is kept", h.taken(big), "03-01 13:00 V", "03-02 13:00 V", "03-03 13:00 V")
	h = newHouse(t)
	b = h.book(weekly(ask("S", monday, time.Hour, room), "FREQ=DAILY;COUNT=3"))
	h.change(b, this(day(1)), ask("S", day(1).Add(2*time.Hour), time.Hour, room))
	h.change(b, booking.Scope{Kind: booking.ScopeAll, Occurrence: day(1)}, ask("New", day(1).Add(2*time.Hour), time.Hour, room))
	h.same("a title, from a moved date", h.taken(room), "03-01 12:00 New", "03-02 14:00 New", "03-03 12:00 New")
}

// TestCancellingOneDateAlwaysWorks: whatever has become of the horizon, of
// the rules of the room, or of the date itself.
func TestCancellingOneDateAlwaysWorks(t *testing.T) {
	h := newHouse(t)
	b := h.book(weekly(ask("W", monday, time.Hour, room), "FREQ=WEEKLY"))
	d := b.ExpandedTill
	for d.Weekday() != time.Monday {
		d = d.AddDate(0, 0, 1)
	}
	at := inBerlin(t, d.Year(), d.Month(), d.Day())
	if _, err := h.Create(t.Context(), h.ben(), ask("Ben", at, time.Hour, room)); err != nil {
		t.Fatal(err)
	}
	h.now = at.Add(-booking.Horizon).Add(2 * time.Hour) // it is within the horizon now
	h.cancel(b, this(inBerlin(t, 2027, 4, 5)))

	h = newHouse(t)
	b = h.book(weekly(ask("W", monday, time.Hour, room), "FREQ=DAILY;COUNT=3"))
	h.book(ask("Next", day(1).Add(time.Hour), time.Hour, room))
	h.policy(func(p *directory.Policy) { n := 15; p.TeardownTimeInMinutes = &n })
	h.cancel(b, this(day(2)))
	h.same("beside a booking that is too near now", h.taken(room), "03-01 12:00 W", "03-02 12:00 W", "03-02 13:00 Next")

	h = newHouse(t)
	b = h.book(weekly(ask("S", monday, time.Hour, room), "FREQ=DAILY;COUNT=6"))
	h.change(b, this(day(4)), ask("S", day(0).Add(2*time.Hour), time.Hour, room))
	h.now = day(1).Add(3 * time.Hour)
	h.change(b, this(day(4)), ask("S", day(4).Add(2*time.Hour), time.Hour, room))
	h.same("a date that had passed where it was", h.taken(room), "03-01 12:00 S", "03-02 12:00 S", "03-03 12:00 S", "03-04 12:00 S", "03-05 14:00 S", "03-06 12:00 S")
}

// TestWindowMovesByDays: a resource with a booking window moves its series on
// a day at a time, not a second.
func TestWindowMovesByDays(t *testing.T) {
	h := newHouse(t)
	h.policy(func(p *directory.Policy) { n := 30; p.BookingWindowInDays = &n })
	b := h.book(weekly(ask("W", monday, time.Hour, room), "FREQ=WEEKLY"))
	total := 0
	for range 60 {
		h.now = h.now.Add(time.Hour)
		n, err := h.Extend(t.Context(), "a")
		if err != nil {
			t.Fatal(err)
		}
		total += n
	}
	if got, err := h.Get(t.Context(), h.anna, b.ID); err != nil || total != 2 || got.Version != 3 {
		t.Errorf("in 60 hours moved %d times, version %d, %v", total, got.Version, err)
	}
}

// TestPrivateStaysPrivate: neither the state of before nor the list of
// calendars tells others what a private booking is about, or with whom.
func TestPrivateStaysPrivate(t *testing.T) {
	h := newHouse(t)
	ctx := t.Context()
	b := h.book(ask("Lay-offs", monday, time.Hour, room))
	then := h.now
	h.now = h.now.Add(time.Minute)
	p := ask("Lay-offs", monday, time.Hour, room)
	p.Private = true
	p.Attendees = []booking.Attendee{{Person: booking.Person{Email: "headhunter@elsewhere.test"}}}
	h.change(b, booking.Scope{}, p)
	list, err := h.AsOf(ctx, h.ben(), then.Add(time.Second), monday, day(1), "")
	if err != nil || len(list) != 1 || list[0].Title != "Private" {
		t.Errorf("%+v, %v", list, err)
	}
	got, err := h.Get(ctx, h.ben(), b.ID)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range got.Sync {
		if s.Kind != booking.CentralCalendar && s.Kind != booking.ResourceCalendar {
			t.Errorf("the calendar of %s is told", s.Calendar)
		}
	}
}
