package main

import (
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// slowRequest is longer than anything takes that is not made slow.
const slowRequest = 4 * time.Second

// fail plans a fault of the program's stand-in.
func (s *program) fail(t *testing.T, fault string) {
	t.Helper()
	at := regexp.MustCompile(`XIMSS over HTTP at ([0-9.:]+)`).FindStringSubmatch(s.out.find(t, "CommuniGate stand-in:"))
	password, err := os.ReadFile(filepath.Join(s.data, "standin", "admin.password"))
	if err != nil || at == nil {
		t.Fatal(at, err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+at[1]+"/admin/faults", strings.NewReader(url.Values{"fault": {fault}}.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.SetBasicAuth("postmaster", strings.TrimSpace(string(password)))
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusSeeOther {
		t.Fatalf("the fault was not taken: %s", resp.Status)
	}
}

// slow makes CommuniGate Pro slow for one booking, and reads what was recorded
// with the tool that an operator has.
func slow(t *testing.T, s *program, dir string) {
	s.fail(t, "ximss:findEvents:latency:delay="+(slowRequest+time.Second).String()+",times=1")
	var made struct{ ID string }
	id := s.call(t, http.MethodPost, "/api/v2/bookings", http.StatusCreated, booking(3), &made).Get("X-Request-Id")
	line := s.log.find(t, "a slow request was recorded")
	for _, want := range []string{`"requestId":"` + id + `"`, `"booking":"` + made.ID + `"`, `"operation":"POST /api/v2/bookings"`} {
		if !strings.Contains(line, want) {
			t.Errorf("no %s in %s", want, line)
		}
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.trace"))
	if err != nil || len(files) != 1 || !strings.Contains(files[0], id) || !strings.Contains(line, files[0]) {
		t.Fatalf("%v %v, and the log says %s", files, err, line)
	}
	// It takes reading every event to know who waited how long to run.
	if waits, err := exec.CommandContext(t.Context(), "go", "tool", "trace", "-pprof=sched", files[0]).CombinedOutput(); err != nil || len(waits) < 1000 {
		t.Fatalf("the trace cannot be read: %v: %.300s", err, waits)
	}
	trace, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{id, "booking create", "ximss findEvents", "store transaction"} {
		if !strings.Contains(string(trace), want) {
			t.Errorf("no %s in the trace", want)
		}
	}
}
