package app

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"rmp/internal/tenant"
)

// TestAnswersInTheLanguageOfTheRequest: refusals, conflicts, rules and
// suggestions are said in German to who asks for it; types and pointers do not
// change.
func TestAnswersInTheLanguageOfTheRequest(t *testing.T) {
	s := serve(t)
	admin := s.person(t, s.tenant, "root@a.test", tenant.Admin)
	s.asked(t, 200, "PUT", "/api/v2/resource-types/conference-room/policy", admin, map[string]any{"maximumDurationInMinutes": 120})
	at := time.Date(2028, 3, 1, 9, 0, 0, 0, time.UTC)
	book := func(start time.Time, length time.Duration) map[string]any {
		return map[string]any{"title": "T", "start": start, "end": start.Add(length), "resources": []string{room}}
	}
	s.asked(t, 201, "POST", "/api/v2/bookings", admin, book(at, time.Hour))
	for _, c := range []struct {
		path     string
		body     map[string]any
		status   int
		de, en   []string
		anywhere []string
	}{
		{"/api/v2/bookings", book(at, time.Hour), 409, []string{`"title":"Die Zeit ist belegt"`, "Minuten später"}, []string{`"title":"The time is taken"`, "minutes later"}, []string{"urn:rmp:problem:conflict"}},
		{"/api/v2/bookings", book(at.AddDate(-20, 0, 0), time.Hour), 422, []string{`"title":"So geht es nicht"`, "liegt in der Vergangenheit"}, []string{`"title":"Not acceptable"`, "is in the past"}, []string{`"pointer":"/end"`}},
		{"/api/v2/bookings", book(at.AddDate(0, 0, 1), 3*time.Hour), 422, []string{"bucht man für höchstens 2 Stunden", "Gegen die Regeln der Ressource"}, []string{"is booked for at most 2 hours"}, []string{"maximumDurationInMinutes"}},
		{"/api/v2/bookings/preview", book(at.AddDate(0, 0, 1), 3*time.Hour), 200, []string{"bucht man für höchstens 2 Stunden"}, []string{"is booked for at most 2 hours"}, []string{`"state":"refused"`}},
		{"/api/v2/availability/slots", map[string]any{"users": []string{"root@a.test"}, "anyOf": map[string]any{"type": "conference-room", "minCapacity": 1000}, "duration": 60, "from": at, "till": at.AddDate(0, 0, 1)}, 200,
			[]string{"keine Ressource der Art Raum hat 1000 Plätze; die größte hat 4 (hall)"}, []string{"no conference-room has 1000 seats; the largest has 4 (hall)"}, []string{`"kind":"resources"`}},
		{"/api/v2/resources/import?dryRun=true", nil, 200, []string{"name: fehlt"}, []string{"name: is missing"}, []string{`"result":"refused"`}},
	} {
		for header, want := range map[string][]string{"de-DE,de;q=0.9": c.de, "": c.en, "fr": c.en} {
			h := http.Header{"Accept-Language": {header}}
			var body any = c.body
			if c.body == nil {
				h.Set("Content-Type", "text/csv")
				body = []byte("name,capacity\n,5\n")
			}
			status, text := s.sendWith(t, "POST", c.path, admin, body, h)
			if status != c.status {
				t.Errorf("%s in %q: %d %s", c.path, header, status, text)
			}
			for _, w := range append(want, c.anywhere...) {
				if !strings.Contains(text, w) {
					t.Errorf("%s in %q has no %q: %s", c.path, header, w, text)
				}
			}
		}
	}
}
