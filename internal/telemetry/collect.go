package telemetry

import (
	"context"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"rmp/communigate/ximss"
	"rmp/internal/api"
	"rmp/internal/availability"
	"rmp/internal/groupware"
	"rmp/internal/store"
)

// Sources are what has a present state, read when /metrics is asked for. What
// is nil is left out.
type Sources struct {
	Database interface {
		Ping(ctx context.Context) error
		Backlog(ctx context.Context) (pending, failed int, oldest time.Time, err error)
		ChecksDue(ctx context.Context, now time.Time) (due int, since time.Time, err error)
		Pools() []store.Pool
	}
	Servers     func() []groupware.ServerStats
	Cache       func() []availability.CacheStats
	Limits      func() api.LimitStats
	Events      func() (listeners int, lost int64)
	Certificate func() (ends time.Time) // nil where there is none
	Now         func() time.Time
}

// readTime bounds the reading of the database for one answer.
const readTime = 2 * time.Second

// Watch shows the state of the sources.
func (m *Metrics) Watch(s Sources) {
	c := &collector{sources: s, descs: map[string]*prometheus.Desc{}}
	if s.Now == nil {
		c.sources.Now = time.Now
	}
	for _, name := range []string{
		"rmp_http_in_flight_requests", "rmp_http_in_flight_limit", "rmp_http_refused_requests_total", "rmp_event_streams", "rmp_event_streams_limit",
		"rmp_event_listeners", "rmp_event_listeners_behind_total", "rmp_outbox_jobs", "rmp_outbox_oldest_seconds", "rmp_reconcile_due_checks", "rmp_reconcile_lag_seconds",
		"rmp_calendar_cache_hits_total", "rmp_calendar_cache_misses_total", "rmp_calendar_cache_entries",
		"rmp_ximss_sessions", "rmp_ximss_sessions_limit", "rmp_ximss_waiting", "rmp_ximss_watching", "rmp_cli_connections", "rmp_cli_connections_limit", "rmp_cli_waiting",
		"rmp_database_up", "rmp_database_connections", "rmp_database_connections_limit", "rmp_database_waiting", "rmp_database_waits_total", "rmp_database_wait_seconds_total",
		"rmp_certificate_expiry_timestamp_seconds",
	} {
		d := describe(name)
		c.descs[name] = prometheus.NewDesc(d.Name, d.Help, d.Labels, nil)
	}
	m.registry.MustRegister(c)
}

type collector struct {
	sources Sources
	descs   map[string]*prometheus.Desc
	mu      sync.Mutex // one reading at a time: scrapes must not pile up on a slow database
}

// Describe implements prometheus.Collector.
func (c *collector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range c.descs {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (c *collector) Collect(ch chan<- prometheus.Metric) {
	c.mu.Lock()
	defer c.mu.Unlock()
	show := func(name string, value float64, labels ...string) {
		kind := prometheus.GaugeValue
		if describe(name).Kind == counter {
			kind = prometheus.CounterValue
		}
		ch <- prometheus.MustNewConstMetric(c.descs[name], kind, value, labels...)
	}
	s := c.sources
	if s.Limits != nil {
		l := s.Limits()
		show("rmp_http_in_flight_requests", float64(l.InFlight))
		show("rmp_http_in_flight_limit", float64(l.MostInFlight))
		show("rmp_http_refused_requests_total", float64(l.TooMany), "rate")
		show("rmp_http_refused_requests_total", float64(l.NoRoom), "in-flight")
		show("rmp_event_streams", float64(l.Streams))
		show("rmp_event_streams_limit", float64(l.MostStreams))
	}
	if s.Events != nil {
		n, lost := s.Events()
		show("rmp_event_listeners", float64(n))
		show("rmp_event_listeners_behind_total", float64(lost))
	}
	if s.Cache != nil {
		for _, k := range s.Cache() {
			show("rmp_calendar_cache_hits_total", float64(k.Hits), k.Kind)
			show("rmp_calendar_cache_misses_total", float64(k.Misses), k.Kind)
			show("rmp_calendar_cache_entries", float64(k.Entries), k.Kind)
		}
	}
	if s.Servers != nil {
		c.servers(s.Servers(), show)
	}
	if s.Certificate != nil {
		show("rmp_certificate_expiry_timestamp_seconds", float64(s.Certificate().Unix()))
	}
	if s.Database != nil {
		c.database(show)
	}
}

type shower func(name string, value float64, labels ...string)

// mostServers bounds the servers that are shown; those beyond are counted
// together.
const mostServers = 20

// merged has each name once: one host may serve tenants with accounts of
// their own.
func merged(list []groupware.ServerStats) []groupware.ServerStats {
	var out []groupware.ServerStats
	at := map[string]int{}
	for _, s := range list {
		i, ok := at[s.Name]
		if !ok && len(out) >= mostServers {
			s.Name = "other"
			i, ok = at[s.Name]
		}
		if !ok {
			at[s.Name] = len(out)
			out = append(out, s)
			continue
		}
		add(&out[i].Service, s.Service)
		add(&out[i].Persons, s.Persons)
		out[i].Watching += s.Watching
		out[i].CLI.Idle += s.CLI.Idle
		out[i].CLI.Busy += s.CLI.Busy
		out[i].CLI.Size += s.CLI.Size
		out[i].CLI.Waiting += s.CLI.Waiting
	}
	return out
}

func add(to *ximss.PoolStats, p ximss.PoolStats) {
	to.Size += p.Size
	to.Idle += p.Idle
	to.Busy += p.Busy
	to.Waiting += p.Waiting
}

func (c *collector) servers(list []groupware.ServerStats, show shower) {
	for _, s := range merged(list) {
		for pool, p := range map[string]ximss.PoolStats{"service": s.Service, "persons": s.Persons} {
			show("rmp_ximss_sessions", float64(p.Idle), s.Name, pool, "idle")
			show("rmp_ximss_sessions", float64(p.Busy), s.Name, pool, "busy")
			show("rmp_ximss_sessions_limit", float64(p.Size), s.Name, pool)
			show("rmp_ximss_waiting", float64(p.Waiting), s.Name, pool)
		}
		show("rmp_ximss_watching", float64(s.Watching), s.Name)
		show("rmp_cli_connections", float64(s.CLI.Idle), s.Name, "idle")
		show("rmp_cli_connections", float64(s.CLI.Busy), s.Name, "busy")
		show("rmp_cli_connections_limit", float64(s.CLI.Size), s.Name)
		show("rmp_cli_waiting", float64(s.CLI.Waiting), s.Name)
	}
}

// database shows what the database says of itself and of the work in it. One
// that is away is shown as that, and what it would say is left out.
func (c *collector) database(show shower) {
	db := c.sources.Database
	for _, p := range db.Pools() {
		show("rmp_database_connections", float64(p.Idle), p.Name, "idle")
		show("rmp_database_connections", float64(p.InUse), p.Name, "busy")
		show("rmp_database_connections_limit", float64(p.MaxOpenConnections), p.Name)
		show("rmp_database_waiting", float64(p.Waiting), p.Name)
		show("rmp_database_waits_total", float64(p.WaitCount), p.Name)
		show("rmp_database_wait_seconds_total", p.WaitDuration.Seconds(), p.Name)
	}
	ctx, cancel := context.WithTimeout(context.Background(), readTime)
	defer cancel()
	if db.Ping(ctx) != nil {
		show("rmp_database_up", 0)
		return
	}
	show("rmp_database_up", 1)
	now := c.sources.Now()
	since := func(t time.Time) float64 {
		if t.IsZero() {
			return 0
		}
		return max(0, now.Sub(t).Seconds())
	}
	if pending, failed, oldest, err := db.Backlog(ctx); err == nil {
		show("rmp_outbox_jobs", float64(pending), "pending")
		show("rmp_outbox_jobs", float64(failed), "failed")
		show("rmp_outbox_oldest_seconds", since(oldest))
	}
	if due, at, err := db.ChecksDue(ctx, now); err == nil {
		show("rmp_reconcile_due_checks", float64(due))
		show("rmp_reconcile_lag_seconds", since(at))
	}
}
