package groupware

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"rmp/communigate/cli"
	"rmp/communigate/ximss"
	"rmp/internal/secret"
	"rmp/internal/tenant"
)

// server is one CommuniGate Pro server, with what is open to it.
type server struct {
	name     string // for the metrics
	url      string
	tls      *tls.Config
	client   *http.Client
	observer ximss.Observer // or nil
	cli      *cli.Pool
	seats    *seats       // for people: sign-ins, and what is done in their own name
	watching atomic.Int64 // sessions that are held open for notice of changes
}

// mainServer is the name of the installation's server; those of tenants go by
// their hosts.
const mainServer = "main"

// mostCLI bounds the CLI connections of this process to one server.
const mostCLI = 2

func newServer(cfg Config, name, url string, conf *tls.Config, line cli.Config) *server {
	s := &server{name: name, url: url, tls: conf, client: ximss.Client(ximss.Config{TLS: conf}), seats: newSeats(cfg.Persons)}
	if cfg.Observe != nil {
		s.observer, line.Observer = cfg.Observe(name, "ximss"), cfg.Observe(name, "cli")
	}
	s.cli = cli.NewPool(line, mostCLI)
	return s
}

// all are the servers that are known.
func (v *servers) all() []*server {
	v.mu.Lock()
	defer v.mu.Unlock()
	out := []*server{v.main}
	for _, s := range v.own {
		out = append(out, s)
	}
	return out
}

func (g *Groupware) session(s *server, user string, password secret.Text) ximss.Config {
	return ximss.Config{URL: s.url, TLS: s.tls, User: user, Password: password.Reveal(), Timeout: g.cfg.Timeout, Dialect: g.cfg.Dialect, Observer: s.observer}
}

// servers are those that tenants have of their own, and what is open for each
// tenant.
type servers struct {
	mu   sync.Mutex
	main *server
	own  map[tenant.Server]*server
	open map[tenant.ID]*opened
}

// opened is what is open for a tenant.
type opened struct {
	tenant tenant.Tenant
	read   time.Time // when the tenant was read
	server *server
	pool   *ximss.Pool
}

// tenantFresh is how old what is known of a tenant may be.
const tenantFresh = 10 * time.Second

// serverOf is the server of a tenant: its own, or the installation's.
func (g *Groupware) serverOf(t tenant.Tenant) *server {
	g.servers.mu.Lock()
	defer g.servers.mu.Unlock()
	return g.servers.of(t, g.cfg)
}

func (v *servers) of(t tenant.Tenant, cfg Config) *server {
	c := t.Server
	if c.Host == "" {
		return v.main
	}
	if s := v.own[c]; s != nil {
		return s
	}
	scheme, port, cliPort := "http", c.HTTPPort, c.CLIPort
	var conf, line *tls.Config
	if c.TLS || c.CLITLS {
		base := &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: cfg.RootCAs, ServerName: c.Host}
		if c.TLS {
			scheme, conf = "https", base
		}
		if c.CLITLS {
			line = base
		}
	}
	if port == 0 {
		port = 8100
		if c.TLS {
			port = 9100
		}
	}
	if cliPort == 0 {
		cliPort = 106
	}
	s := newServer(cfg, c.Host, scheme+"://"+net.JoinHostPort(c.Host, strconv.Itoa(port)), conf, cli.Config{Addr: net.JoinHostPort(c.Host, strconv.Itoa(cliPort)),
		StartTLS: line, User: c.Admin, Password: c.AdminPassword.Reveal(), Timeout: cfg.Timeout})
	v.own[c] = s
	return s
}

// of answers what is open for a tenant. Where the tenant has moved to another
// server, or its password has changed, it is opened anew.
func (g *Groupware) of(ctx context.Context, id tenant.ID) (*opened, error) {
	v := &g.servers
	v.mu.Lock()
	o := v.open[id]
	v.mu.Unlock()
	if o != nil && time.Since(o.read) < tenantFresh {
		return o, nil
	}
	t, err := g.tenants.Tenant(ctx, id)
	if err != nil {
		return nil, err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	old := v.open[id]
	next := &opened{tenant: t, read: time.Now(), server: v.of(t, g.cfg)}
	if old != nil && old.server == next.server && old.tenant.ServicePassword == t.ServicePassword && old.tenant.Domain == t.Domain {
		next.pool = old.pool
	} else {
		next.pool = ximss.NewPool(g.session(next.server, t.ServiceAccount(), t.ServicePassword), next.server.client, g.cfg.Sessions)
		if old != nil {
			go func() {
				ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), g.cfg.Timeout)
				defer cancel()
				old.pool.Close(ctx)
			}()
		}
	}
	v.open[id] = next
	return next, nil
}

// pool are the sessions of the tenant's service account.
func (g *Groupware) pool(ctx context.Context, id tenant.ID) (*ximss.Pool, error) {
	o, err := g.of(ctx, id)
	if err != nil {
		return nil, err
	}
	return o.pool, nil
}

func (v *servers) close(ctx context.Context) {
	v.mu.Lock()
	open, own := v.open, v.own
	v.open, v.own = map[tenant.ID]*opened{}, map[tenant.Server]*server{}
	v.mu.Unlock()
	for _, o := range open {
		o.pool.Close(ctx)
	}
	for _, s := range own {
		s.cli.Close()
	}
	v.main.cli.Close()
}
