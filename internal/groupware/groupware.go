// Package groupware reaches CommuniGate Pro for the domain: it reads and
// writes calendars over XIMSS, checks logins, and provisions accounts over
// CLI.
//
// Each tenant has a bounded pool of sessions of its service account
// (all_events@domain), which has rights on every calendar it writes to. One
// batch carries the opening, the work and the closing of any number of
// calendars, so that a question about many is one round trip. A person's own
// session is begun when it is needed and ends soon after: a server without a
// licence allows five in all.
package groupware

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"log/slog"
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
	RootCAs       *x509.CertPool // that sign the certificates of tenants' own servers; nil: the system's
	Sessions      int            // per tenant
	Persons       int            // sessions of people at once: sign-ins, and what is done in their own name; at least 1
	Timeout       time.Duration
	Dialect       ximss.Dialect
	// Observe answers who is told of the traffic with a server: its name, and
	// the protocol, ximss or cli. It may be nil.
	Observe func(server, protocol string) Observer
}

// Observer is told of commands; see ximss.Observer and cli.Observer.
type Observer interface {
	ximss.Observer
	cli.Observer
}

// Tenants are those of the installation.
type Tenants interface {
	Tenant(ctx context.Context, id tenant.ID) (tenant.Tenant, error)
	Tenants(ctx context.Context) ([]tenant.Tenant, error)
}

// Groupware reaches the CommuniGate Pro servers of all tenants.
type Groupware struct {
	cfg     Config
	tenants Tenants
	log     *slog.Logger
	servers servers
	rights  rights
}

// New makes the connection pools; nothing is connected yet.
func New(cfg Config, tenants Tenants, log *slog.Logger) *Groupware {
	main := newServer(cfg, mainServer, cfg.URL, cfg.TLS, cli.Config{Addr: cfg.CLIAddr, StartTLS: cfg.CLIStartTLS, User: cfg.Admin,
		Password: cfg.AdminPassword.Reveal(), Timeout: cfg.Timeout})
	return &Groupware{cfg: cfg, tenants: tenants, log: log, rights: rights{seen: map[string]time.Time{}},
		servers: servers{main: main, own: map[tenant.Server]*server{}, open: map[tenant.ID]*opened{}}}
}

// Close ends all sessions.
func (g *Groupware) Close(ctx context.Context) {
	g.endAll(ctx)
	g.servers.close(ctx)
}

// Ping reports whether the installation's server answers.
func (g *Groupware) Ping(ctx context.Context) error {
	return g.servers.main.cli.With(ctx, func(c *cli.Conn) error { return c.Noop(ctx) })
}

// CheckLogin implements gatekeeper.CommuniGate. The session ends at once: it
// has served its purpose, and counts against the server's limit.
func (g *Groupware) CheckLogin(ctx context.Context, t tenant.Tenant, account string, password secret.Text) error {
	server := g.serverOf(t)
	if _, err := server.seats.take(ctx, "", nil); err != nil {
		return err
	}
	defer server.seats.give(nil)
	ctx, cancel := context.WithTimeout(ctx, g.cfg.Timeout)
	defer cancel()
	s, err := ximss.Login(ctx, server.client, g.session(server, account, password))
	for errors.Is(err, ximss.ErrSessionCap) && pause(ctx, 100*time.Millisecond) {
		s, err = ximss.Login(ctx, server.client, g.session(server, account, password))
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
