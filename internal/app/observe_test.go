package app

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	trace "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"rmp/internal/config"
	"rmp/internal/demo"
	"rmp/internal/telemetry"
)

// running starts Serve, and answers where it listens. It ends with the test.
func runServe(t *testing.T, c config.Serve, p Program) (url string, end func()) {
	t.Helper()
	c.Data, c.Listen, c.LogLevel, c.Demo, c.Keep, c.MetricsFor = filepath.Join(t.TempDir(), "data"), "127.0.0.1:0", "error", "yes", time.Minute, []string{"127.0.0.0/8"}
	c.CGP = config.CGP{Sessions: 3, Persons: 1, Timeout: 5 * time.Second, WriteWait: 2 * time.Second}
	c.Reconcile.Interval = time.Minute
	ctx, cancel := context.WithCancel(t.Context())
	printed, written := io.Pipe()
	served := make(chan error, 1)
	go func() {
		served <- Serve(ctx, c, p, written)
		_ = written.Close()
	}()
	var once sync.Once
	end = func() {
		once.Do(func() {
			cancel()
			if err := <-served; err != nil {
				t.Error(err)
			}
		})
	}
	t.Cleanup(end)
	found := make(chan string, 1)
	go func() {
		var all strings.Builder
		buf := make([]byte, 4096)
		for {
			n, err := printed.Read(buf)
			all.Write(buf[:n])
			if m := regexp.MustCompile(`running at (http://[\d.:]+)\n`).FindStringSubmatch(all.String()); m != nil {
				select {
				case found <- m[1]:
				default:
				}
			}
			if err != nil {
				close(found)
				return
			}
		}
	}()
	url, ok := <-found
	if !ok {
		t.Fatal(<-served)
	}
	return url, end
}

func demand(t *testing.T, method, url, token, body string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := http.DefaultClient.Do(req)
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

func demoToken(t *testing.T, url string) string {
	t.Helper()
	_, text := demand(t, "POST", url+"/api/v2/auth/login", "", `{"email":"`+demo.User+`","password":"`+demo.Password+`"}`)
	var signedIn struct{ Token string }
	if err := json.Unmarshal([]byte(text), &signedIn); err != nil || signedIn.Token == "" {
		t.Fatal(text, err)
	}
	return signedIn.Token
}

const aBooking = `{"title":"Secret plan","start":"2027-03-01T14:00:00Z","end":"2027-03-01T15:00:00Z","resources":["geneva@confroom.resources.example.test"]}`

// TestMetrics: what is shown after some traffic is well formed, complete, and
// what the dashboard, the alerts and the documentation name.
func TestMetrics(t *testing.T) {
	url, _ := runServe(t, config.Serve{}, Program{Version: "9.9"})
	demand(t, "POST", url+"/api/v2/auth/login", "", `{"email":"`+demo.User+`","password":"wrong"}`)
	token := demoToken(t, url)
	for range 2 {
		demand(t, "POST", url+"/api/v2/bookings", token, aBooking)
	}
	status, text := demand(t, "GET", url+"/metrics", "", "")
	if status != 200 {
		t.Fatal(status)
	}
	problems, err := promlint.New(strings.NewReader(text)).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		if strings.HasPrefix(p.Metric, "rmp_") {
			t.Errorf("%s: %s", p.Metric, p.Text)
		}
	}
	for _, want := range []string{`rmp_build_info{goversion="`, `rmp_bookings_total{operation="create",outcome="done"} 1`, `rmp_bookings_total{operation="create",outcome="conflict"} 1`,
		`rmp_sign_ins_total{outcome="refused"} 1`, `rmp_sign_ins_total{outcome="done"} 1`, `rmp_database_up 1`, `rmp_cgp_request_duration_seconds_count{command="calendarPublish",outcome="ok",protocol="ximss"}`,
		`protocol="cli"}`, `rmp_calendar_writes_total{outcome="synced"}`, `rmp_calendar_cache_total{outcome="miss"}`, `rmp_ximss_sessions_max 3`} {
		if !strings.Contains(text, want) {
			t.Errorf("%s is not there", want)
		}
	}
	if strings.Contains(text, "@") || strings.Contains(text, "Secret") {
		t.Error("a metric names somebody")
	}
	there := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^# TYPE (\S+) (\S+)$`).FindAllStringSubmatch(text, -1) {
		there[m[1]] = true
		if m[2] == "histogram" {
			there[m[1]+"_bucket"], there[m[1]+"_count"], there[m[1]+"_sum"] = true, true, true
		}
	}
	there["rmp_calendar_drift_total"], there["up"] = true, true // nothing has drifted yet; up is the scraper's
	read := func(file string) string {
		t.Helper()
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	var dashboard struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal([]byte(read("../../deploy/grafana/rmp.json")), &dashboard); err != nil || len(dashboard.Panels) < 10 {
		t.Fatal(err, len(dashboard.Panels))
	}
	named := regexp.MustCompile(`\b(rmp_[a-z_]+|go_[a-z_]+|process_[a-z_]+)\b`)
	used := ""
	for _, p := range dashboard.Panels {
		for _, x := range p.Targets {
			used += x.Expr + "\n"
		}
	}
	alerts := read("../../deploy/prometheus/alerts.yaml")
	docs := read("../../docs/metrics.md")
	for _, name := range named.FindAllString(used+alerts+docs, -1) {
		if !there[name] && !strings.HasSuffix(name, "_") {
			t.Errorf("%s is named, and is no metric", name)
		}
	}
	for name := range there {
		if strings.HasPrefix(name, "rmp_") && !strings.Contains(docs, "`"+strings.TrimSuffix(strings.TrimSuffix(strings.TrimSuffix(name, "_bucket"), "_count"), "_sum")+"`") {
			t.Errorf("docs/metrics.md does not name %s", name)
		}
	}
	if n := strings.Count(alerts, "- alert:"); n < 10 || strings.Count(alerts, "runbook:") != n {
		t.Error("an alert says not what to do")
	}
}

// TestSpans: a booking is one trace, from the request over the transaction to
// the commands of CommuniGate Pro, and says nothing of persons.
func TestSpans(t *testing.T) {
	var mu sync.Mutex
	var spans []*trace.Span
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var body io.Reader = r.Body
		if r.Header.Get("Content-Encoding") == "gzip" {
			body, _ = gzip.NewReader(r.Body)
		}
		data, err := io.ReadAll(body)
		if err != nil {
			t.Error(err)
		}
		var got collector.ExportTraceServiceRequest
		if err := proto.Unmarshal(data, &got); err != nil {
			t.Error(err)
		}
		mu.Lock()
		defer mu.Unlock()
		for _, rs := range got.ResourceSpans {
			for _, ss := range rs.ScopeSpans {
				spans = append(spans, ss.Spans...)
			}
		}
	}))
	defer receiver.Close()
	url, end := runServe(t, config.Serve{OTLPEndpoint: receiver.URL, TraceShare: 1}, Program{Version: "9.9", Exporter: func(ctx context.Context, endpoint string) (sdktrace.SpanExporter, error) {
		return otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(endpoint+"/v1/traces"))
	}})
	if status, text := demand(t, "POST", url+"/api/v2/bookings", demoToken(t, url), aBooking); status != 201 {
		t.Fatal(status, text)
	}
	end()
	mu.Lock()
	defer mu.Unlock()
	var root *trace.Span
	for _, s := range spans {
		if s.Name == "POST /api/v2/bookings" {
			root = s
		}
	}
	if root == nil {
		t.Fatalf("no span of the request among %d", len(spans))
	}
	var names []string
	for _, s := range spans {
		if string(s.TraceId) == string(root.TraceId) {
			names = append(names, s.Name)
		}
		if text := fmt.Sprint(s.Name, s.Attributes, s.Status, s.Events); strings.Contains(text, "@") || strings.Contains(text, "Secret") {
			t.Errorf("a span names somebody: %s", text)
		}
	}
	for _, want := range []string{"book", "transaction", "XIMSS calendarOpen"} {
		if !slices.ContainsFunc(names, func(n string) bool { return strings.HasPrefix(n, want) }) {
			t.Errorf("%q is not in the trace: %v", want, names)
		}
	}
}

// TestSlowRequestsAreRecorded: a slow request leaves a recording that can be
// read, one in a while, and no more than are kept.
func TestSlowRequestsAreRecorded(t *testing.T) {
	dir, made := filepath.Join(t.TempDir(), "slow"), 0
	r, err := telemetry.NewRecorder(dir, time.Second, slog.New(slog.DiscardHandler), func() { made++ })
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	now := time.Now()
	r.Request("quick", "GET /", time.Millisecond, now)
	r.Request("one", "GET /", 2*time.Second, now)
	r.Request("soon-after", "GET /", 2*time.Second, now.Add(time.Second))
	if made != 1 {
		t.Fatalf("%d recordings", made)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*one.trace"))
	if err != nil || len(files) != 1 {
		t.Fatal(files, err)
	}
	head, err := os.ReadFile(files[0])
	if err != nil || !strings.HasPrefix(string(head), "go 1.") {
		t.Fatalf("not a trace: %q, %v", head[:min(len(head), 20)], err)
	}
	for i := range 30 {
		r.Request("more", "GET /", 2*time.Second, now.Add(time.Duration(i+1)*time.Minute))
	}
	if list, err := os.ReadDir(dir); err != nil || len(list) != 20 {
		t.Errorf("%d recordings are kept, %v", len(list), err)
	}
}

// TestMemoryLimit: the least limit of the control groups counts.
func TestMemoryLimit(t *testing.T) {
	t.Setenv("GOMEMLIMIT", "")
	write := func(root, file, text string) {
		t.Helper()
		path := filepath.Join(root, file)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	v2 := t.TempDir()
	write(v2, "proc/self/cgroup", "0::/system.slice/rmp.service\n")
	write(v2, "sys/fs/cgroup/system.slice/rmp.service/memory.max", "max\n")
	write(v2, "sys/fs/cgroup/system.slice/memory.max", "1000000000000\n")
	v1 := t.TempDir()
	write(v1, "sys/fs/cgroup/memory/memory.limit_in_bytes", "2000000000000\n")
	for root, want := range map[string]int64{v2: 900000000000, v1: 1800000000000, t.TempDir(): 0} {
		if got := telemetry.LimitMemory(root); got != want {
			t.Errorf("%d, not %d", got, want)
		}
	}
	t.Setenv("GOMEMLIMIT", "1GiB")
	if got := telemetry.LimitMemory(v2); got != 0 {
		t.Errorf("it overrides GOMEMLIMIT: %d", got)
	}
}
