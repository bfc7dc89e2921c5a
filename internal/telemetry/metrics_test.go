package telemetry

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"rmp/communigate/cli"
	"rmp/communigate/ximss"
	"rmp/internal/groupware"
	"rmp/internal/store"
)

var update = flag.Bool("update", false, "write docs/metrics.md anew")

const document = "../../docs/metrics.md"

// rows are the table of docs/metrics.md.
func rows() string {
	var b strings.Builder
	b.WriteString("| Metric | Kind | Labels | What it is |\n|---|---|---|---|\n")
	for _, m := range Catalogue {
		labels := ""
		if len(m.Labels) > 0 {
			labels = "`" + strings.Join(m.Labels, "`, `") + "`"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", m.Name, m.Kind, labels, m.Help)
	}
	return b.String()
}

// The table of the document is the catalogue; run this test with -update to
// write it anew.
func TestMetricsAreDocumented(t *testing.T) {
	b, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	const begin, end = "<!-- catalogue -->\n\n", "\n<!-- end of catalogue -->"
	head, rest, found := strings.Cut(string(b), begin)
	table, tail, closed := strings.Cut(rest, end)
	if !found || !closed {
		t.Fatalf("%s has no place for the table", document)
	}
	if table == rows() {
		return
	}
	if !*update {
		t.Fatalf("the table of %s is not the catalogue: run go test ./internal/telemetry -run %s -update", document, t.Name())
	}
	if err := os.WriteFile(document, []byte(head+begin+rows()+end+tail), 0o644); err != nil {
		t.Fatal(err)
	}
}

func scrape(t *testing.T, m *Metrics) string {
	t.Helper()
	rec := httptest.NewRecorder()
	m.Handler().ServeHTTP(rec, httptest.NewRequest("GET", "/metrics", nil))
	text, err := io.ReadAll(rec.Body)
	if err != nil || rec.Code != 200 {
		t.Fatal(rec.Code, err)
	}
	return string(text)
}

func wants(t *testing.T, text string, lines ...string) {
	t.Helper()
	for _, l := range lines {
		if !strings.Contains(text, "\n"+l+"\n") {
			t.Errorf("no line %s", l)
		}
	}
}

// down is a database that is away.
type down struct{}

func (down) Ping(context.Context) error { return errors.New("away") }

func (down) Backlog(context.Context) (int, int, time.Time, error) {
	return 0, 0, time.Time{}, errors.New("away")
}

func (down) ChecksDue(context.Context, time.Time) (int, time.Time, error) {
	return 0, time.Time{}, errors.New("away")
}

func (down) Pools() []store.Pool { return []store.Pool{{Name: "all"}} }

func TestADatabaseThatIsAwayIsShownAsThat(t *testing.T) {
	m := NewMetrics("test")
	m.Watch(Sources{Database: down{}})
	text := scrape(t, m)
	wants(t, text, "rmp_database_up 0", `rmp_database_connections{pool="all",state="busy"} 0`)
	if strings.Contains(text, "rmp_outbox_jobs") {
		t.Error("the backlog of a database that is away is shown")
	}
}

// Tenants may bring servers without number; the metrics stay few.
func TestServersAreBounded(t *testing.T) {
	m := NewMetrics("test")
	list := []groupware.ServerStats{{Name: "main", Service: ximss.PoolStats{Size: 3}}, {Name: "main", Service: ximss.PoolStats{Size: 3}}}
	for i := range 500 {
		name := fmt.Sprintf("mail-%d.example.test", i)
		list = append(list, groupware.ServerStats{Name: name, Service: ximss.PoolStats{Size: 3, Busy: 1}, CLI: cli.PoolStats{Size: 2}})
		_, end := m.Wire(name, "ximss").Begin(t.Context(), "noop")
		end([]error{nil}, nil)
	}
	m.Watch(Sources{Servers: func() []groupware.ServerStats { return list }})
	text := scrape(t, m)
	wants(t, text, `rmp_ximss_sessions_limit{pool="service",server="main"} 6`, `rmp_ximss_sessions{pool="service",server="other",state="busy"} 481`,
		`rmp_cgp_round_trips_total{protocol="ximss",result="ok",server="other"} 480`)
	if n := strings.Count(text, "rmp_ximss_watching{"); n != mostServers+1 {
		t.Errorf("%d servers are shown", n)
	}
}

func TestCommandsAreCountedByKind(t *testing.T) {
	m := NewMetrics("test")
	w := m.Wire("main", "ximss")
	_, end := w.Begin(t.Context(), "calendarOpen", "findEvents", "findEvents")
	end([]error{nil, &ximss.Error{Num: 513, Text: "unknown user account"}, nil}, nil)
	_, end = w.Begin(t.Context(), "calendarOpen", "findEvents")
	end(nil, fmt.Errorf("x: %w", ximss.ErrSlow))
	_, end = w.Begin(t.Context(), "login")
	end(nil, &ximss.Error{Text: "too many concurrent sessions"})
	w = m.Wire("main", "cli")
	_, end = w.Begin(t.Context(), "GetAccount")
	end(nil, &cli.Error{Code: 513, Text: "unknown user account"})
	_, end = w.Begin(t.Context(), "login")
	end(nil, &cli.TransportError{Op: "connect", Err: errors.New("connection refused"), Unsent: true})
	_, end = w.Begin(t.Context(), "NOOP")
	end(nil, &cli.TransportError{Op: "NOOP", Err: context.DeadlineExceeded})
	wants(t, scrape(t, m),
		`rmp_cgp_commands_total{command="calendarOpen",protocol="ximss",result="ok"} 1`,
		`rmp_cgp_commands_total{command="calendarOpen",protocol="ximss",result="slow"} 1`,
		`rmp_cgp_commands_total{command="findEvents",protocol="ximss",result="no-account"} 1`,
		`rmp_cgp_commands_total{command="findEvents",protocol="ximss",result="ok"} 1`,
		`rmp_cgp_command_duration_seconds_count{command="findEvents",protocol="ximss"} 2`,
		`rmp_cgp_commands_total{command="login",protocol="ximss",result="session-cap"} 1`,
		`rmp_ximss_refused_sessions_total{server="main"} 1`,
		`rmp_cgp_round_trips_total{protocol="ximss",result="slow",server="main"} 1`,
		`rmp_cgp_commands_total{command="GetAccount",protocol="cli",result="not-found"} 1`,
		`rmp_cgp_round_trips_total{protocol="cli",result="ok",server="main"} 1`,
		`rmp_cgp_commands_total{command="login",protocol="cli",result="unreachable"} 1`,
		`rmp_cgp_commands_total{command="NOOP",protocol="cli",result="slow"} 1`)
}
