package app

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"rmp/internal/api"
	"rmp/internal/fault"
	"rmp/internal/gatekeeper"
	"rmp/internal/groupware"
	"rmp/internal/store"
	"rmp/internal/tenant"
	"rmp/internal/webauth"
)

// prefixes reads networks from configuration.
func prefixes(key string, list []string) ([]netip.Prefix, error) {
	var out []netip.Prefix
	for _, s := range list {
		p, err := netip.ParsePrefix(s)
		if a, aerr := netip.ParseAddr(s); err != nil && aerr == nil {
			p, err = netip.PrefixFrom(a, a.BitLen()), nil
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %q is not a network such as 10.0.0.0/8", key, s)
		}
		out = append(out, p.Masked())
	}
	return out, nil
}

// allowed serves only clients of the networks.
func allowed(networks, proxies []netip.Prefix, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		from := webauth.Address(r, proxies)
		if !slices.ContainsFunc(networks, func(p netip.Prefix) bool { return p.Contains(from) }) {
			http.Error(w, "not for your address; see metrics-for", http.StatusForbidden)
			return
		}
		h.ServeHTTP(w, r)
	})
}

func readCAs(file string) (*x509.CertPool, error) {
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("ca-file: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("ca-file: no certificate in %s", file)
	}
	return pool, nil
}

// certificate is the web interface's, as it is in its files.
type certificate struct {
	cert, key string
	log       *slog.Logger
	current   atomic.Pointer[tls.Certificate]

	mu   sync.Mutex
	seen time.Time // when the newer of the files was changed
}

const certificateLook = 2 * time.Second

// newCertificate reads the files; without any it is nil.
func newCertificate(cert, key string, log *slog.Logger) (*certificate, error) {
	if cert == "" && key == "" {
		return nil, nil
	}
	if cert == "" || key == "" {
		return nil, errors.New("tls-cert and tls-key belong together")
	}
	c := &certificate{cert: cert, key: key, log: log}
	c.seen = c.changed()
	return c, c.load()
}

func (c *certificate) load() error {
	pair, err := tls.LoadX509KeyPair(c.cert, c.key)
	if err != nil {
		return fmt.Errorf("tls-cert: %w", err)
	}
	c.current.Store(&pair)
	return nil
}

// ends answers when the certificate that is served ends; nil without one.
func (c *certificate) ends() func() time.Time {
	if c == nil {
		return nil
	}
	return func() time.Time {
		if leaf := c.current.Load().Leaf; leaf != nil {
			return leaf.NotAfter
		}
		return time.Time{}
	}
}

func (c *certificate) changed() (at time.Time) {
	for _, f := range []string{c.cert, c.key} {
		if info, err := os.Stat(f); err == nil && info.ModTime().After(at) {
			at = info.ModTime()
		}
	}
	return at
}

// watch reads the files again when they change. Where that fails, as when
// only one of the two is new yet, the former certificate goes on serving.
func (c *certificate) watch(ctx context.Context) {
	tick := time.NewTicker(certificateLook)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		c.look(ctx, false)
	}
}

// look reads the files if they have changed, or in any case.
func (c *certificate) look(ctx context.Context, always bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	at := c.changed()
	if at.Equal(c.seen) && !always {
		return
	}
	if err := c.load(); err != nil {
		c.log.WarnContext(ctx, "the certificate cannot be read; the former one goes on serving", "err", err)
		return
	}
	c.seen = at
	c.log.InfoContext(ctx, "the certificate was read again", "file", c.cert)
}

func (c *certificate) config() *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"},
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return c.current.Load(), nil }}
}

// installation lends the tenants to the API.
type installation struct {
	*store.DB
	gw      *groupware.Groupware
	standin bool // the server is the stand-in, where domains are made
}

func (i installation) Tenant(ctx context.Context, id tenant.ID) (tenant.Tenant, error) {
	t, err := i.DB.Tenant(ctx, id)
	if errors.Is(err, store.ErrNoTenant) {
		err = api.ErrNoTenant
	}
	return t, err
}

func (i installation) SaveTenant(ctx context.Context, t *tenant.Tenant) error {
	err := i.DB.SaveTenant(ctx, t)
	switch {
	case errors.Is(err, store.ErrDomainTaken):
		return api.ErrDomainTaken
	case errors.Is(err, store.ErrStaleTenant):
		return api.ErrStaleTenant
	}
	return err
}

func (i installation) Prepare(ctx context.Context, t tenant.Tenant) error {
	err := i.gw.EnsureTenant(ctx, t, i.standin && t.Server.Host == "")
	if err == nil {
		return nil
	}
	var f *fault.Error
	if errors.As(err, &f) {
		return err
	}
	return fault.Wrap(err, fault.BadGateway, "CommuniGate Pro could not be prepared for %s: %s", t.Domain, err.Error())
}

// signOnTenants finds tenants for the single sign-on.
type signOnTenants struct{ *store.DB }

func (s signOnTenants) TenantOf(ctx context.Context, email string) (tenant.Tenant, error) {
	_, domain, _ := strings.Cut(strings.ToLower(strings.TrimSpace(email)), "@")
	list, err := s.Tenants(ctx)
	if err != nil {
		return tenant.Tenant{}, err
	}
	for _, t := range list {
		if t.Owns("x@" + domain) {
			return t, nil
		}
	}
	return tenant.Tenant{}, store.ErrNoTenant
}

// hasSignOn reports whether a tenant has a single sign-on.
func hasSignOn(db *store.DB) func(ctx context.Context) bool {
	return func(ctx context.Context) bool {
		list, err := db.Tenants(ctx)
		return err == nil && slices.ContainsFunc(list, func(t tenant.Tenant) bool { return t.Active && t.Settings.OIDC.Issuer != "" })
	}
}

var _ gatekeeper.Store = (*store.DB)(nil)
