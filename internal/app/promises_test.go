package app

import (
	"path/filepath"
	"strings"
	"testing"

	"rmp/calendar/ical"
	"rmp/communigate/ximss"
	"rmp/internal/booking"
	"rmp/internal/people"
	"rmp/internal/tenant"
)

// elsewhere writes an event into the room's calendar by another program.
func elsewhere(r *rig, uid string, hour int) {
	r.t.Helper()
	e := &ical.Event{UID: uid, Start: ical.At(at(0, hour)), End: ical.At(at(0, hour+1)), Summary: "From elsewhere", Organizer: &ical.Address{Email: "all_events@a.test"}, Transp: "OPAQUE", BusyStatus: "BUSY"}
	r.as("all_events@a.test", ximss.OpenCalendar("c", "~"+room+"/Calendar"), ximss.Publish("c", &ical.Calendar{Method: "PUBLISH", Events: []*ical.Event{e}}))
}

// TestRestoreAsksAnew: a cancelled booking holds nothing; what came into the
// calendar since, and rules that came since, are in the way of its return.
func TestRestoreAsksAnew(t *testing.T) {
	r := newRig(t, filepath.Join(t.TempDir(), "rmp.db"))
	b := r.book(ask(0, 9))
	if _, err := r.service.Cancel(t.Context(), r.anna, b.ID, 0, booking.Scope{}, ""); err != nil {
		t.Fatal(err)
	}
	r.converge(b.ID)
	elsewhere(r, "outlook", 9)
	if got, err := r.service.Restore(t.Context(), r.anna, b.ID, 0); err == nil {
		t.Errorf("restored as %s over what is there: %q", got.Status, r.shown(room, 0, 1))
	}
}

// TestRestoreOfWhatIsNotThere: nothing is restored onto a resource that is out
// of service.
func TestRestoreOfWhatIsNotThere(t *testing.T) {
	r := newRig(t, filepath.Join(t.TempDir(), "rmp.db"))
	b := r.book(ask(0, 9))
	if _, err := r.service.Cancel(t.Context(), r.anna, b.ID, 0, booking.Scope{}, ""); err != nil {
		t.Fatal(err)
	}
	res, err := r.db.For("a").Resource(t.Context(), room)
	if err != nil {
		t.Fatal(err)
	}
	res.Active = false
	if err := r.db.For("a").SaveResource(t.Context(), &res); err != nil {
		t.Fatal(err)
	}
	if _, err := r.service.Restore(t.Context(), r.anna, b.ID, 0); err == nil || !strings.Contains(err.Error(), "out of service") {
		t.Errorf("restored: %v", err)
	}
}

// TestPrivatePlaceStaysPrivate: the room's calendar does not tell where a
// private booking takes place besides.
func TestPrivatePlaceStaysPrivate(t *testing.T) {
	r := newRig(t, filepath.Join(t.TempDir(), "rmp.db"))
	q := ask(0, 9)
	q.Private, q.Title, q.Location = true, "Interview", "Clinic of Dr. Y"
	b := r.book(q)
	r.converge(b.ID)
	of, err := r.db.Tenant(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	items, err := r.gw.Events(t.Context(), people.Caller{Tenant: of, Email: of.ServiceAccount()}, room, at(0, 0), at(1, 0))
	if err != nil || len(items.Events) != 1 {
		t.Fatal(items, err)
	}
	for _, e := range items.Events {
		if e.Summary != "Private" || strings.Contains(e.Location, "Clinic") || e.Location == "" {
			t.Errorf("summary %q, location %q", e.Summary, e.Location)
		}
	}
}

// TestConflictsHoldTheirResource: a resource with a live booking that is in
// conflict is not removed without a word.
func TestConflictsHoldTheirResource(t *testing.T) {
	s := serve(t)
	root := s.person(t, s.tenant, "root@a.test", tenant.Admin)
	b := s.book(ask(0, 9))
	s.converge(b.ID)
	elsewhere(s.rig, "outlook", 9)
	s.reconcile()
	if got, err := s.service.Get(t.Context(), s.anna, b.ID); err != nil || got.Status != booking.InConflict {
		t.Fatal(got.Status, err)
	}
	s.asked(t, 409, "DELETE", "/api/v2/resources/"+room, root, nil)
}

// TestFreeBusyEndsAtTheWall: who is busy at another organisation, and whether
// there is such an account, is not told.
func TestFreeBusyEndsAtTheWall(t *testing.T) {
	s := serve(t)
	b := tenant.Tenant{ID: "b", Domain: "b.test", Name: "B", TimeZone: "UTC", Mode: "direct", Active: true, ServicePassword: "pw"}
	if err := s.db.SaveTenant(t.Context(), &b); err != nil {
		t.Fatal(err)
	}
	if err := s.gw.EnsureTenant(t.Context(), b, true); err != nil {
		t.Fatal(err)
	}
	bob := s.person(t, b, "bob@b.test", tenant.Admin)
	s.asked(t, 201, "POST", "/api/v2/calendars/bob@b.test/events", bob, map[string]any{"title": "secret", "start": at(1, 9), "end": at(1, 10)})
	asks := map[string]any{"emails": []string{"bob@b.test", "nobody@b.test"}, "from": at(1, 0), "till": at(2, 0)}
	items := s.asked(t, 200, "POST", "/api/v2/freebusy", s.token, asks)["items"].([]any)
	for _, x := range items {
		if i := x.(map[string]any); i["error"] != "unknown" || len(i["busy"].([]any)) != 0 {
			t.Errorf("told to another organisation: %v", i)
		}
	}
	own := s.asked(t, 200, "POST", "/api/v2/freebusy", bob, asks)["items"].([]any)[0].(map[string]any)
	if len(own["busy"].([]any)) != 1 {
		t.Errorf("told to one's own: %v", own)
	}
}
