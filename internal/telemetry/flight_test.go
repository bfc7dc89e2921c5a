package telemetry

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rmp/internal/trail"
)

func startRecorder(t *testing.T, log *slog.Logger) (*Recorder, *Metrics, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "slow")
	m := NewMetrics("test")
	r, err := NewRecorder(dir, time.Millisecond, m, log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	return r, m, dir
}

func names(t *testing.T, dir string) (out []string) {
	t.Helper()
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range list {
		out = append(out, e.Name())
	}
	return out
}

func TestRecordingsAreBounded(t *testing.T) {
	r, _, dir := startRecorder(t, slog.New(slog.DiscardHandler))
	r.every, r.files = 0, 3
	const ours = "20200101T000000.000000Z"
	for _, name := range []string{"notes.txt", "slow-" + ours + "-OLD.trace", "slow-mine.trace"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 5 {
		r.Slow(trail.Begin(t.Context(), trail.RequestID, fmt.Sprintf("R%d", i)), time.Second)
		r.writing.Wait()
	}
	got := strings.Join(names(t, dir), " ")
	for _, want := range []string{"-R2.trace", "-R3.trace", "-R4.trace", "notes.txt", "slow-mine.trace"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %s in %s", want, got)
		}
	}
	if n := len(names(t, dir)); n != 5 {
		t.Errorf("%d files: %s", n, got)
	}
	r.files, r.bytes = 100, 1 // not even one has room; the newest stays
	r.Slow(trail.Begin(t.Context(), trail.RequestID, "R5"), time.Second)
	r.writing.Wait()
	if got := names(t, dir); len(got) != 3 || !strings.Contains(strings.Join(got, " "), "-R5.trace") {
		t.Errorf("%v", got)
	}
}

func TestOneRecordingInATime(t *testing.T) {
	r, m, dir := startRecorder(t, slog.New(slog.DiscardHandler))
	for range 4 {
		r.Slow(t.Context(), time.Second)
	}
	r.writing.Wait()
	if got := names(t, dir); len(got) != 1 {
		t.Errorf("%v", got)
	}
	wants(t, scrape(t, m), `rmp_flight_recordings_total{result="written"} 1`, `rmp_flight_recordings_total{result="left-out"} 3`)
}

// What is slow is told without a recorder too, but not of an event stream.
func TestSlowRequestsAreTold(t *testing.T) {
	var out bytes.Buffer
	m := NewMetrics("test")
	h := Requests{Log: NewLog(&out, Text, slog.LevelInfo), Slow: time.Nanosecond, Metrics: m}.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", r.URL.Query().Get("type"))
	}))
	for _, kind := range []string{"text/event-stream", "text/html"} {
		h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/?type="+kind, nil))
	}
	if n := strings.Count(out.String(), "a request was slow"); n != 1 || !strings.Contains(out.String(), "requestId=") {
		t.Errorf("told %d times: %s", n, out.String())
	}
	wants(t, scrape(t, m), "rmp_http_slow_requests_total 1")
}
