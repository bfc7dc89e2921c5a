//go:build e2e

package e2e

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// raw sends a body as it is.
func (p *process) raw(t *testing.T, method, path, token, kind string, body []byte) (int, []byte) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, p.url+path, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", kind)
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Errorf("%s %s: %v", method, path, err)
		return 0, nil
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Error(err)
	}
	return resp.StatusCode, text
}

func goroutines(t *testing.T, p *process) float64 {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.url+"/metrics", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	return metric(t, resp, "go_goroutines")
}

// TestIntrusion is what an enemy with an account, or without one, tries over
// HTTP. At its end no goroutine has stayed behind.
func TestIntrusion(t *testing.T) {
	data := t.TempDir()
	p := start(t, running, "serve", "--listen", "127.0.0.1:0", "--data", data, "--log-level", "debug")
	token := p.login(t, "anna@example.test")
	admin := p.login(t, "admin@example.test")
	http.DefaultClient.CloseIdleConnections()
	before := goroutines(t, p)
	for name, attack := range map[string]func(*testing.T, *process, string, string){
		"malformed bodies": malformed, "absurd values": absurd, "mass assignment": massAssignment, "ids of others": idsOfOthers, "paths": traversal,
		"smuggling": smuggling, "slow clients": slowClients, "cross-site requests": crossSite, "open redirects": openRedirect, "replayed refresh": replayedRefresh,
		"page of the app": securityHeaders,
	} {
		t.Run(name, func(t *testing.T) { attack(t, p, token, admin) })
	}
	deadline := time.Now().Add(20 * time.Second)
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		http.DefaultTransport.(*http.Transport).CloseIdleConnections()
		after := goroutines(t, p)
		if after <= before+10 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("%v goroutines before, %v after", before, after)
		}
		<-tick.C
	}
	if strings.Contains(p.log.String(), "panic") {
		t.Error("a handler panicked; see the log")
	}
}

func malformed(t *testing.T, p *process, token, _ string) {
	valid, err := json.Marshal(request(5, room))
	if err != nil {
		t.Fatal(err)
	}
	deep := strings.Repeat(`{"a":`, 50_000) + "1" + strings.Repeat("}", 50_000)
	for name, x := range map[string]struct {
		kind string
		body []byte
		want []int
	}{
		"nothing":         {"application/json", nil, []int{400, 422}},
		"half":            {"application/json", valid[:len(valid)/2], []int{400, 422}},
		"two values":      {"application/json", append(append([]byte{}, valid...), valid...), []int{400, 422}},
		"deep":            {"application/json", []byte(deep), []int{400, 413, 422}},
		"deep arrays":     {"application/json", []byte(strings.Repeat("[", 200_000)), []int{400, 422}},
		"too long":        {"application/json", append([]byte(`{"title":"`), bytes.Repeat([]byte("x"), 1<<20)...), []int{413}},
		"invalid UTF-8":   {"application/json", []byte("{\"title\":\"\xff\xfe\xc0\x80\",\"start\":\"2030-01-01T10:00:00Z\",\"end\":\"2030-01-01T11:00:00Z\",\"resources\":[\"" + room + "\"]}"), []int{400, 422}},
		"lone surrogates": {"application/json", []byte(`{"title":"\ud800","start":"2030-01-01T10:00:00Z","end":"2030-01-01T11:00:00Z","resources":["` + room + `"]}`), []int{201, 400, 422}},
		"an array":        {"application/json", []byte("[]"), []int{400, 422}},
		"null":            {"application/json", []byte("null"), []int{400, 422}},
		"a huge number":   {"application/json", []byte(`{"title":1e999999}`), []int{400, 422}},
		"another type":    {"text/xml", valid, []int{415}},
		"a form":          {"application/x-www-form-urlencoded", []byte("title=x"), []int{415}},
		"gzip":            {"application/gzip", valid, []int{415}},
	} {
		status, text := p.raw(t, "POST", "/api/v2/bookings", token, x.kind, x.body)
		found := false
		for _, w := range x.want {
			found = found || status == w
		}
		if !found || !json.Valid(text) {
			t.Errorf("%s: %d %.300s", name, status, text)
		}
	}
	for _, path := range []string{"/api/v2/auth/login", "/api/v2/auth/refresh"} {
		if status, text := p.raw(t, "POST", path, "", "application/json", []byte(deep)); status < 400 || status >= 500 {
			t.Errorf("%s: %d %.300s", path, status, text)
		}
	}
	if status, _ := p.raw(t, "BREW", "/api/v2/bookings", token, "application/json", nil); status != 405 && status != 404 {
		t.Errorf("an unknown method: %d", status)
	}
}

func absurd(t *testing.T, p *process, token, _ string) {
	with := func(more map[string]any) map[string]any {
		out := request(6, room)
		for k, v := range more {
			out[k] = v
		}
		return out
	}
	many := make([]string, 5000)
	for i := range many {
		many[i] = fmt.Sprintf("p%d@example.test", i)
	}
	for name, body := range map[string]map[string]any{
		"the year 0":         with(map[string]any{"start": "0000-01-01T00:00:00Z"}),
		"the year 9999":      with(map[string]any{"end": "9999-12-31T23:59:59Z"}),
		"the 30th February":  with(map[string]any{"start": "2030-02-30T10:00:00Z"}),
		"backwards":          with(map[string]any{"end": "2020-01-01T00:00:00Z"}),
		"an offset of days":  with(map[string]any{"start": "2030-01-01T10:00:00+99:99"}),
		"nanoseconds":        with(map[string]any{"start": "2030-01-01T10:00:00." + strings.Repeat("9", 5000) + "Z"}),
		"a zone as a path":   with(map[string]any{"timeZone": "../../../etc/passwd"}),
		"a zone of nowhere":  with(map[string]any{"timeZone": "Mars/Olympus"}),
		"local":              with(map[string]any{"timeZone": "Local"}),
		"every second":       with(map[string]any{"recurrence": "FREQ=SECONDLY;COUNT=100000000"}),
		"every minute":       with(map[string]any{"recurrence": "FREQ=MINUTELY"}),
		"interval of ages":   with(map[string]any{"recurrence": "FREQ=DAILY;INTERVAL=99999999999999999999"}),
		"all at once":        with(map[string]any{"recurrence": "FREQ=YEARLY;BYSECOND=" + strings.TrimSuffix(strings.Repeat("1,2,3,", 3000), ",")}),
		"two rules":          with(map[string]any{"recurrence": "FREQ=DAILY\nRRULE:FREQ=WEEKLY"}),
		"ten million dates":  with(map[string]any{"recurrence": "FREQ=DAILY;COUNT=10000000"}),
		"5,000 attendees":    with(map[string]any{"attendees": many}),
		"5,000 resources":    with(map[string]any{"resources": many}),
		"no resource at all": with(map[string]any{"resources": []string{}}),
	} {
		status, answer := p.call(t, "POST", "/api/v2/bookings", token, body)
		if status < 400 || status >= 500 || answer["detail"] == nil {
			t.Errorf("%s: %d %v", name, status, answer)
		}
	}
	from := time.Now().Format(time.RFC3339)
	for name, body := range map[string]map[string]any{
		"a century":       {"resources": []string{room}, "duration": 30, "from": from, "till": time.Now().AddDate(99, 0, 0)},
		"no time at all":  {"resources": []string{room}, "duration": 0, "from": from, "till": time.Now().AddDate(0, 0, 1)},
		"a long meeting":  {"resources": []string{room}, "duration": 1 << 40, "from": from, "till": time.Now().AddDate(0, 0, 1)},
		"many people":     {"users": many, "duration": 30, "from": from, "till": time.Now().AddDate(0, 0, 1)},
		"a limit of ages": {"resources": []string{room}, "duration": 30, "from": from, "till": time.Now().AddDate(0, 0, 1), "limit": 1 << 40},
	} {
		if status, answer := p.call(t, "POST", "/api/v2/availability/slots", token, body); status < 400 || status >= 500 {
			t.Errorf("slots, %s: %d %v", name, status, answer)
		}
	}
	for _, path := range []string{"/api/v2/bookings?from=x", "/api/v2/bookings?limit=-1", "/api/v2/bookings?limit=99999999999999999999", "/api/v2/bookings?cursor=%00", "/api/v2/resources?cursor=!!!", "/api/v2/resources?minCapacity=NaN",
		"/api/v2/resources/" + room + "/calendar?from=1970-01-01T00:00:00Z&till=2199-01-01T00:00:00Z"} {
		if status, answer := p.call(t, "GET", path, token, nil); status < 400 || status >= 500 {
			t.Errorf("%s: %d %v", path, status, answer)
		}
	}
	// The greatest question that is allowed ends in time.
	rules := map[string]any{"users": many[:200], "anyOf": map[string]any{"type": "conference-room"}, "duration": 30, "from": from, "till": time.Now().AddDate(0, 0, 90), "constraints": map[string]any{"granularity": 1}}
	if status, answer := p.call(t, "POST", "/api/v2/availability/slots", token, rules); status >= 500 {
		t.Errorf("a great question: %d %v", status, answer)
	}
}

// massAssignment sets what is not the caller's to set.
func massAssignment(t *testing.T, p *process, token, admin string) {
	for _, name := range []string{"id", "uid", "organizer", "status", "sequence", "version", "tenant", "tenantId", "tenant_id", "sync", "createdAt", "canEdit", "holder"} {
		body := request(7, room)
		body[name] = "x"
		if status, answer := p.call(t, "POST", "/api/v2/bookings", token, body); status != 422 {
			t.Errorf("%s: %d %v", name, status, answer)
		}
	}
	for _, name := range []string{"tenant", "id", "passwordHash", "password_hash", "lastLogin", "version"} {
		if status, answer := p.call(t, "POST", "/api/v2/admin/users", admin, map[string]any{"email": "new@example.test", "realName": "New", name: "x"}); status != 422 {
			t.Errorf("user.%s: %d %v", name, status, answer)
		}
	}
	if status, _ := p.call(t, "POST", "/api/v2/bookings", token, map[string]any{"Title": "x", "TITLE": "y", "title": "z", "__proto__": map[string]any{"role": "admin"}}); status != 422 {
		t.Errorf("strange names: %d", status)
	}
}

// idsOfOthers changes what belongs to somebody else.
func idsOfOthers(t *testing.T, p *process, token, _ string) {
	ben := p.login(t, "ben@example.test")
	body := request(8, room)
	body["private"], body["title"] = true, "Secret plan"
	_, made := p.call(t, "POST", "/api/v2/bookings", token, body)
	one := "/api/v2/bookings/" + made["id"].(string)
	body["attendees"] = []string{}
	if status, answer := p.call(t, "PUT", one, token, body); status != 200 {
		t.Fatal(status, answer)
	}
	for _, x := range [][2]string{{"PUT", one}, {"DELETE", one}, {"POST", one + "/restore"}, {"GET", one + "/history"}} {
		var in any
		if x[0] == "PUT" {
			in = body
		}
		if status, answer := p.call(t, x[0], x[1], ben, in); status != 403 && status != 404 {
			t.Errorf("%v: %d %v", x, status, answer)
		}
	}
	start, end := slot(8)
	for _, path := range []string{one, "/api/v2/bookings?from=" + start + "&till=" + end, "/api/v2/resources/" + room + "/calendar?from=" + start + "&till=" + end} {
		if status, answer := p.call(t, "GET", path, ben, nil); strings.Contains(fmt.Sprint(answer), "Secret plan") {
			t.Errorf("%s: %d %v", path, status, answer)
		}
	}
	if status, answer := p.call(t, "POST", "/api/v2/bookings", ben, request(8, room)); status != 409 || strings.Contains(fmt.Sprint(answer), "Secret plan") {
		t.Errorf("a conflict: %d %v", status, answer)
	}
	_, mine := p.call(t, "POST", "/api/v2/auth/tokens", token, map[string]any{"name": "x", "scopes": []string{"bookings:read"}, "expiresAt": time.Now().Add(time.Hour)})
	if status, _ := p.raw(t, "DELETE", "/api/v2/auth/tokens/"+mine["id"].(string), ben, "application/json", nil); status != 404 {
		t.Errorf("another's token: %d", status)
	}
	start, end = slot(9)
	status, hold := p.call(t, "POST", "/api/v2/holds", token, map[string]any{"start": start, "end": end, "resources": []string{room}})
	if status != 201 {
		t.Fatal(status, hold)
	}
	if status, _ := p.raw(t, "DELETE", "/api/v2/holds/"+hold["id"].(string), ben, "application/json", nil); status == 200 {
		t.Errorf("another's hold: %d", status)
	}
	if status, _ := p.call(t, "POST", "/api/v2/bookings", ben, request(9, room)); status != 409 {
		t.Errorf("another's hold is gone: %d", status)
	}
}

func traversal(t *testing.T, p *process, token, _ string) {
	host := strings.TrimPrefix(p.url, "http://")
	for _, path := range []string{"/../../../../etc/passwd", "/..%2f..%2f..%2fetc/passwd", "/assets/../../../../etc/passwd", "/assets/..%2f..%2f..%2f..%2fetc%2fpasswd", "/%2e%2e/%2e%2e/etc/passwd",
		"/assets/....//....//etc/passwd", "/assets/\\..\\..\\etc\\passwd", "//etc/passwd", "/api/v2/../../../etc/passwd", "/api/v2/resources/..%2f..%2fetc%2fpasswd", "/assets/%00", "/rmp.db", "/data/secret.key", "/assets/../secret.key"} {
		status, body := talk(t, host, "GET "+path+" HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer "+token+"\r\n\r\n")
		if strings.Contains(body, "root:") || strings.Contains(body, "SQLite format") || status >= 500 || status == 0 {
			t.Errorf("%s: %d %.200s", path, status, body)
		}
	}
}

// talk sends bytes and reads all that comes back.
func talk(t *testing.T, host, text string) (int, string) {
	t.Helper()
	conn, err := net.Dial("tcp", host)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	if _, err := io.WriteString(conn, text); err != nil {
		t.Fatal(err)
	}
	all, err := io.ReadAll(conn)
	if err != nil && !errors.Is(err, net.ErrClosed) && len(all) == 0 {
		t.Errorf("%.60q: %v", text, err)
	}
	fields := strings.Fields(string(all))
	if len(fields) < 2 {
		return 0, string(all)
	}
	status, _ := strconv.Atoi(fields[1])
	return status, string(all)
}

// smuggling hides a second request where two servers might count differently.
func smuggling(t *testing.T, p *process, _, _ string) {
	host := strings.TrimPrefix(p.url, "http://")
	hidden := "GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
	for name, text := range map[string]string{
		"two lengths":         "POST /api/v2/auth/login HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nContent-Length: 50\r\n\r\n{}" + hidden,
		"a length with sign":  "POST /api/v2/auth/login HTTP/1.1\r\nHost: x\r\nContent-Length: +2\r\n\r\n{}" + hidden,
		"strange coding":      "POST /api/v2/auth/login HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + hidden,
		"two codings":         "POST /api/v2/auth/login HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n" + hidden,
		"a blank before :":    "POST /api/v2/auth/login HTTP/1.1\r\nHost: x\r\nContent-Length : 2\r\n\r\n{}" + hidden,
		"a folded header":     "GET / HTTP/1.1\r\nHost: x\r\nX: a\r\n b: c\r\nConnection: close\r\n\r\n",
		"two hosts":           "GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n" + hidden,
		"no host":             "GET / HTTP/1.1\r\n\r\n" + hidden,
		"a bare line feed in": "GET / HTTP/1.1\r\nHost: x\r\nX: a\nEvil: b\r\nConnection: close\r\n\r\n",
		"a zero in a header":  "GET / HTTP/1.1\r\nHost: x\r\nX: a\x00b\r\n\r\n" + hidden,
		"large headers":       "GET / HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat("x", 1<<20) + "\r\n\r\n",
		"a bad chunk":         "POST /api/v2/auth/login HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFF\r\n" + hidden,
		"not HTTP":            "\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03\r\n\r\n",
	} {
		status, all := talk(t, host, text)
		if strings.Contains(all, "go_goroutines") {
			t.Errorf("%s: the hidden request was answered", name)
		}
		if status >= 500 && status != 501 && status != 505 {
			t.Errorf("%s: %d %.200s", name, status, all)
		}
	}
	// Both a length and a coding: the coding counts, and the connection ends.
	_, all := talk(t, host, "POST /api/v2/auth/login HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"+hidden)
	if strings.Contains(all, "go_goroutines") && strings.Count(all, "HTTP/1.1 ") != 2 {
		t.Errorf("length and coding: %.300s", all)
	}
}

// slowClients send a little at a time, or nothing; they are cut off, and
// others are served meanwhile.
func slowClients(t *testing.T, p *process, token, _ string) {
	host := strings.TrimPrefix(p.url, "http://")
	var wg sync.WaitGroup
	for i := range 60 {
		wg.Go(func() {
			conn, err := net.Dial("tcp", host)
			if err != nil {
				t.Error(err)
				return
			}
			defer func() { _ = conn.Close() }()
			switch i % 3 {
			case 0: // headers that do not end
				_, _ = io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ")
			case 1: // a body that does not come
				_, _ = io.WriteString(conn, "POST /api/v2/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{")
			case 2: // nothing at all
			}
			_ = conn.SetReadDeadline(time.Now().Add(40 * time.Second))
			if _, err := io.ReadAll(bufio.NewReader(conn)); errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("client %d was not cut off", i)
			}
		})
	}
	for range 20 {
		if status, answer := p.call(t, "GET", "/api/v2/auth/me", token, nil); status != 200 {
			t.Errorf("others meanwhile: %d %v", status, answer)
		}
	}
	wg.Wait()
}

// browser signs in on the page, and keeps the cookies.
func browser(t *testing.T, p *process) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	c := &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := c.PostForm(p.url+"/signin", url.Values{"email": {"anna@example.test"}, "password": {"rmp-demo"}, "next": {"/"}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusSeeOther {
		t.Fatal(resp.StatusCode)
	}
	for _, cookie := range resp.Cookies() {
		if !cookie.HttpOnly || cookie.SameSite != http.SameSiteStrictMode {
			t.Errorf("the cookie %s is open to scripts or other sites", cookie.Name)
		}
	}
	return c
}

func crossSite(t *testing.T, p *process, _, _ string) {
	c := browser(t, p)
	send := func(path string, header map[string]string) int {
		j, err := json.Marshal(request(11, room))
		if err != nil {
			t.Fatal(err)
		}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, p.url+path, bytes.NewReader(j))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		for k, v := range header {
			req.Header.Set(k, v)
		}
		resp, err := c.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = resp.Body.Close() }()
		return resp.StatusCode
	}
	for name, header := range map[string]map[string]string{
		"another site": {"Sec-Fetch-Site": "cross-site"}, "a sub-domain": {"Sec-Fetch-Site": "same-site"}, "another origin": {"Origin": "https://evil.test"}, "no origin": {"Origin": "null"},
	} {
		for _, path := range []string{"/api/v2/bookings", "/api/v2/auth/refresh", "/api/v2/auth/logout", "/api/v2/auth/tokens"} {
			if status := send(path, header); status != 403 {
				t.Errorf("%s from %s: %d", path, name, status)
			}
		}
	}
	if status := send("/api/v2/bookings", map[string]string{"Sec-Fetch-Site": "same-origin", "Origin": p.url}); status != 201 {
		t.Errorf("the page itself: %d", status)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, p.url+"/signin", strings.NewReader("email=anna%40example.test&password=rmp-demo"))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Sec-Fetch-Site", "cross-site")
	resp, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != 403 || len(resp.Cookies()) > 0 {
		t.Errorf("signed in from another site: %d", resp.StatusCode)
	}
}

func openRedirect(t *testing.T, p *process, _, _ string) {
	c := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	for _, next := range []string{"//evil.test", "https://evil.test", "/\\evil.test", "\\\\evil.test", "///evil.test", "/%09/evil.test/..//", "javascript:alert(1)", "/\t/evil.test", "/\r\nX-Evil: 1", "http:evil.test", " //evil.test", "/..//evil.test"} {
		resp, err := c.PostForm(p.url+"/signin", url.Values{"email": {"anna@example.test"}, "password": {"rmp-demo"}, "next": {next}})
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		to := resp.Header.Get("Location")
		base, err := url.Parse(p.url)
		if err != nil {
			t.Fatal(err)
		}
		target, err := base.Parse(to)
		if err != nil || target.Host != base.Host || target.Scheme != "http" || strings.HasPrefix(to, "//") || strings.Contains(to, "\\") || resp.Header.Get("X-Evil") != "" {
			t.Errorf("%q leads to %q", next, to)
		}
	}
}

func replayedRefresh(t *testing.T, p *process, _, _ string) {
	_, first := p.call(t, "POST", "/api/v2/auth/login", "", map[string]string{"email": "clara@example.test", "password": "rmp-demo"})
	_, second := p.call(t, "POST", "/api/v2/auth/refresh", "", map[string]any{"refreshToken": first["refreshToken"]})
	if second["token"] == nil {
		t.Fatal(second)
	}
	if status, _ := p.call(t, "POST", "/api/v2/auth/refresh", "", map[string]any{"refreshToken": first["refreshToken"]}); status != 401 {
		t.Errorf("the used token: %d", status)
	}
	for _, x := range []any{first["token"], second["token"]} {
		if status, _ := p.call(t, "GET", "/api/v2/auth/me", x.(string), nil); status != 401 {
			t.Errorf("an access token of the family: %d", status)
		}
	}
}

// securityHeaders: every kind of answer carries them.
func securityHeaders(t *testing.T, p *process, _, _ string) {
	for _, path := range []string{"/", "/signin", "/api/v2/auth/me", "/api/v2/docs", "/api/v2/openapi.json", "/healthz", "/assets/none.js", "/api/none"} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.url+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		h := resp.Header
		policy := h.Get("Content-Security-Policy")
		if h.Get("X-Content-Type-Options") != "nosniff" || h.Get("X-Frame-Options") != "DENY" || h.Get("Referrer-Policy") == "" || h.Get("Cross-Origin-Opener-Policy") != "same-origin" ||
			!strings.Contains(policy, "default-src") || !strings.Contains(policy, "frame-ancestors 'none'") || strings.Contains(strings.SplitAfter(policy+";", "script-src")[0], "unsafe-eval") {
			t.Errorf("%s: %v", path, h)
		}
	}
}
