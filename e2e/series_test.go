//go:build e2e

package e2e

import (
	"net/http"
	"net/url"
	"testing"
	"time"
)

// TestSeriesOverHTTP: what the API says about series, from preview to undo.
func TestSeriesOverHTTP(t *testing.T) {
	p := start(t, running, "serve", "--listen", "127.0.0.1:0", "--data", t.TempDir())
	token, admin := p.login(t, "anna@example.test"), p.login(t, "admin@example.test")
	base := loadBase().Add(9 * time.Hour)
	at := func(day int) string { return base.AddDate(0, 0, day).Format(time.RFC3339) }
	body := map[string]any{"title": "S", "start": at(0), "end": base.Add(time.Hour).Format(time.RFC3339), "resources": []string{room}, "recurrence": "FREQ=DAILY;COUNT=4"}
	ok := func(want int, method, path string, b any) map[string]any {
		t.Helper()
		status, a := p.call(t, method, path, token, b)
		if status != want {
			t.Fatalf("%s %s: %d %v", method, path, status, a)
		}
		return a
	}
	dates := func() int {
		a := ok(200, "GET", "/api/v2/bookings?resource="+room+"&from="+at(-1)+"&till="+at(10), nil)
		n := 0
		for _, x := range a["items"].([]any) {
			if x.(map[string]any)["status"] != "cancelled" {
				n++
			}
		}
		return n
	}
	if a := ok(200, "POST", "/api/v2/bookings/preview", body); a["possible"] != true || len(a["dates"].([]any)) != 4 || dates() != 0 {
		t.Errorf("preview: %v", a)
	}
	b := ok(201, "POST", "/api/v2/bookings", body)
	one := "/api/v2/bookings/" + b["id"].(string)
	if b["occurrences"] != 4.0 || dates() != 4 {
		t.Errorf("%v, %d dates", b, dates())
	}
	scoped := func(scope string, day int) string {
		return one + "?scope=" + scope + "&occurrence=" + url.QueryEscape(at(day))
	}
	if a := ok(200, "DELETE", scoped("this", 1), nil); a["status"] != "confirmed" || dates() != 3 {
		t.Errorf("%v, %d dates", a, dates())
	}
	moved := map[string]any{"title": "Moved", "start": base.AddDate(0, 0, 2).Add(3 * time.Hour), "end": base.AddDate(0, 0, 2).Add(4 * time.Hour), "resources": []string{room}}
	if a := ok(200, "PUT", scoped("this", 2), moved); len(a["exceptions"].([]any)) != 2 || dates() != 3 {
		t.Errorf("%v, %d dates", a, dates())
	}
	if a := ok(200, "DELETE", scoped("following", 3), nil); a["status"] != "confirmed" || dates() != 2 {
		t.Errorf("%v, %d dates", a, dates())
	}
	ok(422, "DELETE", scoped("this", 9), nil)
	ok(200, "DELETE", one, map[string]string{"reason": "over"})
	if dates() != 0 {
		t.Errorf("%d dates are left", dates())
	}
	ok(200, "POST", one+"/restore", nil)
	if dates() != 2 {
		t.Errorf("%d dates came back", dates())
	}
	if h := ok(200, "GET", one+"/history", nil)["items"].([]any); len(h) != 6 || h[5].(map[string]any)["action"] != "restored" || h[5].(map[string]any)["before"] == nil {
		t.Errorf("%v", h)
	}

	// Rules of a resource, by the admin; a refusal names the rule.
	status, a := p.call(t, "PUT", "/api/v2/resource-types/parking-space/policy", admin, map[string]any{"maximumDurationInMinutes": 60})
	if status != http.StatusOK {
		t.Fatalf("%d %v", status, a)
	}
	long := map[string]any{"title": "Long", "start": at(0), "end": base.Add(2 * time.Hour), "resources": []string{"p1@parking.resources.example.test"}}
	a = ok(422, "POST", "/api/v2/bookings", long)
	if r := a["refusals"].([]any)[0].(map[string]any); r["rule"] != "maximumDurationInMinutes" || r["nearestEnd"] != base.Add(time.Hour).Format(time.RFC3339) {
		t.Errorf("%v", a)
	}
	if status, a := p.call(t, "PUT", "/api/v2/resource-types/parking-space/policy", token, map[string]any{}); status != http.StatusForbidden {
		t.Errorf("a user sets rules: %d %v", status, a)
	}
	status, a = p.call(t, "PUT", "/api/v2/resources/projector-1@equipment.resources.example.test", admin, map[string]any{"name": "Projector", "timeZone": "Europe/Berlin", "units": 3})
	if status != http.StatusOK || a["units"] != 3.0 {
		t.Fatalf("%d %v", status, a)
	}
	two := map[string]any{"title": "Two", "start": at(0), "end": base.Add(time.Hour), "resources": []any{map[string]any{"email": "projector-1@equipment.resources.example.test", "quantity": 2}}}
	ok(201, "POST", "/api/v2/bookings", two)
	ok(409, "POST", "/api/v2/bookings", two)

	// A hold, and the booking in its place.
	h := ok(201, "POST", "/api/v2/holds", map[string]any{"start": at(20), "end": base.AddDate(0, 0, 20).Add(time.Hour), "resources": []string{room}})
	held := map[string]any{"title": "Held", "start": at(20), "end": base.AddDate(0, 0, 20).Add(time.Hour), "resources": []string{room}}
	a = ok(409, "POST", "/api/v2/bookings", held)
	if a["conflicts"].([]any)[0].(map[string]any)["reason"] != "held" {
		t.Errorf("%v", a)
	}
	held["hold"] = h["id"]
	ok(201, "POST", "/api/v2/bookings", held)

	// A slot that is suggested can be booked.
	a = ok(200, "POST", "/api/v2/availability/slots", map[string]any{"users": []string{"anna@example.test", "ben@example.test"}, "anyOf": map[string]any{"type": "conference-room", "features": []string{"video"}},
		"duration": 45, "from": at(0), "till": at(3), "constraints": map[string]any{"timeZone": "Europe/Berlin", "workingHours": map[string]any{"start": "09:00", "end": "17:00"}}})
	slot := a["slots"].([]any)[0].(map[string]any)
	ok(201, "POST", "/api/v2/bookings", map[string]any{"title": "Suggested", "start": slot["start"], "end": slot["end"], "resources": slot["resources"]})
}
