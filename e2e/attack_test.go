//go:build e2e

package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"rmp/communigate/cli"
)

// payloads are texts that would do something if any of the wires, the
// database, a page or the log took them for more than a text.
var payloads = map[string]string{
	"CLI":           "x\"}\r\nCREATEDOMAIN evil.test\r\n{\"",
	"CLI %":         "x%0d%0aCREATEDOMAIN evil.test%0a",
	"CLI \\":        `x\"} ; CREATEDOMAIN evil.test \e \r\n`,
	"XML":           `x"/><calendarCancel calendar="w0" itemUID="x"/><!--]]>&evil;`,
	"XML entity":    `<!DOCTYPE x [<!ENTITY evil SYSTEM "file:///etc/passwd">]>&evil;`,
	"SQL":           `x'; DROP TABLE bookings; --`,
	"SQL LIKE":      `%_\' OR ''='`,
	"iCalendar":     "x\r\nEND:VEVENT\r\nBEGIN:VEVENT\r\nUID:evil\r\nSUMMARY:evil",
	"vCard":         "x\nEND:VCARD\nBEGIN:VCARD\nFN:evil",
	"CSV":           "=cmd|' /C calc'!A0,@evil,+1,-1",
	"HTML":          `"><script>alert('evil')</script><img src=x onerror=evil()>`,
	"header":        "x\r\nX-Evil: 1\r\n\r\n<html>",
	"log":           "x\ntime=2026-01-01T00:00:00Z level=ERROR msg=evil",
	"zero":          "x\x00y",
	"direction":     "x\u202eevil\u2066\u200b",
	"terminal":      "x\x1b[2J\x1b]0;evil\x07",
	"template":      "{{.}}${evil}#{evil}%s%n%d",
	"path":          "../../../../etc/passwd",
	"long":          strings.Repeat("x", 64<<10),
	"combining":     "x" + strings.Repeat("\u0301", 1000),
	"not a scalar":  "\ufffe\uffff\U0010ffff",
	"only blanks":   " \t\u00a0\u2003 ",
	"mail address":  "\"x\r\nRCPT TO:<evil@evil.test>\"@example.test",
	"RRULE":         "FREQ=DAILY\r\nRRULE:FREQ=SECONDLY",
	"JSON in JSON":  `{"$ref":"#/evil","__proto__":{"role":"admin"}}`,
	"Unicode lines": "x\u2028\u2029\u0085evil",
}

// document is as much of an OpenAPI document as the attack needs.
type document struct {
	Paths map[string]map[string]struct {
		ID         string `json:"operationId"`
		Parameters []struct {
			Name, In string
			Schema   schema
		}
		RequestBody struct {
			Content map[string]struct{ Schema schema }
		}
	}
	Components struct{ Schemas map[string]schema }
}

type schema struct {
	Ref        string `json:"$ref"`
	Type       any
	Enum       []any
	Items      *schema
	Properties map[string]schema
}

func (d *document) resolve(s schema) schema {
	for s.Ref != "" {
		s = d.Components.Schemas[strings.TrimPrefix(s.Ref, "#/components/schemas/")]
	}
	return s
}

func (s schema) is(kind string) bool {
	switch t := s.Type.(type) {
	case string:
		return t == kind
	case []any:
		return slices.Contains(t, any(kind))
	}
	return false
}

// texts calls do with the way to every text in a body of the schema.
func (d *document) texts(s schema, way []string, do func(way []string)) {
	s = d.resolve(s)
	switch {
	case len(way) > 6:
	case s.is("string"):
		do(slices.Clone(way))
	case s.is("array") && s.Items != nil:
		d.texts(*s.Items, append(way, "[]"), do)
	case len(s.Properties) > 0:
		for _, k := range slices.Sorted(maps.Keys(s.Properties)) {
			d.texts(s.Properties[k], append(way, k), do)
		}
	}
}

// put sets a text in a copy of a body.
func put(body any, way []string, text string) any {
	if len(way) == 0 {
		return text
	}
	if way[0] == "[]" {
		return []any{put(nil, way[1:], text)}
	}
	out := map[string]any{}
	if m, ok := body.(map[string]any); ok {
		maps.Copy(out, m)
	}
	out[way[0]] = put(out[way[0]], way[1:], text)
	return out
}

// TestInjection sends every payload through every text of every operation
// that the OpenAPI document has, and looks afterwards at what it did.
func TestInjection(t *testing.T) {
	if testing.Short() {
		t.Fatal("this test is not for -short")
	}
	data := t.TempDir()
	web, line := standinOf(t, t.TempDir())
	p := start(t, running, withCGP(web, line, "--data", data, "--demo", "yes", "--log-level", "debug", "--limits.in-flight", "0")...)
	token := p.login(t, "admin@example.test")
	_, made := p.call(t, "POST", "/api/v2/bookings", token, request(1, room))
	id, _ := made["id"].(string)
	own := func(path string, body map[string]any, field string) string {
		status, a := p.call(t, "POST", path, token, body)
		if status != 201 {
			t.Fatal(status, a)
		}
		return a[field].(string)
	}
	startE, endE := slot(20)
	uid := own("/api/v2/calendars/admin@example.test/events", map[string]any{"title": "E", "start": startE, "end": endE}, "uid")
	contact := own("/api/v2/contacts", map[string]any{"name": "C"}, "id")
	group := own("/api/v2/contact-groups", map[string]any{"name": "G", "members": []any{}}, "id")
	var doc document
	fetchJSON(t, p.url+"/api/v2/openapi.json", &doc)

	start2, end2 := slot(2)
	base := map[string]any{
		"create-booking": request(2, room), "change-booking": request(1, room), "preview-booking": request(2, room), "create-hold": request(3, room),
		"freebusy":           map[string]any{"emails": []any{room}, "from": start2, "till": end2},
		"check-availability": map[string]any{"resources": []any{room}, "start": start2, "end": end2},
		"find-slots":         map[string]any{"resources": []any{room}, "duration": 30, "from": start2, "till": end2},
		"change-resource":    map[string]any{"name": "Berlin", "timeZone": "Europe/Berlin"},
		"create-user":        map[string]any{"email": "new@example.test", "realName": "New"}, "change-user": map[string]any{"realName": "Ben"},
		"create-tenant": map[string]any{"domain": "evil.test", "name": "T", "timeZone": "UTC", "active": false}, "change-tenant": map[string]any{"name": "T", "timeZone": "UTC"},
		"create-token": map[string]any{"name": "t", "scopes": []any{"bookings:read"}, "expiresAt": time.Now().Add(time.Hour).Format(time.RFC3339)},
		"create-event": map[string]any{"title": "E", "start": startE, "end": endE}, "change-event": map[string]any{"title": "E", "start": startE, "end": endE},
		"create-contact": map[string]any{"name": "C"}, "change-contact": map[string]any{"name": "C"}, "create-group": map[string]any{"name": "G", "members": []any{}}, "change-group": map[string]any{"name": "G", "members": []any{}},
		"create-resource": map[string]any{"email": "new@confroom.resources.example.test", "name": "N", "timeZone": "UTC"},
		"set-settings":    map[string]any{"name": "Example Ltd", "timeZone": "Europe/Berlin", "mode": "direct"},
		"login":           map[string]any{"email": "nobody@example.test", "password": "x"}, "simple-login": map[string]any{"email": "nobody@example.test", "password": "x"},
	}
	skip := map[string]bool{"logout": true, "events": true}
	sent := 0
	for path, item := range doc.Paths {
		for method, op := range item {
			if skip[op.ID] {
				continue
			}
			target := strings.NewReplacer("{id}", id, "{email}", room, "{type}", "conference-room", "{account}", "admin@example.test", "{uid}", uid, "{delegate}", "ben@example.test", "{name}", "Contacts", "{token}", "guess").Replace(path)
			switch {
			case strings.HasSuffix(op.ID, "-contact"):
				target = strings.ReplaceAll(path, "{id}", contact)
			case strings.HasSuffix(op.ID, "-group"):
				target = strings.ReplaceAll(path, "{id}", group)
			}
			if strings.HasSuffix(op.ID, "-user") {
				target = strings.ReplaceAll(path, "{email}", "ben@example.test")
			}
			as := token
			if strings.Contains(op.ID, "login") {
				as = ""
			}
			for name, text := range payloads {
				for _, x := range op.Parameters {
					if x.In == "path" {
						p.attack(t, op.ID+" path "+x.Name+" "+name, method, strings.ReplaceAll(path, "{"+x.Name+"}", url.PathEscape(text)), as, base[op.ID])
						sent++
					}
					if x.In == "query" && len(text) < 8<<10 {
						p.attack(t, op.ID+" query "+x.Name+" "+name, method, target+"?"+url.Values{x.Name: {text}}.Encode(), as, base[op.ID])
						sent++
					}
				}
				for _, c := range op.RequestBody.Content {
					doc.texts(c.Schema, nil, func(way []string) {
						if strings.Contains(op.ID, "login") && name != "SQL" && name != "XML" && name != "CLI" {
							return // they slow down, as they should
						}
						p.attack(t, fmt.Sprintf("%s %v %s", op.ID, way, name), method, target, as, put(base[op.ID], way, text))
						sent++
					})
				}
			}
		}
	}
	t.Logf("%d requests", sent)
	if sent < 3000 {
		t.Errorf("only %d requests were sent", sent)
	}
	settled(t, p)
	c, err := cli.Dial(t.Context(), cli.Config{Addr: line, User: "boss", Password: "secret word"})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close() //nolint:errcheck // the test is over
	domains, err := c.ListDomains(t.Context())
	if err != nil || slices.Contains(domains, "evil.test") {
		t.Errorf("domains %v, %v", domains, err)
	}
	// What was booked is in the calendar with its very title.
	titles := map[string]bool{}
	_, list := p.call(t, "GET", "/api/v2/bookings?limit=1000&resource="+room+"&from="+url.QueryEscape(start2)+"&till="+url.QueryEscape(time.Now().AddDate(0, 0, 300).Format(time.RFC3339)), token, nil)
	for _, b := range list["items"].([]any) {
		b := b.(map[string]any)
		if b["status"] == "confirmed" {
			titles[b["title"].(string)] = true
		}
	}
	if len(titles) == 0 {
		t.Error("nothing was booked")
	}
	allow(t, line, room, "boss@standin.test")
	for _, o := range readCalendar(t, web, "secret word", room, time.Now().AddDate(0, 0, 99), time.Now().AddDate(0, 0, 300)) {
		if !titles[o.Summary] && o.Summary != "E" {
			t.Errorf("in the calendar: %q", o.Summary)
		}
	}
	_, failed := p.call(t, "GET", "/api/v2/admin/failed-writes", token, nil)
	if items, _ := failed["items"].([]any); len(items) > 0 {
		t.Errorf("calendar writes were given up: %v", items[0])
	}
	for i, l := range strings.Split(strings.TrimSuffix(p.log.String(), "\n"), "\n") {
		if !regexp.MustCompile(`^time=\S+ level=(DEBUG|INFO|WARN|ERROR) msg=`).MatchString(l) || strings.Contains(l, "level=ERROR msg=evil") && !strings.Contains(l, `\n`) {
			t.Errorf("line %d of the log was forged: %q", i+1, l)
		}
		if strings.ContainsFunc(l, func(r rune) bool { return r < ' ' || r == 0x7f || r == '\u202e' || r == '\u2028' }) {
			t.Errorf("line %d of the log has characters that steer a terminal: %q", i+1, l)
		}
	}
	if strings.Contains(p.log.String(), "panic") {
		t.Error("a handler panicked; see the log")
	}
}

func fetchJSON(t *testing.T, url string, to any) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if err := json.NewDecoder(resp.Body).Decode(to); err != nil {
		t.Fatal(err)
	}
}

// attack sends one request, whose answer must be well-formed, without traces
// of the payload outside of JSON, and no fault of the server.
func (p *process) attack(t *testing.T, what, method, path, token string, body any) {
	t.Helper()
	var in io.Reader
	if body != nil && method != "get" {
		j, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		in = strings.NewReader(string(j))
	}
	req, err := http.NewRequestWithContext(t.Context(), strings.ToUpper(method), p.url+path, in)
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	req.Header.Set("Content-Type", "application/json")
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Errorf("%s: %v", what, err)
		return
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Errorf("%s: %v", what, err)
	}
	if resp.StatusCode >= 500 || resp.Header.Get("X-Evil") != "" {
		t.Errorf("%s: %d %v %.300s", what, resp.StatusCode, resp.Header, text)
	}
	if kind := resp.Header.Get("Content-Type"); strings.Contains(kind, "json") {
		if !json.Valid(text) {
			t.Errorf("%s: %d not JSON: %.300s", what, resp.StatusCode, text)
		}
	} else if len(text) > 0 && resp.StatusCode != 301 && resp.StatusCode != 307 && resp.StatusCode != 404 {
		t.Errorf("%s: %d %s %.300s", what, resp.StatusCode, kind, text)
	}
}
