package telemetry

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"rmp/internal/secret"
	"rmp/internal/trail"
)

// lineOf is the one line that was logged.
func lineOf(t *testing.T, b *bytes.Buffer) map[string]any {
	t.Helper()
	line := map[string]any{}
	if err := json.Unmarshal(b.Bytes(), &line); err != nil {
		t.Fatalf("%v in %s", err, b)
	}
	b.Reset()
	return line
}

func TestLinesCarryWhatIsKnown(t *testing.T) {
	var out bytes.Buffer
	level := &slog.LevelVar{}
	log := NewLog(&out, JSON, level)

	log.InfoContext(t.Context(), "nothing is known")
	if line := lineOf(t, &out); line["requestId"] != nil || line["msg"] != "nothing is known" {
		t.Error(line)
	}

	ctx := trail.Begin(t.Context(), trail.RequestID, "R1")
	inner := context.WithValue(ctx, trailless{}, 1) // what is noted further in is known further out
	trail.Note(inner, trail.Tenant, "acme")
	trail.Note(inner, trail.Booking, "B1")
	log.With("part", "x").InfoContext(ctx, "m", "tenant", "said", "password", secret.Text("hush"))
	line := lineOf(t, &out)
	for k, want := range map[string]any{"requestId": "R1", "booking": "B1", "tenant": "said", "part": "x"} {
		if line[k] != want {
			t.Errorf("%s is %v in %v", k, line[k], line)
		}
	}
	if strings.Contains(line["password"].(string), "hush") {
		t.Error("the log holds a secret")
	}

	job := trail.Begin(context.WithoutCancel(ctx), trail.Job, "outbox", trail.Booking, "B2")
	log.InfoContext(job, "m")
	if line := lineOf(t, &out); line["requestId"] != "R1" || line["job"] != "outbox" || line["booking"] != "B2" {
		t.Error(line)
	}
	if trail.Get(ctx, trail.Booking) != "B1" {
		t.Error("what began from a trail has changed it")
	}

	log.DebugContext(ctx, "not yet")
	if out.Len() != 0 {
		t.Error("a line below the level")
	}
	level.Set(slog.LevelDebug)
	log.DebugContext(ctx, "now")
	if line := lineOf(t, &out); line["level"] != "DEBUG" {
		t.Error(line)
	}
}

type trailless struct{}

func TestRequestsAreLoggedWithoutTheirPath(t *testing.T) {
	var out bytes.Buffer
	m := NewMetrics("test")
	log := m.CountLines(NewLog(&out, JSON, slog.LevelDebug))
	h := Requests{Log: log}.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		trail.Note(r.Context(), trail.Operation, "GET /feeds/{secret}")
		w.WriteHeader(http.StatusTeapot)
		if err := http.NewResponseController(w).Flush(); err != nil {
			t.Error("the connection cannot be reached:", err)
		}
	}))
	h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/feeds/hush", nil))
	if strings.Contains(out.String(), "hush") {
		t.Error("the path of a feed is a secret")
	}
	if line := lineOf(t, &out); line["status"] != float64(http.StatusTeapot) || line["operation"] != "GET /feeds/{secret}" || line["requestId"] == "" {
		t.Error(line)
	}
	wants(t, scrape(t, m), `rmp_log_lines_total{level="DEBUG"} 1`)
}
