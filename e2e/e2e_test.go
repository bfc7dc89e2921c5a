//go:build e2e

// Package e2e tests the whole program: it starts the real binary, on
// loopback, and treats it as its users and its enemies do.
package e2e

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"rmp/calendar/ical"
	"rmp/communigate/ximss"
	"rmp/internal/store/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

const (
	room  = "berlin@confroom.resources.example.test"
	other = "essen@confroom.resources.example.test"
)

// process is a running rmp.
type process struct {
	cmd *exec.Cmd
	url string
	log *logged
}

// logged is what a process has logged so far.
type logged struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logged) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func binary(t *testing.T) string {
	t.Helper()
	path, err := filepath.Abs("../bin/rmp")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Fatal("bin/rmp is not built: run make e2e")
	}
	return path
}

// start runs rmp until the test ends, and waits for the line that says where
// it listens.
func start(t *testing.T, marker string, args ...string) *process {
	t.Helper()
	cmd := exec.Command(binary(t), args...)
	// Load is wanted here; the limits have tests of their own.
	cmd.Env = append(os.Environ(), "RMP_SECRET_KEY=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "RMP_LIMITS_USER=0", "RMP_LIMITS_TENANT=0", "RMP_LIMITS_ADDRESS=0")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	log := &logged{}
	cmd.Stderr = log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("log of rmp %s:\n%s", strings.Join(args, " "), log.String())
		}
	})
	found := make(chan string, 1)
	go func() {
		defer close(found)
		s := bufio.NewScanner(out)
		for s.Scan() {
			if _, rest, ok := strings.Cut(s.Text(), marker); ok {
				found <- strings.TrimSpace(rest)
				break
			}
		}
		_, _ = io.Copy(io.Discard, out)
	}()
	select {
	case at, ok := <-found:
		if !ok {
			t.Fatalf("rmp %v ended: %s", args, log.String())
		}
		return &process{cmd, at, log}
	case <-time.After(90 * time.Second):
		t.Fatalf("rmp %v did not start: %s", args, log.String())
		return nil
	}
}

func freeAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

const running = "RMP is running at "

func (p *process) call(t *testing.T, method, path, token string, body any) (int, map[string]any) {
	t.Helper()
	status, answer, err := p.try(method, path, token, body)
	if err != nil {
		t.Fatal(err)
	}
	return status, answer
}

func (p *process) try(method, path, token string, body any) (int, map[string]any, error) {
	return p.tryWith(method, path, token, body, nil)
}

func (p *process) tryWith(method, path, token string, body any, header http.Header) (int, map[string]any, error) {
	var r io.Reader
	switch b := body.(type) {
	case nil:
	case string:
		r = strings.NewReader(b)
	default:
		j, err := json.Marshal(b)
		if err != nil {
			return 0, nil, err
		}
		r = bytes.NewReader(j)
	}
	req, err := http.NewRequest(method, p.url+path, r)
	if err != nil {
		return 0, nil, err
	}
	for k, v := range header {
		req.Header[k] = v
	}
	if r != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	var answer map[string]any
	err = json.NewDecoder(resp.Body).Decode(&answer)
	return resp.StatusCode, answer, err
}

func (p *process) login(t *testing.T, email string) string {
	t.Helper()
	status, a := p.call(t, "POST", "/api/v2/auth/login", "", map[string]string{"email": email, "password": "rmp-demo"})
	if status != http.StatusOK {
		t.Fatalf("login: %d %v", status, a)
	}
	return a["token"].(string)
}

// slot is a free hour far from the demo's meetings, another for each n.
func slot(n int) (start, end string) {
	s := time.Now().UTC().Truncate(24*time.Hour).AddDate(0, 0, 100).Add(time.Duration(n) * 2 * time.Hour)
	return s.Format(time.RFC3339), s.Add(time.Hour).Format(time.RFC3339)
}

func request(n int, resources ...string) map[string]any {
	start, end := slot(n)
	return map[string]any{"title": fmt.Sprintf("Meeting %d", n), "start": start, "end": end, "resources": resources, "attendees": []string{"ben@example.test"}}
}

// race sends one booking many times at once and counts the answers.
func race(t *testing.T, n int, processes ...*process) {
	t.Helper()
	const writers = 64
	tokens := make([]string, len(processes))
	for i, p := range processes {
		tokens[i] = p.login(t, "anna@example.test")
	}
	var wg sync.WaitGroup
	type outcome struct {
		status int
		answer map[string]any
		err    error
	}
	outcomes := make([]outcome, writers)
	for i := range writers {
		wg.Go(func() {
			k := i % len(processes)
			o := &outcomes[i]
			o.status, o.answer, o.err = processes[k].try("POST", "/api/v2/bookings", tokens[k], request(n, room))
		})
	}
	wg.Wait()
	won := 0
	for _, o := range outcomes {
		switch {
		case o.err != nil:
			t.Error(o.err)
		case o.status == http.StatusCreated:
			won++
		case o.status == http.StatusConflict:
			conflicts, _ := o.answer["conflicts"].([]any)
			alternatives, _ := o.answer["alternatives"].([]any)
			if len(conflicts) == 0 || len(alternatives) == 0 {
				t.Errorf("a conflict without reason or alternative: %v", o.answer)
			}
		default:
			t.Errorf("answer %d %v", o.status, o.answer)
		}
	}
	if won != 1 {
		t.Errorf("%d of %d got the slot", won, writers)
	}
}

// standinOf starts a stand-in alone; its addresses are those the flags say.
func standinOf(t *testing.T, dir string) (httpAddr, cliAddr string) {
	t.Helper()
	httpAddr, cliAddr = freeAddr(t), freeAddr(t)
	standinAt(t, dir, httpAddr, cliAddr)
	return httpAddr, cliAddr
}

// standinAt starts a stand-in at given addresses.
func standinAt(t *testing.T, dir, httpAddr, cliAddr string, more ...string) *process {
	t.Helper()
	return start(t, "CommuniGate stand-in:", append([]string{"standin", "--data", dir, "--http", httpAddr, "--ximss", "127.0.0.1:0", "--cli", cliAddr,
		"--admin", "boss", "--admin-password", "secret word", "--sessions", "20"}, more...)...)
}

func withCGP(httpAddr, cliAddr string, more ...string) []string {
	host, httpPort, _ := net.SplitHostPort(httpAddr)
	_, cliPort, _ := net.SplitHostPort(cliAddr)
	return append([]string{"serve", "--listen", "127.0.0.1:0", "--cgp.host", host, "--cgp.http-port", httpPort, "--cgp.cli-port", cliPort,
		"--cgp.admin", "boss", "--cgp.admin-password", "secret word"}, more...)
}

func TestOneOf64OnSQLite(t *testing.T) {
	p := start(t, running, "serve", "--listen", "127.0.0.1:0", "--data", t.TempDir())
	race(t, 1, p)
}

func TestOneOf64WithTwoProcessesOnPostgreSQL(t *testing.T) {
	web, cli := standinOf(t, t.TempDir())
	db := pgtest.URL(t)
	first := start(t, running, withCGP(web, cli, "--data", t.TempDir(), "--db", db, "--demo", "yes")...)
	second := start(t, running, withCGP(web, cli, "--data", t.TempDir(), "--db", db, "--no-demo")...)
	race(t, 1, first, second)
	race(t, 2, second, first)
}

// calendarOf reads a person's or resource's calendar past RMP, as themselves.
func calendarOf(t *testing.T, web, account, password, path string, n int) []ximss.Occurrence {
	t.Helper()
	cfg := ximss.Config{URL: "http://" + web, User: account, Password: password}
	s, err := ximss.Login(t.Context(), ximss.Client(cfg), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close(t.Context()) //nolint:errcheck // the test is over
	from, _ := slot(n)
	at, _ := time.Parse(time.RFC3339, from)
	replies, err := s.Do(t.Context(), ximss.OpenCalendar("c", path), ximss.FindEvents("c", at, at.Add(time.Hour)))
	if err != nil {
		t.Fatal(err)
	}
	if replies[0].Err != nil {
		t.Fatal(replies[0].Err)
	}
	found, err := replies[1].Occurrences()
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// TestKilledBeforeTheCalendarWrite freezes CommuniGate, so that the booking
// is acknowledged but in no calendar, kills rmp, and starts it again.
func TestKilledBeforeTheCalendarWrite(t *testing.T) {
	web, cli := standinOf(t, t.TempDir())
	gate := newGate(t, web)
	data := t.TempDir()
	args := withCGP(gate.addr, cli, "--data", data, "--demo", "yes", "--cgp.timeout", "5s")
	p := start(t, running, args...)
	token := p.login(t, "anna@example.test")
	// Let the reading of the room's calendar through, and then nothing.
	gate.closeAfter("findEvents")
	status, b := p.call(t, "POST", "/api/v2/bookings", token, request(3, room))
	if status != http.StatusCreated {
		t.Fatalf("%d %v", status, b)
	}
	for _, s := range b["sync"].([]any) {
		if state := s.(map[string]any)["state"]; state != "pending" {
			t.Fatalf("a calendar is %v though CommuniGate is away", state)
		}
	}
	if err := p.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = p.cmd.Wait()
	if found := calendarOf(t, web, "ben@example.test", "rmp-demo", "Calendar", 3); len(found) != 0 {
		t.Fatalf("the calendar has it already: %v", found)
	}
	gate.open()
	p = start(t, running, args...)
	token = p.login(t, "anna@example.test")
	id := b["id"].(string)
	deadline := time.Now().Add(60 * time.Second)
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		_, b = p.call(t, "GET", "/api/v2/bookings/"+id, token, nil)
		synced := 0
		for _, s := range b["sync"].([]any) {
			if s.(map[string]any)["state"] == "synced" {
				synced++
			}
		}
		if synced == 4 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("not in every calendar: %v", b["sync"])
		}
		<-tick.C
	}
	for _, who := range []string{"anna@example.test", "ben@example.test"} {
		found := calendarOf(t, web, who, "rmp-demo", "Calendar", 3)
		if len(found) != 1 || found[0].ItemUID != b["uid"] {
			t.Errorf("calendar of %s: %+v", who, found)
		}
	}
}

// TestForeignEventBlocks publishes into the room's calendar past RMP.
func TestForeignEventBlocks(t *testing.T) {
	web, cli := standinOf(t, t.TempDir())
	p := start(t, running, withCGP(web, cli, "--data", t.TempDir(), "--demo", "yes")...)
	token := p.login(t, "anna@example.test")
	allow(t, cli, room, "ben@example.test")
	cfg := ximss.Config{URL: "http://" + web, User: "ben@example.test", Password: "rmp-demo"}
	s, err := ximss.Login(t.Context(), ximss.Client(cfg), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close(t.Context()) //nolint:errcheck // the test is over
	startText, endText := slot(4)
	from, _ := time.Parse(time.RFC3339, startText)
	e := &ical.Event{UID: "outlook-1", Start: ical.At(from), End: ical.At(from.Add(time.Hour)), Summary: "From elsewhere",
		Organizer: &ical.Address{Email: "ben@example.test"}, Transp: "OPAQUE", BusyStatus: "BUSY"}
	replies, err := s.Do(t.Context(), ximss.OpenCalendar("c", "~"+room+"/Calendar"), ximss.Publish("c", &ical.Calendar{Method: "PUBLISH", Events: []*ical.Event{e}}))
	if err != nil || replies[0].Err != nil || replies[1].Err != nil {
		t.Fatal(err, replies)
	}
	status, a := p.call(t, "POST", "/api/v2/bookings", token, request(4, room))
	if status != http.StatusConflict {
		t.Fatalf("booked over a foreign event: %d %v", status, a)
	}
	c := a["conflicts"].([]any)[0].(map[string]any)
	if c["heldBy"].(map[string]any)["email"] != "ben@example.test" {
		t.Errorf("conflict %v", c)
	}
	_, v := p.call(t, "POST", "/api/v2/availability/check", token, map[string]any{"resources": []string{room}, "start": startText, "end": endText})
	if v["available"] != false {
		t.Errorf("availability says %v", v)
	}
	if status, a := p.call(t, "POST", "/api/v2/bookings", token, request(4, other)); status != http.StatusCreated {
		t.Errorf("another room: %d %v", status, a)
	}
}

func TestErrorsAndLife(t *testing.T) {
	web, cli := standinOf(t, t.TempDir())
	gate := newGate(t, web)
	data := t.TempDir()
	args := withCGP(gate.addr, cli, "--data", data, "--demo", "yes", "--cgp.timeout", "1s")
	p := start(t, running, args...)
	token := p.login(t, "anna@example.test")

	status, wrong := p.call(t, "POST", "/api/v2/auth/login", "", map[string]string{"email": "anna@example.test", "password": "wrong"})
	_, unknown := p.call(t, "POST", "/api/v2/auth/login", "", map[string]string{"email": "nobody@example.test", "password": "wrong"})
	if status != http.StatusUnauthorized || wrong["detail"] != unknown["detail"] || wrong["title"] != unknown["title"] {
		t.Errorf("wrong login: %v and %v", wrong, unknown)
	}
	start0, end0 := slot(5)
	table := []struct {
		name    string
		body    any
		status  int
		pointer string
	}{
		{"not JSON", "this is not JSON", 400, ""},
		{"no end", map[string]any{"title": "x", "start": start0, "resources": []string{room}}, 422, "/end"},
		{"end before start", map[string]any{"title": "x", "start": end0, "end": start0, "resources": []string{room}}, 422, "/end"},
		{"no such time", map[string]any{"title": "x", "start": "yesterday", "end": end0, "resources": []string{room}}, 422, "/start"},
		{"no offset", map[string]any{"title": "x", "start": start0[:19], "end": end0, "resources": []string{room}}, 422, "/start"},
		{"no such zone", map[string]any{"title": "x", "start": start0, "end": end0, "timeZone": "Mars/Olympus", "resources": []string{room}}, 422, "/timeZone"},
		{"no such resource", map[string]any{"title": "x", "start": start0, "end": end0, "resources": []string{"no@where.test"}}, 422, "/resources/0"},
		{"no such attendee", map[string]any{"title": "x", "start": start0, "end": end0, "resources": []string{room}, "attendees": []string{"nobody@example.test"}}, 422, "/attendees/0"},
		{"a long title", map[string]any{"title": strings.Repeat("x", 501), "start": start0, "end": end0, "resources": []string{room}}, 422, "/title"},
		{"a huge title", map[string]any{"title": strings.Repeat("x", 1<<20), "start": start0, "end": end0, "resources": []string{room}}, 413, ""},
		{"the past", map[string]any{"title": "x", "start": "2020-01-01T10:00:00Z", "end": "2020-01-01T11:00:00Z", "resources": []string{room}}, 422, "/end"},
	}
	for _, c := range table {
		status, a := p.call(t, "POST", "/api/v2/bookings", token, c.body)
		if status != c.status {
			t.Errorf("%s: %d %v", c.name, status, a)
			continue
		}
		if c.pointer != "" {
			errs, _ := a["errors"].([]any)
			if len(errs) == 0 || errs[0].(map[string]any)["pointer"] != c.pointer {
				t.Errorf("%s names %v", c.name, a["errors"])
			}
		}
	}

	// Change and cancel reach the calendars too.
	status, b := p.call(t, "POST", "/api/v2/bookings", token, request(5, room))
	if status != http.StatusCreated {
		t.Fatalf("%d %v", status, b)
	}
	id := b["id"].(string)
	moved := request(6, room)
	if status, a := p.call(t, "PUT", "/api/v2/bookings/"+id, token, moved); status != http.StatusOK || a["sequence"] != 1.0 {
		t.Fatalf("change: %d %v", status, a)
	}
	if found := calendarOf(t, web, "ben@example.test", "rmp-demo", "Calendar", 5); len(found) != 0 {
		t.Errorf("still at the old time: %+v", found)
	}
	if found := calendarOf(t, web, "ben@example.test", "rmp-demo", "Calendar", 6); len(found) != 1 {
		t.Errorf("at the new time: %+v", found)
	}
	ben := p.login(t, "ben@example.test")
	if status, a := p.call(t, "DELETE", "/api/v2/bookings/"+id, ben, map[string]string{"reason": "no"}); status != http.StatusForbidden {
		t.Errorf("somebody else cancels: %d %v", status, a)
	}
	for range 2 {
		if status, a := p.call(t, "DELETE", "/api/v2/bookings/"+id, token, map[string]string{"reason": "over"}); status != http.StatusOK || a["status"] != "cancelled" {
			t.Errorf("cancel: %d %v", status, a)
		}
	}
	if found := calendarOf(t, web, "ben@example.test", "rmp-demo", "Calendar", 6); len(found) != 0 {
		t.Errorf("after the cancel: %+v", found)
	}

	// CommuniGate away: nothing is accepted that could not be checked.
	gate.closeAfter("")
	status, a := p.call(t, "POST", "/api/v2/bookings", token, request(7, room))
	if status != http.StatusServiceUnavailable || a["type"] != "urn:rmp:problem:unknown" {
		t.Errorf("CommuniGate away: %d %v", status, a)
	}
	if status, a := p.call(t, "POST", "/api/v2/auth/login", "", map[string]string{"email": "anna@example.test", "password": "rmp-demo"}); status < 502 || status > 504 {
		t.Errorf("login with CommuniGate away: %d %v", status, a)
	}
	gate.open()
	if status, a := p.call(t, "POST", "/api/v2/bookings", token, request(7, room)); status != http.StatusCreated {
		t.Errorf("CommuniGate back: %d %v", status, a)
	}

	// A second start finds everything as it was.
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	if err := p.cmd.Wait(); err != nil {
		t.Errorf("end: %v", err)
	}
	p = start(t, running, args...)
	token = p.login(t, "anna@example.test")
	if status, a := p.call(t, "GET", "/api/v2/bookings/"+id, token, nil); status != http.StatusOK || a["status"] != "cancelled" {
		t.Errorf("after a restart: %d %v", status, a)
	}
}
