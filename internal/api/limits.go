package api

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"rmp/internal/fault"
	"rmp/internal/tenant"
	"rmp/internal/webauth"
)

// Limits bound what this process does for whom; 0 is no limit.
type Limits struct {
	PerUser      int // requests a minute of one person or token
	PerAddress   int // requests a minute without a sign-in of one address
	PerTenant    int // requests a minute of a tenant without a limit of its own
	InFlight     int // requests at work at once
	Streams      int // event streams open at once
	UserStreams  int // of one person
	TenantStream int // of a tenant without a limit of its own
}

const (
	// A burst of so much of a minute's share may come at once.
	burstShare = 6
	// limitsKept is after how long without a request a meter is forgotten.
	limitsKept = 5 * time.Minute
	// settingsFresh is how old a tenant's limits may be.
	settingsFresh = 30 * time.Second
	// inFlightWait is how long a request waits for room.
	inFlightWait = 500 * time.Millisecond
	// busyLogged is how often the log says that requests are sent away: a line
	// for each would itself be too much work.
	busyLogged = 10 * time.Second
)

// errBusy sends a request away because too many are at work.
var errBusy = &fault.Error{Code: fault.Unavailable, Text: "the server has too much to do; try again", RetryAfter: time.Second}

// limiter counts requests and streams.
type limiter struct {
	Limits
	tenants interface {
		Tenant(ctx context.Context, id tenant.ID) (tenant.Tenant, error)
	}
	now     func() time.Time
	room    chan struct{}
	waiting chan struct{} // for room; no more wait than are at work

	mu      sync.Mutex
	meters  map[string]*meter
	swept   time.Time
	limits  map[tenant.ID]tenantLimits
	streams map[string]int

	tooMany, noRoom atomic.Int64 // requests sent away
	busySaid        atomic.Int64 // when the log last said so, in ns
}

type meter struct {
	*rate.Limiter
	used time.Time
}

type tenantLimits struct {
	tenant.Limits
	read time.Time
}

func newLimiter(l Limits, tenants interface {
	Tenant(ctx context.Context, id tenant.ID) (tenant.Tenant, error)
}, now func() time.Time) *limiter {
	m := &limiter{Limits: l, tenants: tenants, now: now, meters: map[string]*meter{}, limits: map[tenant.ID]tenantLimits{}, streams: map[string]int{}}
	if l.InFlight > 0 {
		m.room, m.waiting = make(chan struct{}, l.InFlight), make(chan struct{}, l.InFlight)
	}
	return m
}

// take counts one request against a meter, and answers how long to wait if
// that is too many.
func (m *limiter) take(key string, perMinute int) time.Duration {
	if perMinute <= 0 {
		return 0
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	now := m.now()
	if now.Sub(m.swept) > limitsKept {
		m.swept = now
		for k, x := range m.meters {
			if now.Sub(x.used) > limitsKept {
				delete(m.meters, k)
			}
		}
	}
	limit, burst := rate.Limit(float64(perMinute)/60), max(1, perMinute/burstShare)
	x := m.meters[key]
	switch {
	case x == nil:
		x = &meter{Limiter: rate.NewLimiter(limit, burst)}
		m.meters[key] = x
	case x.Limit() != limit: // the setting has changed
		x.SetLimitAt(now, limit)
		x.SetBurstAt(now, burst)
	}
	x.used = now
	r := x.ReserveN(now, 1)
	if wait := r.DelayFrom(now); wait > 0 {
		r.CancelAt(now)
		return wait
	}
	return 0
}

// of answers a tenant's own limits. Where they cannot be read, those that are
// known go on serving.
func (m *limiter) of(ctx context.Context, id tenant.ID) tenant.Limits {
	now := m.now()
	m.mu.Lock()
	l, ok := m.limits[id]
	m.mu.Unlock()
	if ok && now.Sub(l.read) < settingsFresh {
		return l.Limits
	}
	if t, err := m.tenants.Tenant(ctx, id); err == nil {
		l.Limits = t.Settings.Limits
	}
	l.read = now
	m.mu.Lock()
	m.limits[id] = l
	m.mu.Unlock()
	return l.Limits
}

func or(own, otherwise int) int {
	if own > 0 {
		return own
	}
	return otherwise
}

// check answers how long who is asking must wait, and of what there were too
// many.
func (m *limiter) check(ctx context.Context, p tenant.Principal, known bool, from netip.Addr) (time.Duration, string) {
	if !known {
		return m.take("address "+from.String(), m.PerAddress), "from your address"
	}
	who := p.UserID
	if p.Token != "" {
		who = p.Token
	}
	if wait := m.take("user "+who, m.PerUser); wait > 0 {
		return wait, "of yours"
	}
	return m.take("tenant "+string(p.Tenant), or(m.of(ctx, p.Tenant).RequestsPerMinute, m.PerTenant)), "of your organisation"
}

// limited refuses what is too much.
func (a *API) limited(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx := r.Context()
		p, known := webauth.Principal(ctx)
		if wait, of := a.limits.check(ctx, p, known, requestAddress(ctx)); wait > 0 {
			a.limits.tooMany.Add(1)
			a.writeProblem(w, r, &fault.Error{Code: fault.TooMany, Text: "too many requests " + of + "; come back later", RetryAfter: wait})
			return
		}
		next.ServeHTTP(w, r)
	})
}

// bounded lets so many requests work at once; others wait a moment, or are
// sent away. Event streams have their own bounds; who asks after the health of
// a busy process is answered, or it would be taken for a dead one.
func (a *API) bounded(next http.Handler) http.Handler {
	room := a.limits.room
	if room == nil {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case eventsPath, "/healthz", "/readyz":
			next.ServeHTTP(w, r)
			return
		}
		if err := a.limits.enter(r.Context()); err != nil {
			if errors.Is(err, errBusy) { // else nobody waits for the answer any more
				a.sayBusy(r.Context())
				a.writeProblem(w, r, err)
			}
			return
		}
		defer func() { <-room }()
		next.ServeHTTP(w, r)
	})
}

// enter takes room for a request, and waits a moment where there is none. So
// many may wait as may work: a queue that grows makes every answer late and
// gets nothing more done, so the others are sent away at once.
func (m *limiter) enter(ctx context.Context) error {
	select {
	case m.room <- struct{}{}:
		return nil
	default:
	}
	select {
	case m.waiting <- struct{}{}:
	default:
		m.noRoom.Add(1)
		return errBusy
	}
	defer func() { <-m.waiting }()
	wait := time.NewTimer(inFlightWait)
	defer wait.Stop()
	select {
	case m.room <- struct{}{}:
		return nil
	case <-wait.C:
		m.noRoom.Add(1)
		return errBusy
	case <-ctx.Done():
		return ctx.Err()
	}
}

// sayBusy tells the log, from time to time, that requests are sent away.
func (a *API) sayBusy(ctx context.Context) {
	now, last := a.Now().UnixNano(), a.limits.busySaid.Load()
	if now-last >= int64(busyLogged) && a.limits.busySaid.CompareAndSwap(last, now) {
		a.log.WarnContext(ctx, "too much work: requests are sent away", "atWork", a.limits.InFlight, "sentAwaySinceStart", a.limits.noRoom.Load())
	}
}

// LimitStats is how much of the limits is taken.
type LimitStats struct {
	InFlight, MostInFlight int   // requests at work; 0: no limit, then they are not counted
	Streams, MostStreams   int   // event streams open
	TooMany, NoRoom        int64 // requests sent away: too many of somebody, or at work
}

// LimitStats answers it.
func (a *API) LimitStats() LimitStats {
	m := a.limits
	m.mu.Lock()
	defer m.mu.Unlock()
	return LimitStats{InFlight: len(m.room), MostInFlight: cap(m.room), Streams: m.streams[allStreams], MostStreams: m.Streams,
		TooMany: m.tooMany.Load(), NoRoom: m.noRoom.Load()}
}

// allStreams counts the streams of everybody.
const allStreams = "all"

// stream takes room for an event stream, and answers how to give it back.
func (m *limiter) stream(ctx context.Context, p tenant.Principal) (release func(), err error) {
	bounds := []struct {
		key  string
		most int
	}{
		{allStreams, m.Streams},
		{"user " + p.UserID, m.UserStreams},
		{"tenant " + string(p.Tenant), or(m.of(ctx, p.Tenant).EventStreams, m.TenantStream)},
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, b := range bounds {
		if b.most > 0 && m.streams[b.key] >= b.most {
			return nil, &fault.Error{Code: fault.TooMany, Text: "too many event streams are open; close one first", RetryAfter: 10 * time.Second}
		}
	}
	for _, b := range bounds {
		m.streams[b.key]++
	}
	return func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		for _, b := range bounds {
			if m.streams[b.key]--; m.streams[b.key] <= 0 {
				delete(m.streams, b.key)
			}
		}
	}, nil
}
