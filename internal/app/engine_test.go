package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"rmp/calendar/ical"
	"rmp/communigate/cli"
	"rmp/communigate/dataformat"
	"rmp/communigate/standin"
	standinfault "rmp/communigate/standin/fault"
	"rmp/communigate/standin/ximssserver"
	"rmp/communigate/ximss"
	"rmp/internal/booking"
	"rmp/internal/config"
	"rmp/internal/directory"
	"rmp/internal/events"
	"rmp/internal/groupware"
	"rmp/internal/notify"
	"rmp/internal/reconcile"
	"rmp/internal/secret"
	"rmp/internal/store"
	"rmp/internal/store/pgtest"
	"rmp/internal/telemetry"
	"rmp/internal/tenant"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// rig is the engine on a stand-in, with a tenant, two rooms and some people,
// one of them elsewhere.
type rig struct {
	*engine
	t      testing.TB
	web    string
	line   string // address of CLI
	tenant tenant.Tenant
	anna   tenant.Principal
	clock  time.Duration // how far ahead of the real clock
	drift  map[reconcile.Drift]int
	rules  reconcile.Rules
	faults *standinfault.Plan
}

// fail plans a fault of the stand-in.
func (r *rig) fail(text string) {
	r.t.Helper()
	f, err := standinfault.Parse(text)
	if err != nil {
		r.t.Fatal(err)
	}
	r.faults.Add(f)
}

// heal takes all planned faults back.
func (r *rig) heal() {
	for _, f := range r.faults.List() {
		r.faults.Remove(f.ID)
	}
}

const (
	room  = "room@confroom.resources.a.test"
	hall  = "hall@confroom.resources.a.test"
	anna  = "anna@a.test"
	ben   = "ben@a.test"
	guest = "guest@elsewhere.test"
)

func newRig(t testing.TB, target string, quirks ...ximssserver.Quirks) *rig {
	t.Helper()
	ctx := t.Context()
	faults := &standinfault.Plan{}
	s, err := standin.Open(ctx, standin.Config{Dir: t.TempDir(), MainDomain: "a.test", AdminPassword: "pw", SessionCap: -1, Faults: faults, Quirks: slices.Concat(quirks, []ximssserver.Quirks{{}})[0]})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	web, _, line := s.Addrs()
	sealer, err := secret.NewSealer(make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	db, err := store.Open(ctx, target, store.Options{Sealer: sealer, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	r := &rig{t: t, web: web, line: line, faults: faults, drift: map[reconcile.Drift]int{}, anna: tenant.Principal{Tenant: "a", Domain: "a.test", Email: anna, Name: "Anna", Role: tenant.User},
		tenant: tenant.Tenant{ID: "a", Domain: "a.test", TimeZone: "Europe/Berlin", Mode: "direct", Active: true, ServicePassword: "pw"}}
	if err := db.SaveTenant(ctx, &r.tenant); err != nil {
		t.Fatal(err)
	}
	m := telemetry.NewMetrics("test")
	db.Observe(m.Transaction)
	gw := groupware.New(groupware.Config{URL: "http://" + web, CLIAddr: line, Admin: "postmaster", AdminPassword: "pw", Sessions: 3, Timeout: 5 * time.Second, Observe: m.Wire}, db, log)
	t.Cleanup(func() { gw.Close(context.WithoutCancel(ctx)) })
	r.engine = newEngine(db, gw, time.Minute, func() time.Time { return time.Now().Add(r.clock) }, log, m)
	if err := gw.EnsureTenant(ctx, r.tenant, true); err != nil {
		t.Fatal(err)
	}
	for _, m := range []string{room, hall} {
		res := directory.Resource{Email: m, Type: "conference-room", Name: strings.Split(m, "@")[0], Capacity: 4, TimeZone: "Europe/Berlin", Active: true}
		if err := gw.EnsureResource(ctx, r.tenant, res); err != nil {
			t.Fatal(err)
		}
		if err := db.For("a").SaveResource(ctx, &res); err != nil {
			t.Fatal(err)
		}
	}
	for _, m := range []string{anna, ben} {
		if err := gw.EnsurePerson(ctx, r.tenant, m, m, "pw"); err != nil {
			t.Fatal(err)
		}
	}
	c, err := cli.Dial(ctx, cli.Config{Addr: line, User: "postmaster", Password: "pw"})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close() //nolint:errcheck // only to set up
	err = errors.Join(c.CreateDomain(ctx, "elsewhere.test", nil), c.CreateAccount(ctx, guest, dataformat.Dict{"Password": "pw"}),
		c.SetMailboxACL(ctx, room, "Calendar", dataformat.Dict{"all_events@a.test": "lrswipkxtea", ben: "lrswipkxtea"}))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// at is an hour of a day well ahead, in Berlin.
func at(day, hour int) time.Time {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		panic(err)
	}
	now := time.Now().In(berlin)
	return time.Date(now.Year(), now.Month(), now.Day()+10+day, hour, 0, 0, 0, berlin).UTC()
}

func (r *rig) book(q booking.Request) booking.Booking {
	r.t.Helper()
	q.TimeZone = "Europe/Berlin"
	b, err := r.service.Create(r.t.Context(), r.anna, q)
	if err != nil {
		r.t.Fatal(err)
	}
	return b
}

func ask(day, hour int, people ...string) booking.Request {
	q := booking.Request{Title: "Meeting", Start: at(day, hour), End: at(day, hour+1), Resources: []booking.Wanted{{Email: room}}}
	for _, p := range people {
		q.Attendees = append(q.Attendees, booking.Attendee{Person: booking.Person{Email: p}})
	}
	return q
}

// as runs requests in a session of a person.
func (r *rig) as(who string, requests ...*ximss.Request) []*ximss.Reply {
	r.t.Helper()
	cfg := ximss.Config{URL: "http://" + r.web, User: who, Password: "pw"}
	s, err := ximss.Login(r.t.Context(), ximss.Client(cfg), cfg)
	if err != nil {
		r.t.Fatal(err)
	}
	defer s.Close(r.t.Context()) //nolint:errcheck // it ends by itself otherwise
	replies, err := s.Do(r.t.Context(), requests...)
	if err != nil {
		r.t.Fatal(err)
	}
	for i, p := range replies {
		if p.Err != nil {
			r.t.Fatalf("request %d of %s: %v", i, who, p.Err)
		}
	}
	return replies
}

// shown lists what a calendar has, past RMP: hours in Berlin and titles.
func (r *rig) shown(account string, day, days int) (out []string) {
	r.t.Helper()
	replies := r.as("all_events@a.test", ximss.OpenCalendar("c", "~"+account+"/Calendar"), ximss.FindEvents("c", at(day, 0), at(day+days, 0)))
	found, err := replies[1].Occurrences()
	if err != nil {
		r.t.Fatal(err)
	}
	first := at(0, 0)
	for _, o := range found {
		hours := o.Start.Sub(first).Hours()
		out = append(out, fmt.Sprintf("%d:%02d %s", int(hours)/24, int(hours)%24, o.Summary))
	}
	slices.Sort(out)
	return out
}

// inbox lists the subjects in a person's INBOX.
func (r *rig) inbox(who string) (out []string) {
	r.t.Helper()
	replies := r.as(who, ximss.OpenFolder("i", ximss.FolderView{Mailbox: "INBOX", Fields: []string{"Subject"}}), ximss.BrowseFolder("i", 0, 50))
	list, err := replies[1].FolderReports()
	if err != nil {
		r.t.Fatal(err)
	}
	for _, m := range list {
		out = append(out, m.Field("Subject"))
	}
	return out
}

// reconcile has every calendar compared, some time after the last write.
func (r *rig) reconcile() {
	r.t.Helper()
	r.clock += time.Minute
	rec := &reconcile.Reconciler{Store: r.db, Calendars: r.gw, Bookings: r.service, Teller: notify.Notifier{Mailer: r.gw}, Rules: r.rules, Interval: 30 * time.Second,
		Ahead: 30 * 24 * time.Hour, Budget: 1000, Now: r.now, Log: slog.New(slog.DiscardHandler), Count: func(k reconcile.Drift, n int) { r.drift[k] += n }, Changed: r.availability.Changed}
	if n, err := rec.Step(r.t.Context()); err != nil || n != 2 {
		r.t.Fatalf("compared %d calendars: %v", n, err)
	}
	for {
		n, err := r.worker.Step(r.t.Context())
		if err != nil {
			r.t.Fatal(err)
		}
		if n == 0 {
			return
		}
	}
}

func foreign(uid string, start, end time.Time) *ximss.Request {
	e := &ical.Event{UID: uid, Start: ical.At(start), End: ical.At(end), Summary: "From elsewhere", Organizer: &ical.Address{Email: ben}, Transp: "OPAQUE", BusyStatus: "BUSY"}
	return ximss.Publish("c", &ical.Calendar{Method: "PUBLISH", Events: []*ical.Event{e}})
}

func openRoom() *ximss.Request { return ximss.OpenCalendar("c", "~"+room+"/Calendar") }

func same(t *testing.T, what string, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s:\n got %q\nwant %q", what, got, want)
	}
}

// TestSeriesInCalendars: a series with its exceptions is the same in the
// calendars as in the database.
func TestSeriesInCalendars(t *testing.T) {
	r := newRig(t, filepath.Join(t.TempDir(), "rmp.db"))
	q := ask(0, 9, ben)
	q.Recurrence = &booking.Recurrence{RRule: "FREQ=DAILY;COUNT=4"}
	b := r.book(q)
	moved := ask(1, 14, ben)
	moved.Title = "Moved"
	if _, err := r.service.Change(t.Context(), r.anna, b.ID, 0, booking.Scope{Kind: booking.ScopeThis, Occurrence: at(1, 9)}, moved); err != nil {
		t.Fatal(err)
	}
	if _, err := r.service.Cancel(t.Context(), r.anna, b.ID, 0, booking.Scope{Kind: booking.ScopeThis, Occurrence: at(2, 9)}, ""); err != nil {
		t.Fatal(err)
	}
	for _, account := range []string{room, anna, ben, "all_events@a.test"} {
		same(t, account, r.shown(account, 0, 5), "0:09 Meeting", "1:14 Moved", "3:09 Meeting")
	}
	later := ask(3, 11, ben)
	later.Title = "Later"
	if _, err := r.service.Change(t.Context(), r.anna, b.ID, 0, booking.Scope{Kind: booking.ScopeFollowing, Occurrence: at(3, 9)}, later); err != nil {
		t.Fatal(err)
	}
	same(t, "split", r.shown(room, 0, 5), "0:09 Meeting", "1:14 Moved", "3:11 Later")
	r.reconcile()
	if len(r.drift) != 0 {
		t.Errorf("nobody else wrote, and there is drift: %v", r.drift)
	}
}

// TestOverlapMadeElsewhere: both organizers are told, with alternatives, and
// it is over when one of the two has gone.
func TestOverlapMadeElsewhere(t *testing.T) {
	r := newRig(t, filepath.Join(t.TempDir(), "rmp.db"))
	b := r.book(ask(0, 9))
	r.as(ben, openRoom(), foreign("outlook", at(0, 9).Add(30*time.Minute), at(0, 10).Add(30*time.Minute)), foreign("harmless", at(1, 9), at(1, 10)))
	r.reconcile()
	if r.drift[reconcile.Foreign] != 2 || r.drift[reconcile.Overlap] != 1 {
		t.Errorf("%v", r.drift)
	}
	got, err := r.service.Get(t.Context(), r.anna, b.ID)
	if err != nil || got.Status != booking.InConflict {
		t.Fatalf("%s, %v", got.Status, err)
	}
	for _, who := range []string{anna, ben} {
		list := r.inbox(who)
		if len(list) != 1 || !strings.Contains(list[0], "room is taken twice") {
			t.Errorf("%s has %q", who, list)
		}
	}
	open, err := r.db.For("a").Conflicts(t.Context(), false, 10)
	if err != nil || len(open) != 1 || open[0].Booking.ID != b.ID || open[0].Other.Organizer != ben {
		t.Fatalf("%+v, %v", open, err)
	}
	r.reconcile() // nothing is told twice
	if list := r.inbox(anna); len(list) != 1 || r.drift[reconcile.Overlap] != 1 {
		t.Errorf("%q %v", list, r.drift)
	}
	// The title can be changed though somebody overlaps; another time of the
	// foreign event's cannot be taken.
	named := ask(0, 9)
	named.Title = "Renamed"
	if _, err := r.service.Change(t.Context(), r.anna, b.ID, 0, booking.Scope{}, named); err != nil {
		t.Errorf("rename: %v", err)
	}
	var conflict *booking.ConflictError
	if _, err := r.service.Change(t.Context(), r.anna, b.ID, 0, booking.Scope{}, ask(1, 9)); !errors.As(err, &conflict) {
		t.Errorf("over a foreign event: %v", err)
	}
	if _, err := r.service.Change(t.Context(), r.anna, b.ID, 0, booking.Scope{}, ask(2, 9)); err != nil {
		t.Fatalf("the way out: %v", err)
	}
	r.reconcile()
	if got, err := r.service.Get(t.Context(), r.anna, b.ID); err != nil || got.Status != booking.Confirmed {
		t.Errorf("%s, %v", got.Status, err)
	}
	if open, err := r.db.For("a").Conflicts(t.Context(), false, 10); err != nil || len(open) != 0 {
		t.Errorf("%+v, %v", open, err)
	}
}

// TestOurEventsAreRepaired, or what was done to them is adopted.
func TestOurEventsAreRepaired(t *testing.T) {
	for _, adopt := range []bool{false, true} {
		t.Run(fmt.Sprintf("adopt=%t", adopt), func(t *testing.T) {
			r := newRig(t, filepath.Join(t.TempDir(), "rmp.db"))
			r.rules = reconcile.Rules{AdoptDeleted: adopt, AdoptMoved: adopt}
			deleted, moved, blocked := r.book(ask(0, 9)), r.book(ask(0, 12)), r.book(ask(0, 15))
			r.book(ask(0, 18))
			r.as(ben, openRoom(), ximss.Cancel("c", deleted.UID), foreign(moved.UID, at(1, 12), at(1, 13)), foreign(blocked.UID, at(0, 18), at(0, 19)))
			r.reconcile()
			if r.drift[reconcile.Deleted] != 1 || r.drift[reconcile.Moved] != 2 || r.drift[reconcile.Foreign] != 0 {
				t.Errorf("%v", r.drift)
			}
			state := func(id string) string {
				t.Helper()
				b, err := r.service.Get(t.Context(), r.anna, id)
				if err != nil {
					t.Fatal(err)
				}
				return fmt.Sprintf("%s %d", b.Status, int(b.Start.Sub(at(0, 0)).Hours()))
			}
			if adopt {
				same(t, "bookings", []string{state(deleted.ID), state(moved.ID), state(blocked.ID)}, "cancelled 9", "confirmed 36", "confirmed 15")
				same(t, "calendar", r.shown(room, 0, 2), "0:15 Meeting", "0:18 Meeting", "1:12 Meeting")
				same(t, "of anna", r.shown(anna, 0, 2), "0:15 Meeting", "0:18 Meeting", "1:12 Meeting")
			} else {
				same(t, "bookings", []string{state(deleted.ID), state(moved.ID), state(blocked.ID)}, "confirmed 9", "confirmed 12", "confirmed 15")
				same(t, "calendar", r.shown(room, 0, 2), "0:09 Meeting", "0:12 Meeting", "0:15 Meeting", "0:18 Meeting")
			}
			r.drift = map[reconcile.Drift]int{}
			r.reconcile()
			if len(r.drift) != 0 {
				t.Errorf("afterwards: %v", r.drift)
			}
		})
	}
}

// TestGuestsAndAnswers: who is elsewhere is sent the event, and answers of
// attendees come into the booking, in both modes.
func TestGuestsAndAnswers(t *testing.T) {
	for _, mode := range []booking.Mode{booking.Direct, booking.Invitation} {
		t.Run(string(mode), func(t *testing.T) {
			r := newRig(t, filepath.Join(t.TempDir(), "rmp.db"))
			q := ask(0, 9, ben, guest)
			q.Mode = mode
			b := r.book(q)
			for _, s := range b.Sync {
				if s.State != booking.Synced {
					t.Errorf("%+v", s)
				}
			}
			if list := r.inbox(guest); len(list) != 1 {
				t.Errorf("the guest has %q", list)
			}
			same(t, "room", r.shown(room, 0, 1), "0:09 Meeting")
			invited := r.as(guest, ximss.OpenFolder("i", ximss.FolderView{Mailbox: "INBOX"}), ximss.ReadMessage("i", 1, 1<<20))
			mail, err := invited[1].Message()
			if err != nil {
				t.Fatal(err)
			}
			cal, err := ical.FromXML(mail.Find("iCalendar"))
			if err != nil || cal.Method != "REQUEST" || cal.Events[0].UID != b.UID {
				t.Fatalf("%+v, %v", cal, err)
			}
			r.as(guest, ximss.Decline("", cal, "cannot"))
			n, err := r.gw.Answers(t.Context(), "a", func(a groupware.Answer) error {
				_, err := r.db.For("a").SetPartStat(t.Context(), a.UID, a.Email, a.PartStat, r.now())
				return err
			})
			if err != nil || n == 0 {
				t.Fatalf("%d answers, %v", n, err)
			}
			got, err := r.service.Get(t.Context(), r.anna, b.ID)
			if err != nil {
				t.Fatal(err)
			}
			for _, a := range got.Attendees {
				if a.Email == guest && a.PartStat != "declined" {
					t.Errorf("%+v", a)
				}
			}
			if _, err := r.service.Cancel(t.Context(), r.anna, b.ID, 0, booking.Scope{}, ""); err != nil {
				t.Fatal(err)
			}
			if list := r.inbox(guest); len(list) != 2 {
				t.Errorf("after the cancellation the guest has %q", list)
			}
			same(t, "room", r.shown(room, 0, 1))
		})
	}
}

// TestNoticeOfChanges: what somebody writes into a room's calendar is known
// without waiting for the next comparison.
func TestNoticeOfChanges(t *testing.T) {
	r := newRig(t, pgtest.URL(t))
	b := r.book(ask(0, 9))
	ctx, stop := context.WithCancel(t.Context())
	j := &jobs{engine: r.engine, rules: config.Reconcile{Interval: time.Hour, Days: 30, Budget: 1000, Watch: true}, log: slog.New(slog.DiscardHandler), owner: "me", m: telemetry.NewMetrics("test")}
	done := make(chan struct{})
	go func() { defer close(done); j.run(ctx) }()
	defer func() { stop(); <-done }()

	hub := events.NewHub(r.db, slog.New(slog.DiscardHandler), 20*time.Millisecond)
	go hub.Run(ctx)
	seen := make(chan events.Event, 100)
	go func() {
		_ = hub.Listen(ctx, "a", nil, func(e events.Event) error { seen <- e; return nil }, func() error { return nil })
	}()
	// The first comparison finds nothing; only notice brings the second.
	wait := func(what string, ok func() bool) {
		t.Helper()
		deadline, tick := time.After(20*time.Second), time.NewTicker(20*time.Millisecond)
		defer tick.Stop()
		for !ok() {
			select {
			case <-deadline:
				t.Fatalf("waited in vain: %s", what)
			case <-tick.C:
			}
		}
	}
	wait("the first comparison", func() bool {
		checks, err := r.db.For("a").CalendarChecks(ctx, 10)
		return err == nil && len(checks) == 2 && !checks[0].CheckedAt.IsZero() && !checks[1].CheckedAt.IsZero()
	})
	r.as(ben, openRoom(), foreign("outlook", at(0, 9), at(0, 10)))
	wait("the conflict", func() bool {
		select {
		case e := <-seen:
			return e.Kind == "booking.conflict" && e.BookingID == b.ID
		default:
			return false
		}
	})
}
