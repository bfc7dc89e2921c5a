// Package telemetry shows what the program does: metrics for Prometheus,
// spans for OpenTelemetry, recordings of slow requests, logs.
//
// It is told by functions that the other packages call, and knows nothing of
// how they work; what is counted has few labels with few values: never a
// person, a resource or a booking.
package telemetry

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"rmp/communigate/cli"
	"rmp/communigate/ximss"
	"rmp/internal/groupware"
	"rmp/internal/trail"
)

// Metrics is what /metrics shows.
type Metrics struct {
	registry   *prometheus.Registry
	requests   *prometheus.HistogramVec
	bookings   *prometheus.CounterVec
	signIns    *prometheus.CounterVec
	writes     *prometheus.CounterVec
	drift      *prometheus.CounterVec
	commands   *prometheus.HistogramVec
	recordings prometheus.Counter
}

var latency = []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}

// NewMetrics makes them; version is that of the program.
func NewMetrics(version string) *Metrics {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	}
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "rmp_http_request_duration_seconds", Buckets: latency,
			Help: "Time to answer a request of the API, by operation and status."}, []string{"operation", "status"}),
		bookings: counter("rmp_bookings_total", "Bookings by what was asked (create, change, cancel, restore) and the outcome: done, conflict, refused (a rule, or not allowed), invalid, unavailable (a calendar or the server could not be reached), error.", "operation", "outcome"),
		signIns:  counter("rmp_sign_ins_total", "Sign-ins, by outcome: done, refused, throttled, unavailable.", "outcome"),
		writes:   counter("rmp_calendar_writes_total", "Writes into CommuniGate Pro calendars, by outcome: synced, retried, given-up.", "outcome"),
		drift:    counter("rmp_calendar_drift_total", "Differences between calendars and the database, by kind: deleted, moved, ghost (ours), foreign (new events of others), overlap.", "kind"),
		commands: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "rmp_cgp_request_duration_seconds", Buckets: latency,
			Help: "Time of a CommuniGate Pro command, by protocol (cli, ximss), command and outcome: ok, refused, slow, lost (the connection or the session), full (no session free), protocol. Requests of one XIMSS round trip count its whole time each."}, []string{"protocol", "command", "outcome"}),
		recordings: prometheus.NewCounter(prometheus.CounterOpts{Name: "rmp_slow_requests_recorded_total", Help: "Recordings made of slow requests."}),
	}
	build := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "rmp_build_info", Help: "1, with the version of the program and of Go as labels."}, []string{"version", "goversion"})
	build.WithLabelValues(version, runtime.Version()).Set(1)
	m.registry.MustRegister(m.requests, m.bookings, m.signIns, m.writes, m.drift, m.commands, m.recordings, build,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// Handler answers /metrics.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{Registry: m.registry})
}

// Gatherer is for tests.
func (m *Metrics) Gatherer() prometheus.Gatherer { return m.registry }

// bookingOperations are the routes that book.
var bookingOperations = map[string]string{
	"POST /api/v2/bookings": "create", "PUT /api/v2/bookings/{id}": "change", "DELETE /api/v2/bookings/{id}": "cancel", "POST /api/v2/bookings/{id}/restore": "restore",
}

// Request counts a request that was answered.
func (m *Metrics) Request(operation string, status int, took time.Duration) {
	m.requests.WithLabelValues(operation, strconv.Itoa(status)).Observe(took.Seconds())
	if op := bookingOperations[operation]; op != "" {
		m.bookings.WithLabelValues(op, bookingOutcome(status)).Inc()
	}
	if strings.HasPrefix(operation, "POST /api/v2/auth/") && strings.HasSuffix(operation, "login") {
		m.SignIn(status)
	}
}

func bookingOutcome(status int) string {
	switch {
	case status < 300:
		return "done"
	case status == http.StatusConflict:
		return "conflict"
	case status == http.StatusForbidden, status == http.StatusUnprocessableEntity:
		return "refused"
	case status == http.StatusBadGateway, status == http.StatusServiceUnavailable, status == http.StatusGatewayTimeout:
		return "unavailable"
	case status >= 500:
		return "error"
	}
	return "invalid"
}

// SignIn counts a sign-in by the status of its answer.
func (m *Metrics) SignIn(status int) {
	outcome := "refused"
	switch {
	case status < 400:
		outcome = "done"
	case status == http.StatusTooManyRequests:
		outcome = "throttled"
	case status >= 500:
		outcome = "unavailable"
	}
	m.signIns.WithLabelValues(outcome).Inc()
}

// Recorded counts a recording of a slow request.
func (m *Metrics) Recorded() { m.recordings.Inc() }

// Wrote counts calendar writes.
func (m *Metrics) Wrote(outcome string, n int) { m.writes.WithLabelValues(outcome).Add(float64(n)) }

// Drifted counts differences that were found.
func (m *Metrics) Drifted(kind string, n int) { m.drift.WithLabelValues(kind).Add(float64(n)) }

// Command is told of a round trip with CommuniGate Pro; what it answers takes
// the outcome of each command.
func (m *Metrics) Command(ctx context.Context, protocol string, commands []string) func([]error) {
	_, end := trail.Span(ctx, strings.ToUpper(protocol)+" "+strings.Join(few(commands), " "), slog.Int("commands", len(commands)))
	began := time.Now()
	return func(errs []error) {
		took := time.Since(began).Seconds()
		var first error
		for i, err := range errs {
			m.commands.WithLabelValues(protocol, commands[i], commandOutcome(err)).Observe(took)
			if first == nil {
				first = err
			}
		}
		if first != nil {
			first = errors.New(commandOutcome(first)) // texts of the server may name persons
		}
		end(first)
	}
}

// few are the distinct names of a round trip, at most so many.
func few(names []string) (out []string) {
	const most = 4
	seen := map[string]bool{}
	for _, n := range names {
		if !seen[n] && len(out) < most {
			out = append(out, n)
		}
		seen[n] = true
	}
	return out
}

func commandOutcome(err error) string {
	var refusedCLI *cli.Error
	var refused *ximss.Error
	var broken *cli.ProtocolError
	switch {
	case err == nil:
		return "ok"
	case errors.Is(err, ximss.ErrSessionCap):
		return "full"
	case errors.Is(err, ximss.ErrSlow), errors.Is(err, context.DeadlineExceeded):
		return "slow"
	case errors.Is(err, ximss.ErrProtocol), errors.As(err, &broken):
		return "protocol"
	case errors.As(err, &refusedCLI), errors.As(err, &refused), errors.Is(err, ximss.ErrBadLogin), errors.Is(err, ximss.ErrNoAccount):
		return "refused"
	}
	return "lost"
}

// Sources are read when the metrics are.
type Sources struct {
	Backlog   func(ctx context.Context) (pending, failed int, oldest time.Time, err error)
	Checks    func(ctx context.Context) (oldest time.Time, err error) // oldest comparison of a calendar
	Database  func() sql.DBStats
	Groupware func() groupware.Stats
	Cache     func() (hits, misses int64)
	API       func() (inFlight, streams int)
	Now       func() time.Time
}

// Watch shows what the sources say.
func (m *Metrics) Watch(s Sources) { m.registry.MustRegister(&watched{s}) }

type watched struct{ Sources }

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(name, help, labels, nil)
}

var (
	jobsDesc     = desc("rmp_outbox_jobs", "Calendar writes that are pending or given up (failed).", "state")
	ageDesc      = desc("rmp_outbox_oldest_seconds", "Age of the oldest pending calendar write.")
	checkDesc    = desc("rmp_calendar_check_oldest_seconds", "Age of the oldest comparison of a resource's calendar with the database.")
	upDesc       = desc("rmp_database_up", "1 if the database answered when the metrics were read.")
	dbDesc       = desc("rmp_database_connections", "Connections to the database, by state: in-use, idle.", "state")
	dbMostDesc   = desc("rmp_database_connections_max", "Most connections to the database.")
	dbWaitDesc   = desc("rmp_database_wait_seconds_total", "Time spent waiting for a connection to the database.")
	sessionsDesc = desc("rmp_ximss_sessions", "XIMSS sessions of service accounts that are open.")
	mostDesc     = desc("rmp_ximss_sessions_max", "Most XIMSS sessions of service accounts that this process opens.")
	cliDesc      = desc("rmp_cli_connections", "CLI connections that are open.")
	cacheDesc    = desc("rmp_calendar_cache_total", "Days of calendars that were asked for to be shown, by outcome: hit, miss.", "outcome")
	flightDesc   = desc("rmp_http_requests_in_flight", "Requests at work.")
	streamDesc   = desc("rmp_event_streams", "Event streams that are open.")
)

func (w *watched) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{jobsDesc, ageDesc, checkDesc, upDesc, dbDesc, dbMostDesc, dbWaitDesc, sessionsDesc, mostDesc, cliDesc, cacheDesc, flightDesc, streamDesc} {
		ch <- d
	}
}

func (w *watched) Collect(ch chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	count := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, v, labels...)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	age := func(at time.Time) float64 {
		if at.IsZero() {
			return 0
		}
		return max(0, w.Now().Sub(at).Seconds())
	}
	pending, failed, oldest, err := w.Backlog(ctx)
	up := 0.0
	if err == nil {
		up = 1
		gauge(jobsDesc, float64(pending), "pending")
		gauge(jobsDesc, float64(failed), "failed")
		gauge(ageDesc, age(oldest))
		if at, err := w.Checks(ctx); err == nil {
			gauge(checkDesc, age(at))
		}
	}
	gauge(upDesc, up)
	db, gw := w.Database(), w.Groupware()
	gauge(dbDesc, float64(db.InUse), "in-use")
	gauge(dbDesc, float64(db.Idle), "idle")
	gauge(dbMostDesc, float64(db.MaxOpenConnections))
	count(dbWaitDesc, db.WaitDuration.Seconds())
	gauge(sessionsDesc, float64(gw.Sessions))
	gauge(mostDesc, float64(gw.SessionsMost))
	gauge(cliDesc, float64(gw.CLI))
	hits, misses := w.Cache()
	count(cacheDesc, float64(hits), "hit")
	count(cacheDesc, float64(misses), "miss")
	flight, streams := w.API()
	gauge(flightDesc, float64(flight))
	gauge(streamDesc, float64(streams))
}
