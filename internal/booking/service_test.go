package booking_test

import (
	"context"
	"errors"

	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"rmp/internal/availability"
	"rmp/internal/booking"
	"rmp/internal/directory"
	"rmp/internal/fault"
	"rmp/internal/secret"
	"rmp/internal/store"
	"rmp/internal/tenant"
)

// calendars are those of a server that is always there, with what other
// programs have written.
type calendars struct {
	mu     sync.Mutex
	events map[string][]availability.Event
	away   map[string]error
}

func (c *calendars) Read(_ context.Context, _ tenant.ID, resources, people []string, _, _ time.Time) []availability.Reading {
	c.mu.Lock()
	defer c.mu.Unlock()
	var out []availability.Reading
	for _, a := range slices.Concat(resources, people) {
		r := availability.Reading{Account: a, Events: slices.Clone(c.events[a]), Err: c.away[a]}
		if strings.HasPrefix(a, "nobody@") {
			r.Err = availability.ErrNoAccount
		}
		out = append(out, r)
	}
	return out
}

// writes notes which bookings were to be written.
type writes struct{}

func (writes) WriteNow(context.Context, tenant.ID, booking.Booking, string, []booking.Sync) []booking.Sync {
	return nil
}
func (writes) Lease() (string, time.Time) { return "me", time.Time{} }

type house struct {
	*booking.Service
	t    *testing.T
	db   *store.DB
	cal  *calendars
	now  time.Time
	anna tenant.Principal
}

const (
	room   = "room@res.a.test"
	big    = "big@res.a.test"
	beamer = "beamer@res.a.test"
)

// monday is a Monday at noon in Berlin.
var monday = time.Date(2027, 3, 1, 11, 0, 0, 0, time.UTC)

func newHouse(t *testing.T) *house {
	t.Helper()
	sealer, err := secret.NewSealer(make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	db, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "rmp.db"), store.Options{Sealer: sealer, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	h := &house{t: t, db: db, cal: &calendars{events: map[string][]availability.Event{}, away: map[string]error{}}, now: monday.AddDate(0, 0, -7),
		anna: tenant.Principal{Tenant: "a", Domain: "a.test", Email: "anna@a.test", Name: "Anna", Role: tenant.User}}
	tn := tenant.Tenant{ID: "a", Domain: "a.test", TimeZone: "Europe/Berlin", Mode: "direct", Active: true}
	if err := db.SaveTenant(t.Context(), &tn); err != nil {
		t.Fatal(err)
	}
	h.resource(directory.Resource{Email: room, Type: "conference-room", Name: "Room", Capacity: 4})
	h.resource(directory.Resource{Email: big, Type: "conference-room", Name: "Big", Capacity: 8})
	h.resource(directory.Resource{Email: beamer, Type: "equipment", Name: "Beamer", Units: 3})
	bookings := func(id tenant.ID) booking.Store { return db.For(id) }
	resources := func(id tenant.ID) directory.Store { return db.For(id) }
	clock := func() time.Time { return h.now }
	h.Service = &booking.Service{Bookings: bookings, Resources: resources, Tenants: db, Writer: writes{}, Now: clock, Log: slog.New(slog.DiscardHandler),
		Availability: availability.New(h.cal, bookings, resources, time.Second, clock)}
	return h
}

func (h *house) resource(r directory.Resource) {
	h.t.Helper()
	r.TimeZone, r.Active = "Europe/Berlin", true
	if err := h.db.For("a").SaveResource(h.t.Context(), &r); err != nil {
		h.t.Fatal(err)
	}
}

func ask(title string, at time.Time, length time.Duration, resources ...string) booking.Request {
	r := booking.Request{Title: title, Start: at, End: at.Add(length), TimeZone: "Europe/Berlin"}
	for _, m := range resources {
		r.Resources = append(r.Resources, booking.Wanted{Email: m})
	}
	return r
}

func weekly(r booking.Request, rule string) booking.Request {
	r.Recurrence = &booking.Recurrence{RRule: rule}
	return r
}

func (h *house) book(r booking.Request) booking.Booking {
	h.t.Helper()
	b, err := h.Create(h.t.Context(), h.anna, r)
	if err != nil {
		h.t.Fatalf("%s: %v", r.Title, err)
	}
	return b
}

// taken lists when a resource is taken, in Berlin, with titles.
func (h *house) taken(resource string) (out []string) {
	h.t.Helper()
	list, err := h.db.For("a").Occupied(h.t.Context(), []string{resource}, h.now.AddDate(-1, 0, 0), h.now.AddDate(2, 0, 0), h.now)
	if err != nil {
		h.t.Fatal(err)
	}
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		h.t.Fatal(err)
	}
	for _, o := range list {
		out = append(out, o.Start.In(berlin).Format("01-02 15:04 ")+o.Title)
	}
	return out
}

func (h *house) same(what string, got []string, want ...string) {
	h.t.Helper()
	if !slices.Equal(got, want) {
		h.t.Errorf("%s:\n got %q\nwant %q", what, got, want)
	}
}

// TestSeriesInWallTime: a series stays at its hour when the clock changes.
func TestSeriesInWallTime(t *testing.T) {
	h := newHouse(t)
	b := h.book(weekly(ask("Jour fixe", time.Date(2027, 3, 15, 8, 0, 0, 0, time.UTC), time.Hour, room), "FREQ=WEEKLY;COUNT=4"))
	h.same("dates", h.taken(room), "03-15 09:00 Jour fixe", "03-22 09:00 Jour fixe", "03-29 09:00 Jour fixe", "04-05 09:00 Jour fixe")
	if b.Count() != 4 || !b.ExpandedTill.IsZero() || !b.LastEnd.Equal(time.Date(2027, 4, 5, 8, 0, 0, 0, time.UTC)) {
		t.Errorf("%d dates, expanded till %s, last end %s", b.Count(), b.ExpandedTill, b.LastEnd)
	}
}

func TestScopes(t *testing.T) {
	begin := func(t *testing.T) (*house, booking.Booking, func(n int) time.Time) {
		h := newHouse(t)
		b := h.book(weekly(ask("S", monday, time.Hour, room), "FREQ=DAILY;COUNT=4"))
		return h, b, func(n int) time.Time { return monday.AddDate(0, 0, n) }
	}
	change := func(h *house, id string, scope booking.Scope, r booking.Request) booking.Booking {
		t.Helper()
		b, err := h.Change(t.Context(), h.anna, id, 0, scope, r)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	t.Run("this", func(t *testing.T) {
		h, b, day := begin(t)
		scope := booking.Scope{Kind: booking.ScopeThis, Occurrence: day(1)}
		b = change(h, b.ID, scope, ask("Late", day(1).Add(2*time.Hour), 30*time.Minute, room))
		h.same("moved", h.taken(room), "03-01 12:00 S", "03-02 14:00 S", "03-03 12:00 S", "03-04 12:00 S")
		if len(b.Overrides) != 1 || b.Overrides[0].Title != "Late" || b.Sequence != 1 {
			t.Errorf("%+v", b.Overrides)
		}
		// The same date again, by its original start.
		change(h, b.ID, scope, ask("Later", day(1).Add(3*time.Hour), 30*time.Minute, room))
		h.same("moved again", h.taken(room), "03-01 12:00 S", "03-02 15:00 S", "03-03 12:00 S", "03-04 12:00 S")
		// Over another date of its own series it cannot go.
		var conflict *booking.ConflictError
		if _, err := h.Change(t.Context(), h.anna, b.ID, 0, scope, ask("Over", day(2), time.Hour, room)); err == nil {
			t.Error("two dates of a series at one time")
		} else if !errors.As(err, &conflict) {
			t.Errorf("%v", err)
		}
	})
	t.Run("this in another room", func(t *testing.T) {
		h, b, day := begin(t)
		apart := change(h, b.ID, booking.Scope{Kind: booking.ScopeThis, Occurrence: day(1)}, ask("Apart", day(1), time.Hour, big))
		if apart.ID == b.ID || apart.UID == b.UID || apart.Follows != b.ID {
			t.Errorf("%+v", apart)
		}
		h.same("room", h.taken(room), "03-01 12:00 S", "03-03 12:00 S", "03-04 12:00 S")
		h.same("big", h.taken(big), "03-02 12:00 Apart")
	})
	t.Run("following", func(t *testing.T) {
		h, b, day := begin(t)
		next := change(h, b.ID, booking.Scope{Kind: booking.ScopeFollowing, Occurrence: day(2)}, ask("T", day(2).Add(time.Hour), time.Hour, room))
		h.same("room", h.taken(room), "03-01 12:00 S", "03-02 12:00 S", "03-03 13:00 T", "03-04 13:00 T")
		if next.Count() != 2 || next.Follows != b.ID {
			t.Errorf("%+v", next)
		}
	})
	t.Run("all", func(t *testing.T) {
		h, b, day := begin(t)
		change(h, b.ID, booking.Scope{}, ask("A", monday.Add(time.Hour), time.Hour, room))
		h.same("room", h.taken(room), "03-01 13:00 A", "03-02 13:00 A", "03-03 13:00 A", "03-04 13:00 A")
		// The times may be those of any date.
		change(h, b.ID, booking.Scope{Kind: booking.ScopeAll, Occurrence: day(2).Add(time.Hour)}, ask("B", day(2), 30*time.Minute, room))
		h.same("room", h.taken(room), "03-01 12:00 B", "03-02 12:00 B", "03-03 12:00 B", "03-04 12:00 B")
		once := ask("Once", monday, time.Hour, room)
		once.Recurrence = &booking.Recurrence{}
		change(h, b.ID, booking.Scope{}, once)
		h.same("room", h.taken(room), "03-01 12:00 Once")
	})
	t.Run("cancel", func(t *testing.T) {
		h, b, day := begin(t)
		cancel := func(scope booking.Scope) booking.Booking {
			t.Helper()
			b, err := h.Cancel(t.Context(), h.anna, b.ID, 0, scope, "off")
			if err != nil {
				t.Fatal(err)
			}
			return b
		}
		for range 2 {
			cancel(booking.Scope{Kind: booking.ScopeThis, Occurrence: day(1)})
			h.same("one", h.taken(room), "03-01 12:00 S", "03-03 12:00 S", "03-04 12:00 S")
		}
		cancel(booking.Scope{Kind: booking.ScopeFollowing, Occurrence: day(3)})
		h.same("following", h.taken(room), "03-01 12:00 S", "03-03 12:00 S")
		if b := cancel(booking.Scope{}); b.Status != booking.Cancelled {
			t.Errorf("%s", b.Status)
		}
		h.same("all", h.taken(room))
		restored, err := h.Restore(t.Context(), h.anna, b.ID, 0, time.Time{})
		if err != nil || restored.Status != booking.Confirmed {
			t.Fatalf("%+v, %v", restored, err)
		}
		h.same("restored", h.taken(room), "03-01 12:00 S", "03-03 12:00 S")
	})
	t.Run("no such date", func(t *testing.T) {
		h, b, _ := begin(t)
		for _, scope := range []booking.Scope{{Kind: booking.ScopeThis}, {Kind: booking.ScopeThis, Occurrence: monday.Add(time.Minute)}} {
			if _, err := h.Cancel(t.Context(), h.anna, b.ID, 0, scope, ""); fault.CodeOf(err) != fault.Invalid {
				t.Errorf("%+v: %v", scope, err)
			}
		}
	})
}

// TestPastDatesStay: what has been is not changed by a change of the series.
func TestPastDatesStay(t *testing.T) {
	h := newHouse(t)
	b := h.book(weekly(ask("S", monday, time.Hour, room), "FREQ=DAILY;COUNT=4"))
	h.now = monday.AddDate(0, 0, 1).Add(2 * time.Hour)
	if _, err := h.Change(t.Context(), h.anna, b.ID, 0, booking.Scope{}, ask("S", monday.Add(time.Hour), time.Hour, room)); err != nil {
		t.Fatal(err)
	}
	h.same("room", h.taken(room), "03-01 12:00 S", "03-02 12:00 S", "03-03 13:00 S", "03-04 13:00 S")
}

// TestPreviewOfChange: what is to be changed is not in its own way, what
// others have is; only who may change it may ask.
func TestPreviewOfChange(t *testing.T) {
	h := newHouse(t)
	b := h.book(ask("Mine", monday, time.Hour, room))
	h.book(ask("Other", monday.Add(2*time.Hour), time.Hour, room))
	state := func(at time.Time, length time.Duration, changing string) booking.DateState {
		t.Helper()
		plan, err := h.Preview(t.Context(), h.anna, ask("Mine", at, length, room), changing)
		if err != nil || len(plan.Dates) != 1 {
			t.Fatal(plan, err)
		}
		return plan.Dates[0].State
	}
	for _, c := range []struct {
		late, length time.Duration
		changing     string
		want         booking.DateState
	}{
		{30 * time.Minute, time.Hour, "", booking.DateTaken},
		{30 * time.Minute, time.Hour, b.ID, booking.DateFree},
		{0, 2 * time.Hour, b.ID, booking.DateFree},
		{0, 2*time.Hour + time.Minute, b.ID, booking.DateTaken},
	} {
		if got := state(monday.Add(c.late), c.length, c.changing); got != c.want {
			t.Errorf("%v later, %v long, changing %q: %s, want %s", c.late, c.length, c.changing, got, c.want)
		}
	}
	if _, err := h.Preview(t.Context(), h.ben(), ask("Mine", monday, time.Hour, room), b.ID); fault.CodeOf(err) != fault.Forbidden {
		t.Errorf("by somebody else: %v", err)
	}
}

func TestConflictsAndSkip(t *testing.T) {
	h := newHouse(t)
	h.book(ask("Other", monday.AddDate(0, 0, 7), time.Hour, room))
	h.cal.events[room] = []availability.Event{{UID: "outlook", Start: monday.AddDate(0, 0, 14), End: monday.AddDate(0, 0, 14).Add(time.Hour), Status: "busy", Summary: "Elsewhere", Organizer: "boss@a.test"}}
	r := weekly(ask("S", monday, time.Hour, room), "FREQ=WEEKLY;COUNT=4")
	plan, err := h.Preview(t.Context(), h.anna, r, "")
	if err != nil {
		t.Fatal(err)
	}
	var states []string
	for _, d := range plan.Dates {
		states = append(states, string(d.State))
	}
	h.same("preview", states, "free", "taken", "taken", "free")
	if c := plan.Dates[2].Clashes[0]; !c.Foreign || c.Holder.Email != "boss@a.test" || len(plan.Dates[2].Alternatives) == 0 || plan.Possible() {
		t.Errorf("%+v", plan.Dates[2])
	}
	var conflict *booking.ConflictError
	if _, err := h.Create(t.Context(), h.anna, r); !errors.As(err, &conflict) || len(conflict.Clashes) != 2 || len(conflict.Alternatives) == 0 {
		t.Fatalf("%v %+v", err, conflict)
	}
	if alt := conflict.Alternatives[0]; alt.Resources[0] != big || !alt.Start.Equal(monday.AddDate(0, 0, 7)) {
		t.Errorf("the first alternative is %+v", alt)
	}
	h.same("nothing was booked", h.taken(room), "03-08 12:00 Other")
	r.OnConflict = booking.SkipOnConflict
	b := h.book(r)
	h.same("skipped", h.taken(room), "03-01 12:00 S", "03-08 12:00 Other", "03-22 12:00 S")
	if len(b.Overrides) != 2 || b.Overrides[0].State != booking.SkippedDate || b.Count() != 2 {
		t.Errorf("%+v", b.Overrides)
	}
	// All of them taken is a conflict however it is asked.
	if _, err := h.Create(t.Context(), h.anna, func() booking.Request { r.Title = "Again"; r.Recurrence.RRule = "FREQ=WEEKLY;COUNT=2"; return r }()); !errors.As(err, &conflict) {
		t.Errorf("%v", err)
	}
	h.cal.away[big] = errors.New("is away")
	if _, err := h.Create(t.Context(), h.anna, ask("X", monday, time.Hour, big)); fault.CodeOf(err) != fault.Unknown {
		t.Errorf("unknown is taken for free: %v", err)
	}
}

func TestAllOrNothing(t *testing.T) {
	h := newHouse(t)
	h.book(ask("Other", monday, time.Hour, beamer))
	r := ask("Both", monday, time.Hour, room, beamer)
	r.Resources[1].Quantity = 3
	var conflict *booking.ConflictError
	if _, err := h.Create(t.Context(), h.anna, r); !errors.As(err, &conflict) || conflict.Clashes[0].Resource != beamer {
		t.Fatalf("%v", err)
	}
	h.same("the room stays free", h.taken(room))
	r.Resources[1].Quantity = 2
	h.book(r)
	r.Resources[1].Quantity = 4
	var refused *booking.PolicyError
	if _, err := h.Create(t.Context(), h.anna, r); !errors.As(err, &refused) || refused.Refusals[0].Rule != "units" {
		t.Fatalf("four of three: %v", err)
	}
}

func ptr[T any](v T) *T { return &v }

// TestPolicies: each rule refuses by its name, and what it says is nearest is
// accepted.
func TestPolicies(t *testing.T) {
	for _, c := range []struct {
		rule    string
		policy  directory.Policy
		request booking.Request
	}{
		{"bookingWindowInDays", directory.Policy{BookingWindowInDays: ptr(10)}, ask("x", monday.AddDate(0, 0, 14), time.Hour, room)},
		{"minimumLeadTimeInMinutes", directory.Policy{MinimumLeadTimeInMinutes: ptr(60 * 24 * 8)}, ask("x", monday, time.Hour, room)},
		{"minimumDurationInMinutes", directory.Policy{MinimumDurationInMinutes: ptr(60)}, ask("x", monday, 59*time.Minute, room)},
		{"maximumDurationInMinutes", directory.Policy{MaximumDurationInMinutes: ptr(60)}, ask("x", monday, 61*time.Minute, room)},
		{"workingHours", directory.Policy{ScheduleOnlyDuringWorkHours: ptr(true)}, ask("x", monday.Add(6*time.Hour), time.Hour, room)},
		{"workingHours", directory.Policy{ScheduleOnlyDuringWorkHours: ptr(true)}, ask("x", monday.AddDate(0, 0, 5), time.Hour, room)},
		{"closedDays", directory.Policy{ClosedDays: []string{"2027-03-01"}}, ask("x", monday, time.Hour, room)},
		{"bookInPolicy", directory.Policy{AllBookInPolicy: ptr(false), BookInPolicy: []string{"ben@a.test", "@b.test", "role:manager"}}, ask("x", monday, time.Hour, room)},
		{"allowRecurringMeetings", directory.Policy{AllowRecurringMeetings: ptr(false)}, weekly(ask("x", monday, time.Hour, room), "FREQ=DAILY;COUNT=2")},
		{"maximumOccurrences", directory.Policy{MaximumOccurrences: ptr(3)}, weekly(ask("x", monday, time.Hour, room), "FREQ=DAILY;COUNT=4")},
		{"maximumOccurrences", directory.Policy{MaximumOccurrences: ptr(3)}, weekly(ask("x", monday, time.Hour, room), "FREQ=MONTHLY")},
		{"maximumSeriesLengthInDays", directory.Policy{MaximumSeriesLengthInDays: ptr(6)}, weekly(ask("x", monday, time.Hour, room), "FREQ=WEEKLY;COUNT=3")},
		{"enforceSchedulingHorizon", directory.Policy{BookingWindowInDays: ptr(10), EnforceSchedulingHorizon: ptr(true)}, weekly(ask("x", monday, time.Hour, room), "FREQ=WEEKLY;COUNT=3")},
	} {
		t.Run(c.rule, func(t *testing.T) {
			h := newHouse(t)
			h.resource(directory.Resource{Email: room, Type: "conference-room", Name: "Room", Capacity: 4, Policy: c.policy})
			_, err := h.Create(t.Context(), h.anna, c.request)
			var refused *booking.PolicyError
			if !errors.As(err, &refused) || refused.Refusals[0].Rule != c.rule || refused.Refusals[0].Resource != room {
				t.Fatalf("%v", err)
			}
			if plan, err := h.Preview(t.Context(), h.anna, c.request, ""); err != nil || plan.Possible() {
				t.Errorf("the preview says it is possible: %+v, %v", plan, err)
			}
			if near := refused.Refusals[0]; !near.NearestStart.IsZero() {
				c.request.Start, c.request.End = near.NearestStart, near.NearestEnd
				if _, err := h.Create(t.Context(), h.anna, c.request); err != nil {
					t.Errorf("the nearest choice, %s to %s, is refused: %v", near.NearestStart, near.NearestEnd, err)
				}
			} else if !strings.Contains(c.rule, "urr") && !strings.Contains(c.rule, "eries") && c.rule != "bookInPolicy" && c.rule != "enforceSchedulingHorizon" {
				t.Error("no nearest choice")
			}
		})
	}
	h := newHouse(t)
	if err := h.db.For("a").SaveTypePolicy(t.Context(), "conference-room", directory.Policy{MaximumDurationInMinutes: ptr(30), MinimumDurationInMinutes: ptr(20)}); err != nil {
		t.Fatal(err)
	}
	h.resource(directory.Resource{Email: room, Type: "conference-room", Name: "Room", Policy: directory.Policy{MaximumDurationInMinutes: ptr(60)}})
	h.book(ask("of its own", monday, time.Hour, room))
	var refused *booking.PolicyError
	if _, err := h.Create(t.Context(), h.anna, ask("of the type", monday.AddDate(0, 0, 1), 10*time.Minute, room)); !errors.As(err, &refused) || refused.Refusals[0].Rule != "minimumDurationInMinutes" {
		t.Errorf("%v", err)
	}
}

func TestQuota(t *testing.T) {
	h := newHouse(t)
	h.resource(directory.Resource{Email: room, Type: "conference-room", Name: "Room", Policy: directory.Policy{Quotas: []directory.Quota{{Period: "week", MaximumBookings: 2}}}})
	h.book(ask("1", monday, time.Hour, room))
	h.book(ask("2", monday.AddDate(0, 0, 1), time.Hour, room))
	third := ask("3", monday.AddDate(0, 0, 2), time.Hour, room)
	_, err := h.Create(t.Context(), h.anna, third)
	var refused *booking.PolicyError
	if !errors.As(err, &refused) || refused.Refusals[0].Rule != "quotas" {
		t.Fatalf("%v", err)
	}
	if plan, err := h.Preview(t.Context(), h.anna, third, ""); err != nil || plan.Possible() {
		t.Errorf("%+v, %v", plan, err)
	}
	third.Start, third.End = refused.Refusals[0].NearestStart, refused.Refusals[0].NearestEnd
	h.book(third)
	ben := h.anna
	ben.Email = "ben@a.test"
	if _, err := h.Create(t.Context(), ben, ask("of another", monday.AddDate(0, 0, 2), time.Hour, room)); err != nil {
		t.Errorf("%v", err)
	}
	// A change of what is there does not count twice.
	list, err := h.List(t.Context(), h.anna, booking.Filter{Organizer: "anna@a.test"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.Change(t.Context(), h.anna, list[0].ID, 0, booking.Scope{}, ask("1b", monday.Add(time.Hour), time.Hour, room)); err != nil {
		t.Errorf("%v", err)
	}
}

// TestHorizon: an endless series goes on by itself, and what is in its way
// later becomes a conflict that shows.
func TestHorizon(t *testing.T) {
	h := newHouse(t)
	b := h.book(weekly(ask("For ever", monday, time.Hour, room), "FREQ=WEEKLY"))
	n := b.Count()
	if b.ExpandedTill.IsZero() || !b.LastEnd.IsZero() || n < 50 || n > 58 {
		t.Fatalf("%d dates, till %s", n, b.ExpandedTill)
	}
	next := monday
	for next.Before(b.ExpandedTill) {
		next = next.AddDate(0, 0, 7)
	}
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	next = time.Date(next.Year(), next.Month(), next.Day(), 12, 0, 0, 0, berlin)
	blocker := h.book(ask("In the way", next, time.Hour, room))
	if n, err := h.Extend(t.Context(), "a"); err != nil || n != 0 {
		t.Fatalf("moved %d at once, %v", n, err)
	}
	h.now = h.now.AddDate(0, 0, 21)
	if n, err := h.Extend(t.Context(), "a"); err != nil || n != 1 {
		t.Fatalf("moved %d, %v", n, err)
	}
	got, err := h.Get(t.Context(), h.anna, b.ID)
	if err != nil || got.Status != booking.InConflict || len(got.Overrides) != 1 || got.Overrides[0].State != booking.ConflictDate || !got.Overrides[0].Original.Equal(next) {
		t.Fatalf("%+v, %v", got, err)
	}
	if got.Count() != n+2 {
		t.Errorf("%d dates, want %d", got.Count(), n+2)
	}
	history, err := h.History(t.Context(), h.anna, b.ID)
	if err != nil || history[len(history)-1].Action != "conflict" {
		t.Errorf("%+v, %v", history, err)
	}
	if _, err := h.Cancel(t.Context(), h.anna, blocker.ID, 0, booking.Scope{}, ""); err != nil {
		t.Fatal(err)
	}
	if n, err := h.Extend(t.Context(), "a"); err != nil || n != 0 {
		t.Errorf("moved %d again, %v", n, err)
	}
}

func TestHoldsOfPeople(t *testing.T) {
	h := newHouse(t)
	hold, err := h.Hold(t.Context(), h.anna, ask("", monday, time.Hour, room), time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	ben := h.anna
	ben.Email = "ben@a.test"
	var conflict *booking.ConflictError
	if _, err := h.Create(t.Context(), ben, ask("x", monday, time.Hour, room)); !errors.As(err, &conflict) || !conflict.Clashes[0].Hold {
		t.Fatalf("%v", err)
	}
	r := ask("mine", monday, time.Hour, room)
	r.Hold = hold.ID
	if _, err := h.Create(t.Context(), ben, r); err == nil {
		t.Fatal("ben books anna's hold")
	}
	h.book(r)
	second, err := h.Hold(t.Context(), h.anna, ask("", monday.Add(2*time.Hour), time.Hour, room), time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	h.now = h.now.Add(time.Minute)
	r = ask("late", monday.Add(2*time.Hour), time.Hour, room)
	r.Hold = second.ID
	if _, err := h.Create(t.Context(), h.anna, r); fault.CodeOf(err) != fault.Invalid {
		t.Errorf("a hold that has run out: %v", err)
	}
	if _, err := h.Create(t.Context(), ben, ask("ben's", monday.Add(2*time.Hour), time.Hour, room)); err != nil {
		t.Errorf("after it has run out: %v", err)
	}
	third, err := h.Hold(t.Context(), h.anna, ask("", monday.Add(4*time.Hour), time.Hour, room), time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := h.Release(t.Context(), h.anna, third.ID); err != nil {
			t.Fatal(err)
		}
	}
	h.book(ask("free again", monday.Add(4*time.Hour), time.Hour, room))
}

func TestAsOfADay(t *testing.T) {
	h := newHouse(t)
	b := h.book(weekly(ask("S", monday, time.Hour, room), "FREQ=DAILY;COUNT=3"))
	before := h.now
	h.now = h.now.Add(time.Hour)
	if _, err := h.Cancel(t.Context(), h.anna, b.ID, 0, booking.Scope{}, ""); err != nil {
		t.Fatal(err)
	}
	for at, want := range map[time.Time]int{before.Add(-time.Second): 0, before: 3, h.now: 0} {
		list, err := h.AsOf(t.Context(), h.anna, at, monday, monday.AddDate(0, 0, 7), room)
		if err != nil || len(list) != want {
			t.Errorf("as of %s: %d dates, %v; want %d", at, len(list), err, want)
		}
	}
}

func TestBombs(t *testing.T) {
	h := newHouse(t)
	for _, rule := range []string{"FREQ=SECONDLY", "FREQ=MINUTELY;COUNT=5000", "FREQ=HOURLY", "FREQ=DAILY;BYHOUR=1,2,3,4,5,6"} {
		began := time.Now()
		_, err := h.Create(t.Context(), h.anna, weekly(ask("x", monday, time.Minute, room), rule))
		if fault.CodeOf(err) != fault.Invalid || time.Since(began) > 5*time.Second {
			t.Errorf("%s: %v after %s", rule, err, time.Since(began))
		}
	}
	h.same("nothing is left", h.taken(room))
	r := weekly(ask("x", monday, time.Hour, room), "FREQ=WEEKLY;BYDAY=XX")
	var f *fault.Error
	if _, err := h.Create(t.Context(), h.anna, r); !errors.As(err, &f) || f.Fields[0].Pointer != "/recurrence/rrule" {
		t.Errorf("%v", err)
	}
}
