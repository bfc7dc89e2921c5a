package app

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"rmp/calendar/ical"
	"rmp/calendar/zone"
	"rmp/internal/audit"
	"rmp/internal/tenant"
)

// asked sends a request and reads the answer as JSON.
func (s *served) asked(t testing.TB, want int, method, path, token string, body any) map[string]any {
	t.Helper()
	status, text := s.send(t, method, path, token, body)
	if status != want {
		t.Fatalf("%s %s: %d %s", method, path, status, text)
	}
	out := map[string]any{}
	if text != "" {
		if err := json.Unmarshal([]byte(text), &out); err != nil {
			t.Fatal(err, text)
		}
	}
	return out
}

func items(a map[string]any) []map[string]any {
	var out []map[string]any
	list, _ := a["items"].([]any)
	for _, x := range list {
		out = append(out, x.(map[string]any))
	}
	return out
}

func rfc(t time.Time) string { return t.UTC().Format(time.RFC3339) }

func span(from, till time.Time) string {
	return "?startDate=" + url.QueryEscape(rfc(from)) + "&endDate=" + url.QueryEscape(rfc(till))
}

func ofBen(t testing.TB, s *served) string {
	t.Helper()
	return s.person(t, s.tenant, ben, tenant.User)
}

// TestPlainEvents: the life of an event and of a series in one's calendar,
// and its refusals.
func TestPlainEvents(t *testing.T) {
	s := serve(t)
	const mine = "/api/v2/calendars/" + anna
	event := map[string]any{"title": "Dentist", "start": rfc(at(1, 9)), "end": rfc(at(1, 10)), "location": "Town", "private": true}
	made := s.asked(t, 201, "POST", mine+"/events", s.token, event)
	one := mine + "/events/" + url.PathEscape(made["uid"].(string))
	if x := s.asked(t, 200, "GET", one, s.token, nil); x["title"] != "Dentist" || x["private"] != true || x["location"] != "Town" || x["start"] != rfc(at(1, 9)) {
		t.Errorf("%v", x)
	}
	event["uid"] = made["uid"]
	s.asked(t, 422, "POST", mine+"/events", s.token, event)
	delete(event, "uid")

	// A change of what has changed meanwhile is refused.
	event["title"] = "Dentist, moved"
	event["start"], event["end"] = rfc(at(1, 11)), rfc(at(1, 12))
	tag := s.asked(t, 200, "GET", one, s.token, nil)["etag"].(string)
	s.asked(t, 200, "PUT", one, s.token, event)
	if status, text := s.sendWith(t, "PUT", one, s.token, event, http.Header{"If-Match": {tag}}); status != 412 {
		t.Errorf("%d %s", status, text)
	}
	list := items(s.asked(t, 200, "GET", mine+"/events"+span(at(1, 0), at(2, 0)), s.token, nil))
	if len(list) != 1 || list[0]["title"] != "Dentist, moved" || list[0]["start"] != rfc(at(1, 11)) {
		t.Errorf("%v", list)
	}
	// It blocks in free/busy at once.
	busy := s.asked(t, 200, "POST", "/api/v2/availability/check", s.token, map[string]any{"users": []string{anna}, "start": rfc(at(1, 11)), "end": rfc(at(1, 12))})
	if busy["available"] != false {
		t.Errorf("%v", busy)
	}
	s.asked(t, 204, "DELETE", one, s.token, nil)
	s.asked(t, 404, "GET", one, s.token, nil)
	s.asked(t, 404, "DELETE", one, s.token, nil)

	// A series; one date is changed, another removed.
	series := s.asked(t, 201, "POST", mine+"/events", s.token, map[string]any{"title": "Gym", "start": rfc(at(3, 18)), "end": rfc(at(3, 19)), "timeZone": "Europe/Berlin", "recurrence": "FREQ=DAILY;COUNT=5"})
	one = mine + "/events/" + url.PathEscape(series["uid"].(string))
	dates := func(query string) (titles []string) {
		for _, x := range items(s.asked(t, 200, "GET", mine+"/events"+span(at(3, 0), at(9, 0))+query, s.token, nil)) {
			titles = append(titles, x["title"].(string)+" "+x["start"].(string))
		}
		return titles
	}
	if got := dates(""); len(got) != 5 {
		t.Fatalf("%v", got)
	}
	if got := dates("&includeRecurring=false"); len(got) != 1 {
		t.Errorf("%v", got)
	}
	q := "?occurrence=" + url.QueryEscape(rfc(at(4, 18)))
	s.asked(t, 200, "PUT", one+q, s.token, map[string]any{"title": "Swim", "start": rfc(at(4, 20)), "end": rfc(at(4, 21)), "timeZone": "Europe/Berlin"})
	s.asked(t, 204, "DELETE", one+"?occurrence="+url.QueryEscape(rfc(at(5, 18))), s.token, nil)
	want := []string{"Gym " + rfc(at(3, 18)), "Swim " + rfc(at(4, 20)), "Gym " + rfc(at(6, 18)), "Gym " + rfc(at(7, 18))}
	if got := dates(""); !slices.Equal(got, want) {
		t.Errorf("%v, not %v", got, want)
	}
	s.asked(t, 422, "PUT", one+"?occurrence="+url.QueryEscape(rfc(at(5, 19))), s.token, map[string]any{"title": "X", "start": rfc(at(5, 20)), "end": rfc(at(5, 21))})

	// A booking's event is not changed here.
	b := s.asked(t, 201, "POST", "/api/v2/bookings", s.token, map[string]any{"title": "Booked", "start": rfc(at(10, 9)), "end": rfc(at(10, 10)), "resources": []string{room}})
	s.converge(b["id"].(string))
	bookedURL := mine + "/events/" + url.PathEscape(b["uid"].(string))
	if x := s.asked(t, 200, "GET", bookedURL, s.token, nil); x["booking"] != true {
		t.Errorf("%v", x)
	}
	s.asked(t, 403, "DELETE", bookedURL, s.token, nil)
	for name, bad := range map[string]map[string]any{
		"/title": {"start": rfc(at(1, 9)), "end": rfc(at(1, 10)), "title": " "}, "/end": {"title": "x", "start": rfc(at(1, 9)), "end": rfc(at(1, 9))}, "/timeZone": {"title": "x", "start": rfc(at(1, 9)), "end": rfc(at(1, 10)), "timeZone": "Mars"},
		"/recurrence": {"title": "x", "start": rfc(at(1, 9)), "end": rfc(at(1, 10)), "recurrence": "FREQ=SOMETIMES"}, "/attendees": {"title": "x", "start": rfc(at(1, 9)), "end": rfc(at(1, 10)), "attendees": []string{"no address"}},
		"/allDay": {"title": "x", "start": rfc(at(1, 9)), "end": rfc(at(2, 9)), "allDay": true},
	} {
		a := s.asked(t, 422, "POST", mine+"/events", s.token, bad)
		if !strings.Contains(fmt.Sprint(a["errors"]), name) {
			t.Errorf("%s: %v", name, a)
		}
	}
	s.asked(t, 404, "GET", "/api/v2/calendars/nobody@a.test/events"+span(at(1, 0), at(2, 0)), s.token, nil)
	s.asked(t, 404, "GET", "/api/v2/calendars/x@elsewhere.test/events"+span(at(1, 0), at(2, 0)), s.token, nil)
	s.asked(t, 422, "GET", mine+"/events"+span(at(2, 0), at(1, 0)), s.token, nil)
}

func (s *served) sendWith(t testing.TB, method, path, token string, body any, header http.Header) (int, string) {
	t.Helper()
	j, err := json.Marshal(body)
	if raw, ok := body.([]byte); ok {
		j, err = raw, nil
	}
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), method, s.url+path, bytes.NewReader(j))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	for k, v := range header {
		req.Header[k] = v
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
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
	return res.StatusCode, string(text)
}

// TestDelegates: what the words grant is what the server lets them do.
func TestDelegates(t *testing.T) {
	s := serve(t)
	bob := ofBen(t, s)
	const of = "/api/v2/calendars/" + anna
	event := func(title string, hour int) map[string]any {
		return map[string]any{"title": title, "start": rfc(at(1, hour)), "end": rfc(at(1, hour+1))}
	}
	s.asked(t, 201, "POST", of+"/events", s.token, event("Secret plan", 9))
	events := of + "/events" + span(at(1, 0), at(2, 0))

	// Nothing yet: only that she is busy.
	status, text := s.send(t, "GET", events, bob, nil)
	if status == 200 && (strings.Contains(text, "Secret plan") || !strings.Contains(text, `"freeBusy":true`)) || status >= 500 {
		t.Errorf("%d %s", status, text)
	}
	if status, text := s.send(t, "POST", of+"/events", bob, event("By Ben", 11)); status != 403 && status != 404 {
		t.Errorf("%d %s", status, text)
	}
	s.asked(t, 404, "GET", of+"/delegates", bob, nil)
	s.asked(t, 404, "PUT", of+"/delegates/"+ben, bob, map[string]any{"level": "manage"})

	d := s.asked(t, 200, "PUT", of+"/delegates/"+ben, s.token, map[string]any{"level": "read"})
	if d["rights"] != "lrs" || d["level"] != "read" || len(d["words"].([]any)) != 3 {
		t.Errorf("%v", d)
	}
	if _, text := s.send(t, "GET", events, bob, nil); !strings.Contains(text, "Secret plan") {
		t.Errorf("%s", text)
	}
	s.asked(t, 403, "POST", of+"/events", bob, event("By Ben", 11))
	s.asked(t, 403, "GET", of+"/delegates", bob, nil)
	shared := items(s.asked(t, 200, "GET", "/api/v2/calendars", bob, nil))
	if !slices.ContainsFunc(shared, func(c map[string]any) bool {
		return c["owner"] == anna && c["type"] == "shared" && c["access"] == "read-only"
	}) {
		t.Errorf("%v", shared)
	}

	s.asked(t, 200, "PUT", of+"/delegates/"+ben, s.token, map[string]any{"level": "write"})
	s.asked(t, 201, "POST", of+"/events", bob, event("By Ben", 11))
	if _, text := s.send(t, "GET", events, s.token, nil); !strings.Contains(text, "By Ben") {
		t.Errorf("%s", text)
	}
	s.asked(t, 200, "PUT", of+"/delegates/"+ben, s.token, map[string]any{"level": "manage"})
	list := items(s.asked(t, 200, "GET", of+"/delegates", bob, nil))
	if !slices.ContainsFunc(list, func(d map[string]any) bool { return d["delegate"] == ben && d["level"] == "manage" }) {
		t.Errorf("%v", list)
	}
	s.asked(t, 204, "DELETE", of+"/delegates/"+ben, s.token, nil)
	s.asked(t, 404, "DELETE", of+"/delegates/"+ben, s.token, nil)
	if _, text := s.send(t, "GET", events, bob, nil); strings.Contains(text, "Secret plan") {
		t.Errorf("after it was taken back: %s", text)
	}
	for _, x := range []struct {
		delegate string
		body     map[string]any
		want     int
	}{{anna, map[string]any{"level": "read"}, 422}, {"x@elsewhere.test", map[string]any{"level": "read"}, 422}, {ben, map[string]any{"level": "all"}, 422}, {ben, map[string]any{"rights": "lrz"}, 422},
		{ben, map[string]any{}, 422}, {"all_events@a.test", map[string]any{"level": "see"}, 422}} {
		s.asked(t, x.want, "PUT", of+"/delegates/"+x.delegate, s.token, x.body)
	}
	s.asked(t, 403, "DELETE", of+"/delegates/all_events@a.test", s.token, nil)

	// An administrator reaches it, and that is written down.
	root := s.person(t, s.tenant, "root@a.test", tenant.Admin)
	if _, text := s.send(t, "GET", events, root, nil); !strings.Contains(text, "Secret plan") {
		t.Errorf("%s", text)
	}
	entries, err := s.db.Entries(t.Context(), "a", audit.Filter{Actor: "root@a.test", Action: "list-events", Limit: 10})
	if err != nil || len(entries) != 1 || entries[0].Detail["calendar"] != anna {
		t.Errorf("%+v %v", entries, err)
	}
}

// TestScriptsReachOnlyTheirOwn: a token has no password at the mail server;
// what its person may is asked of the server first.
func TestScriptsReachOnlyTheirOwn(t *testing.T) {
	s := serve(t)
	bob := ofBen(t, s)
	k := s.asked(t, 201, "POST", "/api/v2/auth/tokens", bob, map[string]any{"name": "x", "scopes": []string{"people:read", "people:write"}, "expiresAt": time.Now().Add(time.Hour)})["token"].(string)
	event := map[string]any{"title": "By a script", "start": rfc(at(1, 9)), "end": rfc(at(1, 10))}
	s.asked(t, 201, "POST", "/api/v2/calendars/"+ben+"/events", k, event)
	s.asked(t, 404, "GET", "/api/v2/calendars/"+anna+"/events"+span(at(1, 0), at(2, 0)), k, nil)
	s.asked(t, 404, "POST", "/api/v2/calendars/"+anna+"/events", k, event)
	s.asked(t, 200, "PUT", "/api/v2/calendars/"+anna+"/delegates/"+ben, s.token, map[string]any{"level": "read"})
	s.asked(t, 200, "GET", "/api/v2/calendars/"+anna+"/events"+span(at(1, 0), at(2, 0)), k, nil)
	s.asked(t, 403, "POST", "/api/v2/calendars/"+anna+"/events", k, event)
	if a := s.asked(t, 403, "GET", "/api/v2/contacts", k, nil); !strings.Contains(fmt.Sprint(a["detail"]), "password") {
		t.Errorf("%v", a)
	}
}

// TestInvitations: an event with attendees is sent, answered, and the answer
// reaches the organizer.
func TestInvitations(t *testing.T) {
	s := serve(t)
	bob := ofBen(t, s)
	s.asked(t, 201, "POST", "/api/v2/calendars/"+anna+"/events", s.token, map[string]any{"title": "Lunch", "start": rfc(at(1, 12)), "end": rfc(at(1, 13)), "attendees": []string{ben}, "sendInvitations": true})
	list := items(s.asked(t, 200, "GET", "/api/v2/invitations", bob, nil))
	if len(list) != 1 || list[0]["event"].(map[string]any)["title"] != "Lunch" {
		t.Fatalf("%v", list)
	}
	one := fmt.Sprintf("/api/v2/invitations/%v/answer", list[0]["id"])
	s.asked(t, 422, "POST", one, bob, map[string]any{"answer": "perhaps"})
	s.asked(t, 404, "POST", "/api/v2/invitations/999/answer", bob, map[string]any{"answer": "accepted"})
	s.asked(t, 204, "POST", one, bob, map[string]any{"answer": "accepted", "comment": "with pleasure"})
	s.asked(t, 404, "POST", one, bob, map[string]any{"answer": "declined"})
	if list := items(s.asked(t, 200, "GET", "/api/v2/invitations", bob, nil)); len(list) != 0 {
		t.Errorf("%v", list)
	}
	if list := items(s.asked(t, 200, "GET", "/api/v2/calendars/"+ben+"/events"+span(at(1, 0), at(2, 0)), bob, nil)); len(list) != 1 || list[0]["title"] != "Lunch" {
		t.Errorf("%v", list)
	}
}

const outlook = `BEGIN:VCALENDAR
PRODID:-//Microsoft Corporation//Outlook 16.0 MIMEDIR//EN
VERSION:2.0
METHOD:PUBLISH
BEGIN:VTIMEZONE
TZID:W. Europe Standard Time
BEGIN:STANDARD
DTSTART:16010101T030000
RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10
TZOFFSETFROM:+0200
TZOFFSETTO:+0100
END:STANDARD
BEGIN:DAYLIGHT
DTSTART:16010101T020000
RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3
TZOFFSETFROM:+0100
TZOFFSETTO:+0200
END:DAYLIGHT
END:VTIMEZONE
BEGIN:VEVENT
UID:good-1
DTSTAMP:20260101T000000Z
DTSTART;TZID=W. Europe Standard Time:20300304T090000
DTEND;TZID=W. Europe Standard Time:20300304T100000
RRULE:FREQ=WEEKLY;COUNT=3
SUMMARY:Weekly\, with a comma
BEGIN:VALARM
ACTION:DISPLAY
TRIGGER:-PT15M
DESCRIPTION:Soon
END:VALARM
END:VEVENT
BEGIN:VEVENT
UID:good-2
DTSTAMP:20260101T000000Z
DTSTART;VALUE=DATE:20300305
SUMMARY:A day
END:VEVENT
BEGIN:VEVENT
DTSTAMP:20260101T000000Z
DTSTART:20300305T090000Z
SUMMARY:Without UID
END:VEVENT
BEGIN:VEVENT
UID:bad-end
DTSTART:20300305T090000Z
DTEND:20300304T090000Z
SUMMARY:Backwards
END:VEVENT
BEGIN:VEVENT
UID:bad-zone
DTSTART;TZID=Mars/Olympus:20300305T090000
SUMMARY:Nowhere
END:VEVENT
END:VCALENDAR
`

// TestImportAndExport: a file goes in with a report for each event, comes out
// with its zone, and goes in again without doubling.
func TestImportAndExport(t *testing.T) {
	s := serve(t)
	const mine = "/api/v2/calendars/" + anna
	load := func(text string) map[string]any {
		t.Helper()
		status, body := s.sendWith(t, "POST", mine+"/import", s.token, []byte(text), http.Header{"Content-Type": {"text/calendar"}})
		if status != 200 {
			t.Fatalf("%d %s", status, body)
		}
		out := map[string]any{}
		if err := json.Unmarshal([]byte(body), &out); err != nil {
			t.Fatal(err)
		}
		return out
	}
	a := load(strings.ReplaceAll(outlook, "\n", "\r\n"))
	if a["created"] != 2.0 || a["refused"] != 3.0 {
		t.Fatalf("%v", a)
	}
	for _, x := range items(a) {
		if x["result"] == "refused" && (x["reason"] == nil || x["reason"] == "") {
			t.Errorf("%v", x)
		}
	}
	if a := load(outlook); a["created"] != 0.0 || a["updated"] != 2.0 {
		t.Errorf("again: %v", a)
	}
	q := "?from=2030-03-01T00:00:00Z&till=2030-04-01T00:00:00Z"
	list := items(s.asked(t, 200, "GET", mine+"/events?startDate=2030-03-01T00:00:00Z&endDate=2030-04-01T00:00:00Z", s.token, nil))
	if len(list) != 4 {
		t.Errorf("%v", list)
	}
	status, text := s.send(t, "GET", mine+"/export.ics"+q, s.token, nil)
	if status != 200 {
		t.Fatal(status, text)
	}
	files, err := ical.ParseText([]byte(text), ical.Limits{})
	if err != nil || len(files) != 1 || len(files[0].Events) != 2 || len(files[0].Zones) == 0 {
		t.Fatalf("%v\n%s", err, text)
	}
	for _, x := range files[0].Events {
		if x.UID == "good-1" {
			if x.Summary != "Weekly, with a comma" || len(x.RRules) != 1 || len(x.Alarms) != 1 {
				t.Errorf("%+v", x)
			}
			if start, _, err := x.Span(files[0].Resolve(zone.Resolver{}.Load), time.UTC); err != nil || !start.Equal(time.Date(2030, 3, 4, 8, 0, 0, 0, time.UTC)) {
				t.Errorf("%v %v", start, err)
			}
		}
	}
	for name, bad := range map[string]string{"nothing": "", "another file": "BEGIN:VCARD\nEND:VCARD\n", "garbage": "\x00\xff", "no events": "BEGIN:VCALENDAR\nVERSION:2.0\nEND:VCALENDAR\n"} {
		if status, body := s.sendWith(t, "POST", mine+"/import", s.token, []byte(bad), http.Header{"Content-Type": {"text/calendar"}}); status != 422 && status != 400 {
			t.Errorf("%s: %d %s", name, status, body)
		}
	}
	bob := ofBen(t, s)
	if status, body := s.sendWith(t, "POST", mine+"/import", bob, []byte(outlook), http.Header{"Content-Type": {"text/calendar"}}); status != 403 && status != 404 {
		t.Errorf("into another's calendar: %d %s", status, body)
	}
}
