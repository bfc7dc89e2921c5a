// Package groupware reaches CommuniGate Pro for the domain: it reads and
// writes calendars over XIMSS, checks logins, and provisions accounts over
// CLI.
//
// Each tenant has a bounded pool of sessions of its service account
// (all_events@domain), which has rights on every calendar it writes to. One
// batch carries the opening, the work and the closing of any number of
// calendars, so that a question about many is one round trip. Persons'
// sessions are not kept: a server without a licence allows five in all.
package groupware

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"rmp/communigate/cli"
	"rmp/communigate/ximss"
	"rmp/internal/fault"
	"rmp/internal/gatekeeper"
	"rmp/internal/secret"
	"rmp/internal/tenant"
)

// Config says where the server is.
type Config struct {
	URL           string // http://host:8100
	TLS           *tls.Config
	CLIAddr       string
	CLIStartTLS   *tls.Config
	Admin         string
	AdminPassword secret.Text
	Sessions      int // per tenant
	Timeout       time.Duration
	Dialect       ximss.Dialect
}

// Groupware reaches one CommuniGate Pro server.
type Groupware struct {
	cfg     Config
	tenants func(ctx context.Context, id tenant.ID) (tenant.Tenant, error)
	client  *http.Client
	cli     *cli.Pool
	logins  chan struct{} // one login at a time: each takes a session
	log     *slog.Logger

	mu    sync.Mutex
	pools map[tenant.ID]*ximss.Pool
}

// New makes the connection pools; nothing is connected yet.
func New(cfg Config, tenants func(ctx context.Context, id tenant.ID) (tenant.Tenant, error), log *slog.Logger) *Groupware {
	return &Groupware{cfg: cfg, tenants: tenants, log: log, client: ximss.Client(ximss.Config{TLS: cfg.TLS}),
		cli: cli.NewPool(cli.Config{Addr: cfg.CLIAddr, StartTLS: cfg.CLIStartTLS, User: cfg.Admin,
			Password: cfg.AdminPassword.Reveal(), Timeout: cfg.Timeout}, 2),
		logins: make(chan struct{}, 1), pools: map[tenant.ID]*ximss.Pool{}}
}

// Close ends all sessions.
func (g *Groupware) Close(ctx context.Context) {
	g.mu.Lock()
	pools := g.pools
	g.pools = map[tenant.ID]*ximss.Pool{}
	g.mu.Unlock()
	for _, p := range pools {
		p.Close(ctx)
	}
	g.cli.Close()
}

// Ping reports whether the server answers.
func (g *Groupware) Ping(ctx context.Context) error {
	return g.cli.With(ctx, func(c *cli.Conn) error { return c.Noop(ctx) })
}

func (g *Groupware) session(user string, password secret.Text) ximss.Config {
	return ximss.Config{URL: g.cfg.URL, TLS: g.cfg.TLS, User: user, Password: password.Reveal(), Timeout: g.cfg.Timeout, Dialect: g.cfg.Dialect}
}

func (g *Groupware) pool(ctx context.Context, id tenant.ID) (*ximss.Pool, error) {
	g.mu.Lock()
	p := g.pools[id]
	g.mu.Unlock()
	if p != nil {
		return p, nil
	}
	t, err := g.tenants(ctx, id)
	if err != nil {
		return nil, err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if p = g.pools[id]; p == nil {
		p = ximss.NewPool(g.session(t.ServiceAccount(), t.ServicePassword), g.client, g.cfg.Sessions)
		g.pools[id] = p
	}
	return p, nil
}

// CheckLogin implements gatekeeper.CommuniGate. The session ends at once: it
// has served its purpose, and counts against the server's limit.
func (g *Groupware) CheckLogin(ctx context.Context, account string, password secret.Text) error {
	select {
	case g.logins <- struct{}{}:
		defer func() { <-g.logins }()
	case <-ctx.Done():
		return fault.Wrap(ctx.Err(), fault.Unavailable, "too many people are signing in; try again")
	}
	ctx, cancel := context.WithTimeout(ctx, g.cfg.Timeout)
	defer cancel()
	s, err := ximss.Login(ctx, g.client, g.session(account, password))
	for errors.Is(err, ximss.ErrSessionCap) && pause(ctx, 100*time.Millisecond) {
		s, err = ximss.Login(ctx, g.client, g.session(account, password))
	}
	switch {
	case errors.Is(err, ximss.ErrBadLogin), errors.Is(err, ximss.ErrNoAccount):
		return gatekeeper.ErrRefused
	case err != nil:
		return asFault(err)
	}
	if err := s.Close(ctx); err != nil {
		g.log.WarnContext(ctx, "end a session after login", "account", account, "err", err)
	}
	return nil
}

// pause waits, and reports whether there was time for it.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// asFault says to the user which way CommuniGate Pro failed.
func asFault(err error) error {
	switch {
	case errors.Is(err, ximss.ErrSlow):
		return fault.Wrap(err, fault.Timeout, "CommuniGate Pro is too slow to answer; try again soon")
	case errors.Is(err, ximss.ErrProtocol):
		return fault.Wrap(err, fault.BadGateway, "CommuniGate Pro answered in a way that is not understood")
	}
	return fault.Wrap(err, fault.Unavailable, "CommuniGate Pro cannot be reached; try again soon")
}

// calendarPath is the calendar of an account, as the service account sees it.
func calendarPath(account string) string { return "~" + account + "/" + calendarMailbox }
