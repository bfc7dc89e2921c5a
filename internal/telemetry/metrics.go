package telemetry

import (
	"net/http"
	"runtime"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Metrics is what /metrics shows.
type Metrics struct {
	registry *prometheus.Registry

	requests       *prometheus.HistogramVec
	slow           prometheus.Counter
	signIns        *prometheus.CounterVec
	bookings       *prometheus.CounterVec
	bookingTime    *prometheus.HistogramVec
	writes         *prometheus.CounterVec
	drift          *prometheus.CounterVec
	checks         *prometheus.CounterVec
	jobs           *prometheus.CounterVec
	commands       *prometheus.CounterVec
	commandTime    *prometheus.HistogramVec
	roundTrips     *prometheus.CounterVec
	waits          *prometheus.HistogramVec
	refusedSession *prometheus.CounterVec
	writeTime      prometheus.Histogram
	recordings     *prometheus.CounterVec
	lines          *prometheus.CounterVec
	spans          *prometheus.CounterVec

	servers bounded
}

var (
	// Quick answers matter as much as slow ones: a kept calendar is under a
	// millisecond, a booking some ten, a server in trouble seconds.
	requestBuckets = []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}
	waitBuckets    = []float64{.001, .005, .025, .1, .25, .5, 1, 2.5, 5, 10}
)

// NewMetrics makes all of them, those counters at zero whose labels are
// known: what has never happened can be seen not to have happened.
func NewMetrics(version string) *Metrics {
	m := &Metrics{registry: prometheus.NewRegistry(), servers: bounded{most: 20}}
	m.requests = m.histograms("rmp_http_request_duration_seconds", requestBuckets)
	m.slow = m.counters("rmp_http_slow_requests_total").WithLabelValues()
	m.signIns = m.counters("rmp_sign_ins_total", []string{"login", "single-sign-on"}, []string{"ok", "refused", "throttled", "failed"})
	m.bookings = m.counters("rmp_booking_operations_total", []string{"create", "change", "cancel", "restore", "hold", "release"}, []string{"done", "conflict", "policy", "unknown"})
	m.bookingTime = m.histograms("rmp_booking_operation_duration_seconds", requestBuckets)
	m.writes = m.counters("rmp_calendar_writes_total", []string{"synced", "retried", "given-up"})
	m.drift = m.counters("rmp_calendar_drift_total", []string{"deleted", "moved", "ghost", "foreign", "overlap"})
	m.checks = m.counters("rmp_reconcile_checks_total", []string{"ok", "failed"})
	m.jobs = m.counters("rmp_jobs_total")
	m.commands = m.counters("rmp_cgp_commands_total")
	m.commandTime = m.histograms("rmp_cgp_command_duration_seconds", requestBuckets)
	m.roundTrips = m.counters("rmp_cgp_round_trips_total")
	m.waits = m.histograms("rmp_cgp_wait_seconds", waitBuckets)
	for _, protocol := range []string{"ximss", "cli"} {
		m.waits.WithLabelValues(protocol)
	}
	m.refusedSession = m.counters("rmp_ximss_refused_sessions_total")
	m.writeTime = prometheus.NewHistogram(prometheus.HistogramOpts{Name: "rmp_database_write_duration_seconds", Help: describe("rmp_database_write_duration_seconds").Help,
		Buckets: []float64{.00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 5}})
	m.recordings = m.counters("rmp_flight_recordings_total", []string{"written", "left-out", "failed"})
	m.lines = m.counters("rmp_log_lines_total", []string{"DEBUG", "INFO", "WARN", "ERROR"})
	m.spans = m.counters("rmp_trace_spans_total", []string{"sent", "failed"})
	build := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "rmp_build_info", Help: describe("rmp_build_info").Help}, describe("rmp_build_info").Labels)
	build.WithLabelValues(version, runtime.Version()).Set(1)
	m.registry.MustRegister(m.writeTime, build, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// counters makes and registers counters of the catalogue, with the
// combinations of the label values that are given.
func (m *Metrics) counters(name string, values ...[]string) *prometheus.CounterVec {
	d := describe(name)
	v := prometheus.NewCounterVec(prometheus.CounterOpts{Name: d.Name, Help: d.Help}, d.Labels)
	m.registry.MustRegister(v)
	if len(values) == len(d.Labels) {
		var begin func(labels []string)
		begin = func(labels []string) {
			if len(labels) == len(values) {
				v.WithLabelValues(labels...)
				return
			}
			for _, x := range values[len(labels)] {
				begin(append(labels[:len(labels):len(labels)], x))
			}
		}
		begin(nil)
	}
	return v
}

func (m *Metrics) histograms(name string, buckets []float64) *prometheus.HistogramVec {
	d := describe(name)
	v := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: d.Name, Help: d.Help, Buckets: buckets}, d.Labels)
	m.registry.MustRegister(v)
	return v
}

// Handler serves them. What cannot be read at the moment is left out.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{Registry: m.registry, ErrorHandling: promhttp.ContinueOnError})
}

// Request counts a request of the API.
func (m *Metrics) Request(operation string, status int, took time.Duration) {
	m.requests.WithLabelValues(operation, strconv.Itoa(status)).Observe(took.Seconds())
}

// SignedIn counts a try to sign in.
func (m *Metrics) SignedIn(way, result string) { m.signIns.WithLabelValues(way, result).Inc() }

// Booking counts an operation on a booking.
func (m *Metrics) Booking(operation, outcome string, took time.Duration) {
	m.bookings.WithLabelValues(operation, outcome).Inc()
	m.bookingTime.WithLabelValues(operation).Observe(took.Seconds())
}

// Wrote counts calendar writes.
func (m *Metrics) Wrote(outcome string, n int) { m.writes.WithLabelValues(outcome).Add(float64(n)) }

// Drifted counts differences that the reconciler has found.
func (m *Metrics) Drifted(kind string, n int) { m.drift.WithLabelValues(kind).Add(float64(n)) }

// Compared counts a comparison of the reconciler.
func (m *Metrics) Compared(err error) { m.checks.WithLabelValues(okOrFailed(err)).Inc() }

// Ran counts a run of a background job.
func (m *Metrics) Ran(job string, err error) { m.jobs.WithLabelValues(job, okOrFailed(err)).Inc() }

// Transaction counts a transaction that wrote.
func (m *Metrics) Transaction(took time.Duration, _ error) { m.writeTime.Observe(took.Seconds()) }

func okOrFailed(err error) string {
	if err != nil {
		return "failed"
	}
	return "ok"
}

// bounded lets the first few values of a label through; those that come after
// are "other".
type bounded struct {
	most int
	mu   sync.Mutex
	seen map[string]bool
}

func (b *bounded) value(s string) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.seen[s] {
		return s
	}
	if len(b.seen) >= b.most {
		return "other"
	}
	if b.seen == nil {
		b.seen = map[string]bool{}
	}
	b.seen[s] = true
	return s
}
