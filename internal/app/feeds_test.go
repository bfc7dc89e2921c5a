package app

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"rmp/calendar/ical"
	"rmp/communigate/cli"
	"rmp/communigate/dataformat"
	"rmp/internal/tenant"
)

// TestFeeds: a link shows what its person may see, until it ends.
func TestFeeds(t *testing.T) {
	s := serve(t)
	bob := ofBen(t, s)
	s.asked(t, 201, "POST", "/api/v2/bookings", s.token, map[string]any{"title": "Secret plan", "private": true, "start": rfc(at(1, 9)), "end": rfc(at(1, 10)), "timeZone": "Europe/Berlin", "resources": []string{room}})
	s.asked(t, 201, "POST", "/api/v2/bookings", s.token, map[string]any{"title": "Weekly", "start": rfc(at(2, 9)), "end": rfc(at(2, 10)), "timeZone": "Europe/Berlin", "resources": []string{room}, "recurrence": "FREQ=WEEKLY;COUNT=3", "attendees": []string{ben}})
	get := func(url, match string) (int, http.Header, string) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), "GET", s.url+url, nil)
		if err != nil {
			t.Fatal(err)
		}
		if match != "" {
			req.Header.Set("If-None-Match", match)
		}
		res, err := s.client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close() //nolint:errcheck // read to the end
		text, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return res.StatusCode, res.Header, string(text)
	}
	mine := s.asked(t, 201, "POST", "/api/v2/feeds", s.token, map[string]any{})
	status, header, text := get(mine["url"].(string), "")
	if status != 200 || !strings.HasPrefix(header.Get("Content-Type"), "text/calendar") || !strings.Contains(text, "Secret plan") || strings.Contains(text, "METHOD:REQUEST") {
		t.Fatalf("%d %v %s", status, header, text)
	}
	files, err := ical.ParseText([]byte(text), ical.Limits{})
	if err != nil || len(files) != 1 || len(files[0].Events) != 2 || len(files[0].Zones) != 1 {
		t.Fatalf("%v %s", err, text)
	}
	if status, _, text := get(mine["url"].(string), header.Get("ETag")); status != 304 || text != "" {
		t.Errorf("%d %s", status, text)
	}
	// Ben's feeds: his own, and the room's, where the private title is hidden.
	own := s.asked(t, 201, "POST", "/api/v2/feeds", bob, map[string]any{})
	if _, _, text := get(own["url"].(string), ""); strings.Contains(text, "Secret plan") || !strings.Contains(text, "Weekly") {
		t.Errorf("%s", text)
	}
	rooms := s.asked(t, 201, "POST", "/api/v2/feeds", bob, map[string]any{"resource": room})
	if status, _, text := get(rooms["url"].(string), ""); status != 200 || strings.Contains(text, "Secret plan") || !strings.Contains(text, "Private") {
		t.Errorf("%d %s", status, text)
	}
	s.asked(t, 404, "POST", "/api/v2/feeds", bob, map[string]any{"resource": "nothing@a.test"})
	for _, guess := range []string{"/api/v2/feeds/guess/calendar.ics", strings.Replace(rooms["url"].(string), room, hall, 1), "/api/v2/resources/" + room + "/feed.ics?token="} {
		if status, _, _ := get(guess, ""); status != 404 && status != 422 {
			t.Errorf("%s: %d", guess, status)
		}
	}
	if list := items(s.asked(t, 200, "GET", "/api/v2/feeds", bob, nil)); len(list) != 2 || list[0]["url"] != nil {
		t.Errorf("%v", list)
	}
	s.asked(t, 404, "DELETE", "/api/v2/feeds/"+rooms["id"].(string), s.token, nil)
	s.asked(t, 204, "DELETE", "/api/v2/feeds/"+rooms["id"].(string), bob, nil)
	if status, _, _ := get(rooms["url"].(string), ""); status != 404 {
		t.Errorf("after its end: %d", status)
	}
	// Who may not enter any more has no feed.
	u, err := s.db.UserByEmail(t.Context(), ben)
	if err != nil {
		t.Fatal(err)
	}
	u.Active = false
	if err := s.db.SaveUser(t.Context(), &u, 0); err != nil {
		t.Fatal(err)
	}
	if status, _, _ := get(own["url"].(string), ""); status != 404 {
		t.Errorf("of somebody who is out: %d", status)
	}
}

// TestResourcesComeAndGo: created, adopted and removed.
func TestResourcesComeAndGo(t *testing.T) {
	s := serve(t)
	root := s.person(t, s.tenant, "root@a.test", tenant.Admin)
	const car = "van@vehicles.resources.a.test"
	body := map[string]any{"email": strings.ToUpper(car), "name": "Van", "timeZone": "Europe/Berlin", "capacity": 3, "features": []string{"hook"}}
	made := s.asked(t, 201, "POST", "/api/v2/resources", root, body)
	if made["email"] != car || made["type"] != "company-vehicle" {
		t.Errorf("%v", made)
	}
	s.asked(t, 422, "POST", "/api/v2/resources", root, body)
	b := s.asked(t, 201, "POST", "/api/v2/bookings", s.token, map[string]any{"title": "Trip", "start": rfc(at(1, 9)), "end": rfc(at(1, 10)), "resources": []string{car}})
	s.converge(b["id"].(string))
	for _, sync := range s.asked(t, 200, "GET", "/api/v2/bookings/"+b["id"].(string), s.token, nil)["sync"].([]any) {
		if sync.(map[string]any)["state"] != "synced" {
			t.Errorf("%v", sync)
		}
	}
	for field, bad := range map[string]map[string]any{"/email": {"email": "van@a.test", "name": "x", "timeZone": "UTC"}, "/type": {"email": "x@parking.resources.a.test", "type": "equipment", "name": "x", "timeZone": "UTC"},
		"/email ": {"email": "a b@parking.resources.a.test", "name": "x", "timeZone": "UTC"}, "/timeZone": {"email": "x@parking.resources.a.test", "name": "x", "timeZone": "Mars"}} {
		if a := s.asked(t, 422, "POST", "/api/v2/resources", root, bad); !strings.Contains(fmt.Sprint(a["errors"], a["detail"]), strings.TrimSpace(field)) {
			t.Errorf("%s: %v", field, a)
		}
	}
	s.asked(t, 409, "DELETE", "/api/v2/resources/"+car, root, nil)
	s.asked(t, 204, "DELETE", "/api/v2/resources/"+car+"?force=true&account=true", root, nil)
	s.asked(t, 404, "GET", "/api/v2/resources/"+car, root, nil)
	if x := s.asked(t, 200, "GET", "/api/v2/bookings/"+b["id"].(string), s.token, nil); x["status"] != "cancelled" {
		t.Errorf("%v", x)
	}
	s.asked(t, 201, "POST", "/api/v2/resources", root, body) // and back again

	// An account that an administrator of the mail server has made.
	c, err := cli.Dial(t.Context(), cli.Config{Addr: s.line, User: "postmaster", Password: "pw"})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close() //nolint:errcheck // the test is over
	const old = "beamer@equipment.resources.a.test"
	if err := errors.Join(c.CreateAccount(t.Context(), old, dataformat.Dict{"Password": "x", "RealName": "Old beamer"}), c.CreateAccount(t.Context(), "junk@a.test", dataformat.Dict{"Password": "x"})); err != nil {
		t.Fatal(err)
	}
	find := func(a map[string]any) map[string]any {
		for _, x := range items(a) {
			if x["email"] == old {
				return x
			}
			if x["result"] != "known" {
				t.Errorf("%v", x)
			}
		}
		return nil
	}
	if x := find(s.asked(t, 200, "POST", "/api/v2/admin/resources/adopt?dryRun=true", root, nil)); x["result"] != "adopted" || x["name"] != "Old beamer" {
		t.Errorf("%v", x)
	}
	s.asked(t, 404, "GET", "/api/v2/resources/"+old, root, nil)
	if x := find(s.asked(t, 200, "POST", "/api/v2/admin/resources/adopt", root, nil)); x["result"] != "adopted" {
		t.Errorf("%v", x)
	}
	if x := find(s.asked(t, 200, "POST", "/api/v2/admin/resources/adopt", root, nil)); x["result"] != "known" {
		t.Errorf("%v", x)
	}
	s.asked(t, 201, "POST", "/api/v2/bookings", s.token, map[string]any{"title": "Show", "start": rfc(at(1, 9)), "end": rfc(at(1, 10)), "resources": []string{old}})
}

// TestMissingRightIsRepaired: the account that writes bookings lost its right
// to a calendar; that is noticed before the write, and mended.
func TestMissingRightIsRepaired(t *testing.T) {
	s := serve(t)
	c, err := cli.Dial(t.Context(), cli.Config{Addr: s.line, User: "postmaster", Password: "pw"})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close() //nolint:errcheck // the test is over
	if err := c.SetMailboxACL(t.Context(), anna, "Calendar", dataformat.Dict{"all_events@a.test": "lr"}); err != nil {
		t.Fatal(err)
	}
	k := s.asked(t, 201, "POST", "/api/v2/auth/tokens", s.token, map[string]any{"name": "x", "scopes": []string{"people:write"}, "expiresAt": time.Now().Add(time.Hour)})["token"].(string)
	s.asked(t, 201, "POST", "/api/v2/calendars/"+anna+"/events", k, map[string]any{"title": "By a script", "start": rfc(at(1, 9)), "end": rfc(at(1, 10))})
	acl, err := c.MailboxACL(t.Context(), anna, "Calendar")
	if err != nil || acl["all_events@a.test"] != "lrswipkxtea" {
		t.Errorf("%v, %v", acl, err)
	}
}

// TestOwnTypes: an organisation's own kind of resource is made, used, and not
// taken away while it has resources.
func TestOwnTypes(t *testing.T) {
	s := serve(t)
	root := s.person(t, s.tenant, "root@a.test", tenant.Admin)
	settings := func(types ...any) map[string]any {
		return map[string]any{"name": "A", "timeZone": "Europe/Berlin", "mode": "direct", "resourceTypes": types}
	}
	boat := map[string]any{"type": "boat", "prefix": "boats.resources.", "label": "Boat"}
	s.asked(t, 200, "PUT", "/api/v2/admin/settings", root, settings(boat))
	if list := items(s.asked(t, 200, "GET", "/api/v2/resource-types", s.token, nil)); len(list) != 6 || list[5]["label"] != "Boat" {
		t.Errorf("%v", list)
	}
	const email = "ada@boats.resources.a.test"
	if a := s.asked(t, 201, "POST", "/api/v2/resources", root, map[string]any{"email": email, "name": "Ada", "timeZone": "UTC"}); a["type"] != "boat" {
		t.Errorf("%v", a)
	}
	s.asked(t, 201, "POST", "/api/v2/bookings", s.token, map[string]any{"title": "Trip", "start": rfc(at(1, 9)), "end": rfc(at(1, 10)), "resources": []string{email}})
	s.asked(t, 422, "PUT", "/api/v2/admin/settings", root, settings())
	for name, bad := range map[string]map[string]any{"/type": {"type": "Boat!", "prefix": "b.", "label": "B"}, "/prefix": {"type": "b2", "prefix": "x", "label": "B"}, "/prefix ": {"type": "b3", "prefix": "confroom.resources.", "label": "B"},
		"/type ": {"type": "equipment", "prefix": "e.", "label": "B"}, "/label": {"type": "b4", "prefix": "b4.", "label": "a\nb"}} {
		a := s.asked(t, 422, "PUT", "/api/v2/admin/settings", root, settings(boat, bad))
		if !strings.Contains(fmt.Sprint(a["errors"]), "/resourceTypes/1"+strings.TrimSpace(name)) {
			t.Errorf("%s: %v", name, a)
		}
	}
}
