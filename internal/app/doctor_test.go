package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"rmp/calendar/ical"
	"rmp/communigate/cli"
	"rmp/communigate/dataformat"
	"rmp/internal/booking"
	"rmp/internal/directory"
	"rmp/internal/doctor"
	"rmp/internal/people"
	"rmp/internal/reconcile"
	"rmp/internal/tenant"
)

func newDoctor(s *served) *doctor.Doctor {
	return doctor.New(doctor.Deps{DB: s.db, Groupware: s.gw, Now: s.now, Log: slog.New(slog.DiscardHandler)})
}

func examine(t *testing.T, d *doctor.Doctor, of tenant.Tenant, checks ...string) doctor.Report {
	t.Helper()
	r, err := d.Run(t.Context(), of, doctor.Options{Checks: checks})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// ill are what did not pass, as check and subject.
func ill(r doctor.Report) (out []string) {
	for _, f := range r.Findings {
		if f.Status != doctor.Pass {
			out = append(out, f.Check+" "+f.Subject)
		}
	}
	return out
}

// TestDoctor: every fault is found with its cause, evidence and cure, and
// nothing else; the repair leaves nothing to find; and taking it back brings
// the faults back.
func TestDoctor(t *testing.T) {
	for name, target := range engineTargets(t) {
		t.Run(name, func(t *testing.T) { testDoctor(t, serveOn(t, target)) })
	}
}

func testDoctor(t *testing.T, s *served) {
	ctx := t.Context()
	d := newDoctor(s)
	// The rig's account of Anna has what its tests need; the rest is made.
	if err := s.gw.EnsurePerson(ctx, s.tenant, anna, "Anna", "pw"); err != nil {
		t.Fatal(err)
	}
	if r := examine(t, d, s.tenant); len(ill(r)) > 0 {
		for _, f := range r.Findings {
			if f.Status != doctor.Pass {
				t.Errorf("%+v", f)
			}
		}
		t.Fatal("a sound installation is not found sound")
	}
	list, err := s.db.For("a").Resources(ctx, directory.Filter{})
	if err != nil || len(list) < 2 {
		t.Fatal(list, err)
	}
	admin := func(fn func(c *cli.Conn) error) {
		t.Helper()
		if err := s.gw.Admin(ctx, s.tenant, fn); err != nil {
			t.Fatal(err)
		}
	}
	made := func(local string) directory.Resource {
		t.Helper()
		r := directory.Resource{Email: local + "@confroom.resources.a.test", Type: "conference-room", Name: local, TimeZone: "Europe/Berlin", Active: true}
		if err := s.gw.EnsureResource(ctx, s.tenant, r); err != nil {
			t.Fatal(err)
		}
		if err := s.db.For("a").SaveResource(ctx, &r); err != nil {
			t.Fatal(err)
		}
		return r
	}
	faults := []struct {
		check, subject string
		break_         func(c *cli.Conn, account string) error
	}{
		{"resource.calendar", "no-calendar", func(c *cli.Conn, a string) error { return c.DeleteMailbox(ctx, a, "Calendar") }},
		{"resource.class", "wrong-class", func(c *cli.Conn, a string) error { return c.SetMailboxClass(ctx, a, "Calendar", "IPF.Task") }},
		{"resource.right", "no-right", func(c *cli.Conn, a string) error {
			return c.SetMailboxACL(ctx, a, "Calendar", dataformat.Dict{s.tenant.ServiceAccount(): "lr"})
		}},
		{"resource.settings", "no-settings", func(c *cli.Conn, a string) error {
			return c.UpdateAccountSettings(ctx, a, dataformat.Dict{"AutoAccept": "NO"})
		}},
		{"resource.services", "no-mail", func(c *cli.Conn, a string) error {
			return c.UpdateAccountSettings(ctx, a, dataformat.Dict{"AccessModes": dataformat.Array{"IMAP"}})
		}},
		{"resource.rule", "rule-switched-off", func(c *cli.Conn, a string) error {
			rules, err := c.AccountMailRules(ctx, a)
			for _, r := range rules {
				r.(dataformat.Array)[0] = "0"
			}
			return errors.Join(err, c.SetAccountMailRules(ctx, a, rules))
		}},
		{"resource.rule", "no-rule", func(c *cli.Conn, a string) error { return c.SetAccountMailRules(ctx, a, dataformat.Array{}) }},
		{"resource.timeZone", "wrong-zone", func(c *cli.Conn, a string) error {
			return c.UpdateAccountPrefs(ctx, a, dataformat.Dict{"TimeZone": "Asia/Tokyo"})
		}},
		{"resource.account", "no-account", func(c *cli.Conn, a string) error { return c.DeleteAccount(ctx, a) }},
		{"resource.events", "free-event", func(c *cli.Conn, a string) error { return publishFree(ctx, s, a) }},
	}
	var want []string
	for _, f := range faults {
		r := made(f.subject)
		admin(func(c *cli.Conn) error { return f.break_(c, r.Email) })
		want = append(want, f.check+" "+r.Email)
	}
	admin(func(c *cli.Conn) error { // an account without a row, a person without contacts
		if err := c.CreateAccount(ctx, "stray@confroom.resources.a.test", dataformat.Dict{"RealName": "Stray"}); err != nil {
			return err
		}
		return c.DeleteMailbox(ctx, anna, "Contacts")
	})
	want = append(want, "resource.row stray@confroom.resources.a.test", "person.contacts "+anna)
	admin(func(c *cli.Conn) error { // a domain without services, and one that is missing
		if err := c.UpdateDomainSettings(ctx, "parking.resources.a.test", dataformat.Dict{"DomainAccessModes": dataformat.Array{"Mail"}}); err != nil {
			return err
		}
		return c.DeleteDomain(ctx, "vehicles.resources.a.test", true)
	})
	want = append(want, "domain.services parking.resources.a.test", "domain.exists vehicles.resources.a.test")
	if err := s.db.Checked(ctx, firstCheck(t, s), s.now(), s.now().Add(time.Hour), "it could not be read"); err != nil {
		t.Fatal(err)
	}

	examine(t, d, s.tenant) // changes nothing
	r := examine(t, d, s.tenant)
	got := slices.DeleteFunc(ill(r), func(x string) bool { return strings.HasPrefix(x, "calendar.drift ") })
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Fatalf("found:\n%s\nwanted:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	for _, f := range r.Findings {
		if f.Status != doctor.Pass && (f.Cause == "" || f.Cure == "" || len(f.Evidence) == 0 || f.Evidence[0].Command == "" || f.Evidence[0].Answer == "" || len(f.Steps) == 0) {
			t.Errorf("incomplete: %+v", f)
		}
	}
	if !slices.ContainsFunc(ill(r), func(x string) bool { return strings.HasPrefix(x, "calendar.drift ") }) {
		t.Error("the calendar that could not be compared was not found")
	}

	run, done, err := d.Fix(ctx, s.tenant, doctor.Options{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if left := slices.DeleteFunc(ill(examine(t, d, s.tenant)), func(x string) bool {
		return strings.HasPrefix(x, "calendar.drift ") // compared when it is due
	}); len(left) > 0 {
		t.Errorf("left after the repair: %s", strings.Join(left, "\n"))
	}
	undone, err := d.Undo(ctx, s.tenant, run)
	if err != nil {
		t.Fatal(err)
	}
	changed := slices.DeleteFunc(slices.Clone(done), func(x doctor.Done) bool {
		return x.Undo == nil && (x.Step.Op == "write-again" || x.Step.Op == "check-now" || x.Step.Op == "retry-writes")
	})
	if len(undone) != len(changed) {
		t.Errorf("%d steps were taken back, of %d", len(undone), len(changed))
	}
	again := ill(examine(t, d, s.tenant, "resource", "domain", "person"))
	for _, w := range want {
		if !slices.Contains(again, w) && !strings.HasPrefix(w, "resource.row") {
			t.Errorf("%s is not back after the repair was taken back:\n%s", w, strings.Join(again, "\n"))
		}
	}
	if second, err := d.Undo(ctx, s.tenant, run); err != nil || slices.ContainsFunc(second, func(x doctor.Done) bool { return x.Undone }) {
		t.Errorf("taken back twice: %v, %v", second, err)
	}
	if _, err := d.Undo(ctx, s.tenant, "nothing"); err == nil {
		t.Error("a run that never was is taken back")
	}
	if _, err := d.Undo(ctx, tenant.Tenant{ID: "b"}, run); err == nil {
		t.Error("another tenant takes it back")
	}
}

// publishFree writes an event that does not block time.
func publishFree(ctx context.Context, s *served, account string) error {
	start := time.Now().Add(48 * time.Hour).UTC().Truncate(time.Hour)
	e := &ical.Event{UID: "free-one", Summary: "Maybe", Start: ical.At(start), End: ical.At(start.Add(time.Hour)), Transp: "TRANSPARENT", BusyStatus: "FREE", Stamp: ical.At(start)}
	return s.gw.Publish(ctx, people.Caller{Tenant: s.tenant, Email: s.tenant.ServiceAccount()}, account, &ical.Calendar{Events: []*ical.Event{e}}, false)
}

// TestDoctorOfTheServer: what concerns the server and the service account.
func TestDoctorOfTheServer(t *testing.T) {
	s := serve(t)
	ctx := t.Context()
	d := newDoctor(s)
	find := func(check string) doctor.Finding {
		t.Helper()
		r := examine(t, d, s.tenant)
		i := slices.IndexFunc(r.Findings, func(f doctor.Finding) bool { return f.Check == check && f.Status != doctor.Pass })
		if i < 0 {
			t.Fatalf("%s was not found among %v", check, ill(r))
		}
		return r.Findings[i]
	}
	// The password of the service account differs.
	if err := s.gw.Admin(ctx, s.tenant, func(c *cli.Conn) error { return c.SetAccountPassword(ctx, s.tenant.ServiceAccount(), "another") }); err != nil {
		t.Fatal(err)
	}
	if f := find("service.login"); len(f.Steps) != 1 || strings.Contains(fmt.Sprintf("%+v", f), "another") {
		t.Errorf("%+v", f)
	}
	if _, _, err := d.Fix(ctx, s.tenant, doctor.Options{Checks: []string{"service"}}, nil); err != nil {
		t.Fatal(err)
	}
	if left := ill(examine(t, d, s.tenant, "service")); len(left) > 0 {
		t.Error(left)
	}
	// The clocks differ.
	s.clock = 5 * time.Minute
	if f := find("server.clock"); !strings.Contains(f.Cause, "5m") {
		t.Errorf("%+v", f)
	}
	s.clock = 0
	// No session is free.
	s.fail("ximss:login:limit")
	if f := ill(examine(t, d, s.tenant)); !slices.ContainsFunc(f, func(x string) bool {
		return strings.HasPrefix(x, "server.sessions") || strings.HasPrefix(x, "service.login")
	}) {
		t.Error(f)
	}
	s.heal()
	// The server is away: that is said, and nothing is guessed.
	s.fail("cli:*:lose")
	r := examine(t, d, s.tenant)
	if !slices.Contains(ill(r), "server.reach a.test") {
		t.Error(ill(r))
	}
	for _, f := range r.Findings {
		if strings.HasPrefix(f.Check, "resource.") && f.Status != doctor.Pass {
			t.Errorf("guessed while the server is away: %+v", f)
		}
	}
}

// firstCheck has a calendar's check leased, as the reconciler would.
func firstCheck(t *testing.T, s *served) reconcile.Check {
	t.Helper()
	list, err := s.db.LeaseChecks(t.Context(), "test", s.now(), s.now().Add(time.Minute), 1)
	if err != nil || len(list) == 0 {
		t.Fatal(list, err)
	}
	return list[0]
}

// TestAskServer: an administrator reads about the organisation's own accounts
// and domains, without passwords; everything else is refused before it is
// sent.
func TestAskServer(t *testing.T) {
	s := serve(t)
	admin := s.person(t, s.tenant, "root@a.test", tenant.Admin)
	say := func(want int, command string) map[string]any {
		t.Helper()
		return s.asked(t, want, "POST", "/api/v2/admin/cli", admin, map[string]any{"command": command})
	}
	if a := say(200, "getaccountsettings "+anna)["answer"].(map[string]any); a["RealName"] == nil || a["Password"] != nil {
		t.Error(a)
	}
	if a := say(200, "LISTMAILBOXES "+room)["answer"].(map[string]any); a["Calendar"] == nil {
		t.Error(a)
	}
	for _, c := range []string{"LISTDOMAINS", "GETACCOUNTSETTINGS postmaster", "GETACCOUNTSETTINGS guest@elsewhere.test", "GETACCOUNTSETTINGS a.test", "GETACCOUNTSETTINGS bob%elsewhere.test@a.test", "DELETEACCOUNT " + anna, "SHUTDOWN", "UPDATEACCOUNTSETTINGS " + anna + " {RealName=x;}", "LISTACCOUNTS elsewhere.test"} {
		say(403, c)
	}
	say(422, "GETACCOUNTSETTINGS \""+anna)
	say(422, "GETACCOUNTSETTINGS "+anna+"\r\nSHUTDOWN")
}

// TestDoctorAfterLoss: calendars that were lost, and the account of all
// bookings, are found, made again and written again; what holds bookings by
// then is not taken away by undoing the repair.
func TestDoctorAfterLoss(t *testing.T) {
	for engine, target := range engineTargets(t) {
		t.Run(engine, func(t *testing.T) {
			s := serveOn(t, target)
			ctx := t.Context()
			d := doctor.New(doctor.Deps{DB: s.db, Groupware: s.gw, Now: s.now, Log: slog.New(slog.DiscardHandler)})
			b := s.book(ask(0, 9))
			s.converge(b.ID)
			all := s.tenant.ServiceAccount()
			onServer := func(fn func(c *cli.Conn) error) {
				t.Helper()
				if err := s.gw.Admin(ctx, s.tenant, fn); err != nil {
					t.Fatal(err)
				}
			}
			for name, x := range map[string]struct {
				want []string
				fn   func(c *cli.Conn) error
			}{
				"calendars": {[]string{"resource.calendar " + room, "service.calendar " + all}, func(c *cli.Conn) error {
					return errors.Join(c.DeleteMailbox(ctx, room, "Calendar"), c.DeleteMailbox(ctx, all, "Calendar"))
				}},
				"the account": {[]string{"service.login " + all}, func(c *cli.Conn) error { return c.DeleteAccount(ctx, all) }},
				"an emptied calendar": {[]string{"resource.bookings " + room}, func(c *cli.Conn) error {
					return errors.Join(c.DeleteMailbox(ctx, room, "Calendar"), c.CreateMailbox(ctx, room, "Calendar"), c.SetMailboxClass(ctx, room, "Calendar", "IPF.Appointment"),
						c.SetMailboxACL(ctx, room, "Calendar", dataformat.Dict{all: "lrswipkxtea"}))
				}},
			} {
				onServer(x.fn)
				got := ill(examine(t, d, s.tenant, "resource", "service"))
				for _, w := range x.want {
					if !slices.Contains(got, w) {
						t.Errorf("%s: found %v, not %s", name, got, w)
					}
				}
				run, done, err := d.Fix(ctx, s.tenant, doctor.Options{}, nil)
				if err != nil {
					t.Fatal(name, err)
				}
				s.converge(b.ID)
				if left := ill(examine(t, d, s.tenant, "resource", "service")); len(left) > 0 {
					t.Errorf("%s: left after the repair: %v", name, left)
				}
				for _, account := range []string{room, all} {
					if shown := s.shown(account, 0, 1); len(shown) != 1 {
						t.Errorf("%s: in the calendar of %s: %v", name, account, shown)
					}
				}
				undone, err := d.Undo(ctx, s.tenant, run)
				if err != nil {
					t.Fatal(name, err)
				}
				for _, x := range undone {
					if strings.HasPrefix(x.Step.Op, "create-") && (x.Undone || !strings.Contains(x.Error, "holds something")) {
						t.Errorf("%s: %s: taken back %v, %s", name, x.Step, x.Undone, x.Error)
					}
				}
				onServer(func(c *cli.Conn) error {
					info, err := c.MailboxInfo(ctx, room, "Calendar")
					if fmt.Sprint(info["Messages"]) != "1" {
						t.Errorf("%s: after %d steps were taken back: %v", name, len(done), info)
					}
					return err
				})
				if _, _, err := d.Fix(ctx, s.tenant, doctor.Options{}, nil); err != nil { // rights that were taken back
					t.Fatal(err)
				}
			}
		})
	}
}

// TestUndoOfServices: undoing puts back a value that is a single word.
func TestUndoOfServices(t *testing.T) {
	s := serve(t)
	ctx := t.Context()
	d := newDoctor(s)
	const domain = "confroom.resources.a.test"
	show := func() (out string) {
		if err := s.gw.Admin(ctx, s.tenant, func(c *cli.Conn) error {
			v, err := c.DomainSettings(ctx, domain)
			out = fmt.Sprintf("%#v", v["DomainAccessModes"])
			return err
		}); err != nil {
			t.Fatal(err)
		}
		return out
	}
	if err := s.gw.Admin(ctx, s.tenant, func(c *cli.Conn) error {
		return c.UpdateDomainSettings(ctx, domain, dataformat.Dict{"DomainAccessModes": "None"})
	}); err != nil {
		t.Fatal(err)
	}
	before := show()
	run, _, err := d.Fix(ctx, s.tenant, doctor.Options{Checks: []string{"domain.services"}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if show() == before {
		t.Fatal("nothing was repaired")
	}
	if _, err := d.Undo(ctx, s.tenant, run); err != nil {
		t.Fatal(err)
	}
	if after := show(); after != before {
		t.Errorf("before %s, after undo %s", before, after)
	}
}

// TestUndoOfAdoptionKeepsWhatIsBooked: a resource that was taken over, and has
// been booked since, is left as it is.
func TestUndoOfAdoptionKeepsWhatIsBooked(t *testing.T) {
	s := serve(t)
	ctx := t.Context()
	d := newDoctor(s)
	const old = "beamer@equipment.resources.a.test"
	if err := s.gw.Admin(ctx, s.tenant, func(c *cli.Conn) error {
		return c.CreateAccount(ctx, old, dataformat.Dict{"Password": "x", "RealName": "Old beamer"})
	}); err != nil {
		t.Fatal(err)
	}
	run, _, err := d.Fix(ctx, s.tenant, doctor.Options{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	q := ask(0, 9)
	q.Resources[0].Email = old
	b := s.book(q)
	s.converge(b.ID)
	done, err := d.Undo(ctx, s.tenant, run)
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range done {
		if x.Step.Account == old && (x.Undone || x.Error == "") {
			t.Errorf("undone: %s", x.Step)
		}
	}
	if _, err := s.db.For("a").Resource(ctx, old); err != nil {
		t.Error(err)
	}
	if found := ill(examine(t, d, s.tenant)); strings.Contains(fmt.Sprint(found), old) {
		t.Errorf("not well afterwards: %v", found)
	}
	if _, err := s.service.Cancel(ctx, s.anna, b.ID, 0, booking.Scope{}, ""); err != nil {
		t.Fatal(err)
	}
	s.converge(b.ID)
	if _, err := d.Undo(ctx, s.tenant, run); err != nil {
		t.Fatal(err)
	}
	if _, err := s.db.For("a").Resource(ctx, old); err == nil {
		t.Error("what is not booked any more was not taken out")
	}
}
