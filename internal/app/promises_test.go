package app

import (
	"bytes"
	"io"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rmp/calendar/ical"
	"rmp/communigate/ximss"
	"rmp/internal/booking"
	"rmp/internal/people"
	"rmp/internal/reconcile"
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
	if got, err := r.service.Restore(t.Context(), r.anna, b.ID, 0, time.Time{}); err == nil {
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
	if _, err := r.service.Restore(t.Context(), r.anna, b.ID, 0, time.Time{}); err == nil || !strings.Contains(err.Error(), "out of service") {
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

// TestForeignTitlesAreForTheirOwn: what another program's event in a room is
// about, which may be private, is told to its organizer and to who runs the
// room; others learn who to ask.
func TestForeignTitlesAreForTheirOwn(t *testing.T) {
	s := serve(t)
	root := s.person(t, s.tenant, "root@a.test", tenant.Admin)
	other := s.person(t, s.tenant, ben, tenant.User)
	e := &ical.Event{UID: "priv", Start: ical.At(at(0, 9)), End: ical.At(at(0, 10)), Summary: "Dismissal of X", Class: "PRIVATE", Organizer: &ical.Address{Email: ben}, Transp: "OPAQUE", BusyStatus: "BUSY"}
	s.as(ben, openRoom(), ximss.Publish("c", &ical.Calendar{Method: "PUBLISH", Events: []*ical.Event{e}}))
	path := "/api/v2/resources/" + room + "/calendar?from=" + url.QueryEscape(rfc(at(0, 0))) + "&till=" + url.QueryEscape(rfc(at(1, 0)))
	for who, c := range map[string]struct {
		token string
		sees  bool
	}{"anna": {s.token, false}, "ben": {other, true}, "root": {root, true}} {
		_, text := s.send(t, "GET", path, c.token, nil)
		if strings.Contains(text, "Dismissal") != c.sees || !strings.Contains(text, ben) {
			t.Errorf("%s is told %s", who, text)
		}
	}
	status, text := s.send(t, "POST", "/api/v2/bookings", s.token, map[string]any{"title": "x", "start": rfc(at(0, 9)), "end": rfc(at(0, 10)), "resources": []string{room}})
	if status != 409 || strings.Contains(text, "Dismissal") || !strings.Contains(text, ben) {
		t.Errorf("%d %s", status, text)
	}
}

// TestForwardedEventTakesItsRoom: one of our events that was forwarded into
// another room's calendar takes that room, and is known there as foreign.
func TestForwardedEventTakesItsRoom(t *testing.T) {
	r := newRig(t, filepath.Join(t.TempDir(), "rmp.db"))
	b := r.book(ask(0, 9))
	r.converge(b.ID)
	r.as("all_events@a.test", ximss.OpenCalendar("c", "~"+hall+"/Calendar"), foreign(b.UID, at(0, 9), at(0, 10)))
	r.clock += time.Minute
	r.reconcile()
	if r.drift[reconcile.Foreign] != 1 || r.drift[reconcile.Ghost] != 0 {
		t.Errorf("drift %v", r.drift)
	}
	q := ask(0, 9)
	q.Resources[0].Email = hall
	if _, err := r.service.Create(t.Context(), r.anna, q); err == nil {
		t.Errorf("booked over what is there: %q", r.shown(hall, 0, 1))
	}
}

// TestDroppedThenForeign: giving up to write a booking into the room's
// calendar does not make it blind to what others write there.
func TestDroppedThenForeign(t *testing.T) {
	r := newRig(t, filepath.Join(t.TempDir(), "rmp.db"))
	r.fail("ximss:calendarPublish:refuse")
	b := r.book(ask(0, 9))
	for range 12 {
		r.clock += 10 * time.Minute
		if _, err := r.worker.Step(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	r.heal()
	if n, err := r.db.For("a").DropDeadLetters(t.Context(), b.ID, "somebody", r.now()); err != nil || n == 0 {
		t.Fatal(n, err)
	}
	r.as(ben, openRoom(), foreign("outlook", at(0, 9), at(0, 10)))
	r.reconcile()
	got, err := r.service.Get(t.Context(), r.anna, b.ID)
	if err != nil || got.Status != booking.InConflict || r.drift[reconcile.Overlap] != 1 {
		t.Errorf("a live booking that an event overlaps: %s, drift %v, %v", got.Status, r.drift, err)
	}
}

// TestNothingIsPostedOverABooking: an event with the UID of a booking is not
// put into a calendar that the booking is in, at whatever time it is.
func TestNothingIsPostedOverABooking(t *testing.T) {
	s := serve(t)
	b := s.book(ask(0, 9))
	s.converge(b.ID)
	status, text := s.send(t, "POST", "/api/v2/calendars/"+anna+"/events", s.token, map[string]any{"uid": b.UID, "title": "mine now", "start": rfc(at(5, 9)), "end": rfc(at(5, 10))})
	if status != 403 || !strings.Contains(text, "is a booking") {
		t.Errorf("%d %s", status, text)
	}
	x := &ical.Event{UID: b.UID, Start: ical.At(at(5, 9)), End: ical.At(at(5, 10)), Stamp: ical.At(at(0, 9)), Summary: "Imported"}
	file := (&ical.Calendar{Version: "2.0", ProdID: "x", Events: []*ical.Event{x}}).AppendText(nil)
	req, err := http.NewRequestWithContext(t.Context(), "POST", s.url+"/api/v2/calendars/"+anna+"/import", bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	req.Header = http.Header{"Authorization": {"Bearer " + s.token}, "Content-Type": {"text/calendar"}}
	res, err := s.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(res.Body)
	_ = res.Body.Close()
	if err != nil || res.StatusCode != 200 || !strings.Contains(string(answer), "is a booking") {
		t.Errorf("%d %s, %v", res.StatusCode, answer, err)
	}
	if shown := s.shown(anna, 0, 8); len(shown) != 1 || shown[0] != "0:09 Meeting" {
		t.Errorf("the calendar: %q", shown)
	}
}

// TestSecretsAreNotKept: the address of a feed is a secret, and is not stored
// to be answered again.
func TestSecretsAreNotKept(t *testing.T) {
	s := serve(t)
	req, err := http.NewRequestWithContext(t.Context(), "POST", s.url+"/api/v2/feeds", strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	req.Header = http.Header{"Authorization": {"Bearer " + s.token}, "Content-Type": {"application/json"}, "Idempotency-Key": {"k"}}
	res, err := s.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	kept, err := s.db.For("a").BeginIdempotent(t.Context(), anna, "k", "another request", s.now(), s.now().Add(-time.Minute))
	if res.StatusCode != 201 || kept != nil || err != nil { // an error: there is something under the key
		t.Errorf("%d, kept %+v, %v", res.StatusCode, kept, err)
	}
}

// TestImportChangesWhatTheFileSays: a file with few columns does not wipe what
// it does not speak of.
func TestImportChangesWhatTheFileSays(t *testing.T) {
	s := serve(t)
	root := s.person(t, s.tenant, "root@a.test", tenant.Admin)
	s.asked(t, 200, "PUT", "/api/v2/resources/"+room, root, map[string]any{"name": "Room", "timeZone": "Europe/Vienna", "capacity": 12, "units": 3, "features": []string{"screen"}, "site": "HQ", "floor": "2", "active": false})
	req, err := http.NewRequestWithContext(t.Context(), "POST", s.url+"/api/v2/resources/import?update=true", strings.NewReader("name,email,timezone,floor\nNew name,"+room+",,\n"))
	if err != nil {
		t.Fatal(err)
	}
	req.Header = http.Header{"Authorization": {"Bearer " + root}, "Content-Type": {"text/csv"}}
	res, err := s.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	got := s.asked(t, 200, "GET", "/api/v2/resources/"+room, root, nil)
	if res.StatusCode != 200 || got["name"] != "New name" || got["site"] != "HQ" || got["active"] != false || got["units"] != 3.0 || got["capacity"] != 12.0 || got["timeZone"] != "Europe/Vienna" || got["floor"] != nil ||
		len(got["features"].([]any)) != 1 {
		t.Errorf("%d: %v", res.StatusCode, got)
	}
}
