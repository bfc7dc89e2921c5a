package app

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"rmp/internal/outbox"
)

// metrics is what /metrics shows.
type metrics struct {
	registry *prometheus.Registry
	requests *prometheus.HistogramVec
	writes   *prometheus.CounterVec
	drift    *prometheus.CounterVec
}

func newMetrics() *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "rmp_http_request_duration_seconds",
			Help:    "Time to answer a request of the API, by operation and status.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}}, []string{"operation", "status"}),
		writes: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "rmp_calendar_writes_total",
			Help: "Writes into CommuniGate Pro calendars, by outcome: synced, retried, given-up."}, []string{"outcome"}),
		drift: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "rmp_calendar_drift_total",
			Help: "Differences between calendars and the database, by kind: deleted, moved, ghost (ours), foreign (new events of others), overlap."}, []string{"kind"}),
	}
	m.registry.MustRegister(m.requests, m.writes, m.drift, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

func (m *metrics) observe(operation string, status int, took time.Duration) {
	m.requests.WithLabelValues(operation, strconv.Itoa(status)).Observe(took.Seconds())
}

func (m *metrics) wrote(outcome string, n int) { m.writes.WithLabelValues(outcome).Add(float64(n)) }

func (m *metrics) drifted(kind string, n int) { m.drift.WithLabelValues(kind).Add(float64(n)) }

// watchOutbox shows the backlog, read when it is asked for.
func (m *metrics) watchOutbox(s outbox.Store, now func() time.Time) {
	m.registry.MustRegister(&backlog{s, now})
}

func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{Registry: m.registry})
}

type backlog struct {
	store outbox.Store
	now   func() time.Time
}

var (
	backlogDesc = prometheus.NewDesc("rmp_outbox_jobs", "Calendar writes that are pending or given up (failed).", []string{"state"}, nil)
	ageDesc     = prometheus.NewDesc("rmp_outbox_oldest_seconds", "Age of the oldest pending calendar write.", nil, nil)
)

func (b *backlog) Describe(ch chan<- *prometheus.Desc) { ch <- backlogDesc; ch <- ageDesc }

func (b *backlog) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	pending, failed, oldest, err := b.store.Backlog(ctx)
	if err != nil {
		ch <- prometheus.NewInvalidMetric(backlogDesc, err)
		return
	}
	age := 0.0
	if !oldest.IsZero() {
		age = b.now().Sub(oldest).Seconds()
	}
	ch <- prometheus.MustNewConstMetric(backlogDesc, prometheus.GaugeValue, float64(pending), "pending")
	ch <- prometheus.MustNewConstMetric(backlogDesc, prometheus.GaugeValue, float64(failed), "failed")
	ch <- prometheus.MustNewConstMetric(ageDesc, prometheus.GaugeValue, age)
}
