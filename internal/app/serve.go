// Package app runs the product: it builds everything in the order of its
// start, serves, and takes it down in the reverse order.
package app

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/term"

	"rmp/communigate/standin"
	"rmp/communigate/standin/backend"
	standinfault "rmp/communigate/standin/fault"
	"rmp/internal/api"
	"rmp/internal/config"
	"rmp/internal/demo"
	"rmp/internal/doctor"
	"rmp/internal/events"
	"rmp/internal/gatekeeper"
	"rmp/internal/groupware"
	"rmp/internal/oidc"
	"rmp/internal/secret"
	"rmp/internal/site"
	"rmp/internal/store"
	"rmp/internal/telemetry"
	"rmp/internal/tenant"
	"rmp/web"
)

const (
	eventPoll    = 250 * time.Millisecond
	drainTime    = 10 * time.Second
	standinAdmin = "postmaster"
)

// Serve runs `rmp serve` until the context ends.
func Serve(ctx context.Context, c config.Serve, out io.Writer, p Program) (err error) {
	watch, err := newWatch(ctx, &c, p)
	if err != nil {
		return err
	}
	defer watch.close(ctx)
	log, m := watch.log, watch.metrics
	if err := os.MkdirAll(c.Data, 0o700); err != nil {
		return fmt.Errorf("data directory: %w", err)
	}
	release, err := lockDir(c.Data)
	if err != nil {
		return err
	}
	defer release()
	if err := canListen(c.Listen); err != nil { // before the database is touched
		return err
	}
	db, sealer, err := openDatabase(ctx, config.Database{Data: c.Data, DB: c.DB, SecretKey: c.SecretKey, SecretKeyOld: c.SecretKeyOld}, store.Migrate, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	db.Observe(m.Transaction)
	proxies, err := prefixes("trusted-proxies", c.Proxies)
	if err != nil {
		return err
	}
	metricsFor, err := prefixes("metrics-for", c.MetricsFor)
	if err != nil {
		return err
	}
	certificate, err := newCertificate(c.TLSCert, c.TLSKey, log)
	if err != nil {
		return err
	}

	cgp, standinClose, err := communiGate(ctx, &c, out, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, standinClose()) }()
	cgp.Observe = m.Wire
	gw := groupware.New(cgp, db, log)
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
		defer cancel()
		gw.Close(ctx)
	}()

	e := newEngine(db, gw, c.Keep, time.Now, log, m)
	e.worker.Wait = c.CGP.WriteWait
	service := e.service
	keeper := gatekeeper.New(db, gw, time.Now)
	if makesDemo(c, out) {
		deps := demo.Deps{CGP: gw, Tenants: db, Users: db, Resources: e.resources, Bookings: service, Now: time.Now, Log: log, Progress: progress(out)}
		if err := demo.Seed(ctx, deps); err != nil {
			return err
		}
	}
	tenants, err := db.Tenants(ctx)
	if err != nil {
		return err
	}
	hasDemo := len(tenants) > 0 && tenants[0].Demo

	hub := events.NewHub(db, log, eventPoll)
	var ending atomic.Bool
	physician := doctor.New(doctor.Deps{DB: db, Groupware: gw, Now: time.Now, Log: log, Certificate: c.TLSCert, Wake: e.worker.Wake})
	a := api.New(api.Deps{Gatekeeper: keeper, Bookings: service, Availability: e.availability, Resources: e.resources, Tenants: db, Events: hub,
		People: newPeople(e), Feeds: func(t tenant.ID) api.Feeds { return feeds{db.For(t)} }, FeedOwner: feedOwner(db), Feed: groupware.Feed,
		Provision: provision{db, gw, time.Now}, Audit: db, Installation: installation{db, gw, c.CGP.Host == ""}, Proxies: proxies,
		Limits: api.Limits{PerUser: c.Limits.User, PerAddress: c.Limits.Address, PerTenant: c.Limits.Tenant, InFlight: c.Limits.InFlight,
			Streams: c.Limits.Streams, UserStreams: c.Limits.UserStreams, TenantStream: c.Limits.TenantStreams},
		Doctor:      doctors{physician},
		Console:     consoles{gw},
		Upkeep:      func(t tenant.ID) api.Upkeep { return upkeep{db.For(t), e.worker.Wake} },
		Ending:      ending.Load,
		Idempotency: func(t tenant.ID) api.Idempotency { return idempotency{db.For(t)} },
		Unavailable: func(err error) bool { return errors.Is(err, store.ErrUnavailable) },
		Checks:      []api.Check{{Name: "database", Required: true, Probe: db.Ping}, {Name: "communigate", Probe: gw.Ping}},
		Metrics:     allowed(metricsFor, proxies, m.Handler()), Observe: m.Request, SignedIn: m.SignedIn, Log: log, Now: time.Now})
	app, built := web.FS()
	pages := &site.Site{Gatekeeper: keeper, SignOn: oidc.New(signOnTenants{db}, sealer, time.Now), HasSignOn: hasSignOn(db), Audit: a.RecordSignIn,
		App: app, Built: built, Demo: hasDemo, PublicURL: strings.TrimSuffix(c.PublicURL, "/"), Proxies: proxies, Log: log}
	mux := http.NewServeMux()
	handler := a.Handler()
	for _, path := range []string{"/api/", "/healthz", "/readyz", "/metrics"} {
		mux.Handle(path, handler)
	}
	mux.Handle("/", pages.Handler())
	m.Watch(telemetry.Sources{Database: db, Servers: gw.Stats, Cache: e.availability.CacheStats, Limits: a.LimitStats, Events: hub.Stats, Certificate: certificate.ends()})

	listener, err := net.Listen("tcp", c.Listen) //nolint:noctx // it does not wait
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	server := &http.Server{Handler: watch.requests(mux, proxies), ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 15 * time.Second, WriteTimeout: 45 * time.Second,
		IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug)}

	run, stop := context.WithCancel(watch.background(context.WithoutCancel(ctx)))
	defer stop()
	var background sync.WaitGroup
	background.Go(func() { _ = e.worker.Run(run) }) // ends with its context, without an error
	background.Go(func() { hub.Run(run) })
	background.Go(func() { // what other processes do is forgotten here too
		hub.Follow(run, func(ev events.Event) {
			e.availability.Changed(ev.Tenant, ev.Data.Accounts, ev.Data.From, ev.Data.Till)
		}, e.availability.ForgetAll)
	})
	j := &jobs{engine: e, rules: c.Reconcile, log: log, owner: rand.Text(), m: m}
	background.Go(func() { j.run(run) })
	background.Go(func() { watch.hangups(run, certificate) })
	server.RegisterOnShutdown(hub.Close) // streams end, else the server would wait for them
	served := make(chan error, 1)
	scheme := "http"
	if certificate != nil {
		scheme = "https"
		listener = tls.NewListener(listener, certificate.config())
		background.Go(func() { certificate.watch(run) })
	}
	go func() { served <- server.Serve(listener) }()
	above := newSupervisor(os.Getenv, log)
	background.Go(func() { above.watch(run, handler) })
	above.ready()
	log.InfoContext(run, "started", "version", p.Version, "address", scheme+"://"+listener.Addr().String())
	banner(out, scheme+"://"+listener.Addr().String(), hasDemo)
	if len(tenants) == 0 {
		_, _ = fmt.Fprint(out, "There is no organisation yet. Make one, and who administers it, with: rmp tenant add DOMAIN, rmp user add ADDRESS --role super_admin\n\n")
	}

	select {
	case <-ctx.Done():
		// First a balancer learns of it, then no more connections are taken.
		ending.Store(true)
		log.InfoContext(run, "draining: no longer ready, still at work", "for", c.Drain.String())
		above.ending()
		wait := time.NewTimer(c.Drain)
		defer wait.Stop()
		select {
		case <-wait.C:
		case err = <-served:
		}
	case err = <-served:
	}
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTime)
	defer cancel()
	shutdown := server.Shutdown(drain)
	stop()
	background.Wait()
	log.InfoContext(context.WithoutCancel(ctx), "stopped")
	if errors.Is(err, http.ErrServerClosed) {
		err = nil
	}
	return errors.Join(err, shutdown)
}

// logger is the log of a tool.
func logger(level string) *slog.Logger {
	l, err := telemetry.ParseLevel(level)
	if err != nil {
		l = slog.LevelInfo
	}
	return telemetry.NewLog(os.Stderr, telemetry.Text, l)
}

// canListen reports whether the address can be listened at.
func canListen(address string) error {
	l, err := net.Listen("tcp", address) //nolint:noctx // it does not wait
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	return l.Close()
}

// makesDemo reports whether the demo is to be made, where the database is
// empty. Its passwords are public: unless it is asked for, it is made for this
// machine only.
func makesDemo(c config.Serve, out io.Writer) bool {
	if c.Demo != "auto" || c.CGP.Host != "" {
		return c.Demo == "yes"
	}
	host, _, err := net.SplitHostPort(c.Listen)
	if ip := net.ParseIP(host); err == nil && (host == "localhost" || ip != nil && ip.IsLoopback()) {
		return true
	}
	_, _ = fmt.Fprintf(out, "No demo is made, as %s can be reached from other machines and the passwords of the demo are public; --demo=yes makes it all the same.\n", c.Listen)
	return false
}

func banner(out io.Writer, url string, demoTenant bool) {
	_, _ = fmt.Fprintf(out, "\nRMP is running at %s\n", url)
	if demoTenant {
		_, _ = fmt.Fprintf(out, "Demo logins: %s (a user), %s (a manager), %s (an administrator); the password of all is %s\n", demo.User, demo.Manager, demo.Admin, demo.Password)
	}
	_, _ = fmt.Fprintf(out, "API reference: %s/api/v2/docs\n\n", url)
}

// progress prints each step of the seeding on one line.
func progress(out io.Writer) func(string, int, int) {
	last := ""
	f, file := out.(*os.File)
	steps := file && term.IsTerminal(int(f.Fd()))
	return func(what string, done, of int) {
		line := fmt.Sprintf("Making the demo: %s %d%%", what, 100*done/max(of, 1))
		if line == last || !steps && done != of {
			return
		}
		last = line
		end := "\r"
		if done == of {
			end = "\n"
		}
		_, _ = fmt.Fprint(out, line+"   "+end)
	}
}

// communiGate answers how to reach the server: the configured one, or the
// stand-in, which it starts.
func communiGate(ctx context.Context, c *config.Serve, out io.Writer, log *slog.Logger) (groupware.Config, func() error, error) {
	g := groupware.Config{Admin: c.CGP.Admin, AdminPassword: c.CGP.AdminPassword, Sessions: c.CGP.Sessions, Persons: c.CGP.Persons, Timeout: c.CGP.Timeout}
	if c.CGP.DialectFile != "" {
		var err error
		if g.Dialect, err = readDialect(c.CGP.DialectFile); err != nil {
			return g, nil, fmt.Errorf("cgp.dialect-file: %w", err)
		}
	}
	if c.CGP.CAFile != "" {
		var err error
		if g.RootCAs, err = readCAs(c.CGP.CAFile); err != nil {
			return g, nil, err
		}
	}
	if c.CGP.Host != "" {
		scheme := "http"
		if c.CGP.TLS || c.CGP.CLITLS {
			conf := &tls.Config{ServerName: c.CGP.Host, MinVersion: tls.VersionTLS12, RootCAs: g.RootCAs}
			if c.CGP.TLS {
				scheme, g.TLS = "https", conf
			}
			if c.CGP.CLITLS {
				g.CLIStartTLS = conf
			}
		}
		g.URL = scheme + "://" + net.JoinHostPort(c.CGP.Host, strconv.Itoa(c.CGP.HTTPPort))
		g.CLIAddr = net.JoinHostPort(c.CGP.Host, strconv.Itoa(c.CGP.CLIPort))
		return g, func() error { return nil }, nil
	}
	dir := filepath.Join(c.Data, "standin")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return g, nil, fmt.Errorf("stand-in: %w", err)
	}
	password, err := secretFile(filepath.Join(dir, "admin.password"))
	if err != nil {
		return g, nil, err
	}
	password = strings.TrimSpace(password)
	s, err := standin.Open(ctx, standin.Config{Dir: dir, HTTPAddr: c.StandinHTTP, XIMSSAddr: c.StandinXIMSS, CLIAddr: c.StandinCLI,
		Admin: standinAdmin, AdminPassword: password, Log: log})
	if err != nil {
		return g, nil, err
	}
	web, ximss, cli := s.Addrs()
	_, _ = fmt.Fprintf(out, "CommuniGate stand-in: XIMSS over HTTP at %s, XIMSS over TCP at %s, CLI at %s\n", web, ximss, cli)
	g.URL, g.CLIAddr = "http://"+web, cli
	g.Admin, g.AdminPassword = standinAdmin, secret.Text(password)
	if err := writeAddresses(dir, g.URL, cli); err != nil {
		return g, nil, errors.Join(err, s.Close())
	}
	return g, func() error {
		return errors.Join(os.Remove(filepath.Join(dir, addresses)), s.Close())
	}, nil
}

// Standin runs `rmp standin` until the context ends.
func Standin(ctx context.Context, c config.Standin, out io.Writer) error {
	mode, err := backend.ParseMode(c.Mode)
	if err != nil {
		return err
	}
	faults := &standinfault.Plan{}
	for _, text := range c.Faults {
		f, err := standinfault.Parse(text)
		if err != nil {
			return err
		}
		faults.Add(f)
	}
	s, err := standin.Open(ctx, standin.Config{Dir: c.Data, HTTPAddr: c.HTTP, HTTPSAddr: c.HTTPS, Mode: mode, Faults: faults, XIMSSAddr: c.XIMSS, CLIAddr: c.CLI, MainDomain: c.Domain,
		Admin: c.Admin, AdminPassword: c.AdminPassword.Reveal(), SessionCap: c.Sessions, Log: logger(c.LogLevel)})
	if err != nil {
		return err
	}
	web, ximss, cli := s.Addrs()
	_, _ = fmt.Fprintf(out, "CommuniGate stand-in: XIMSS over HTTP at %s, XIMSS over TCP at %s, CLI at %s\n", web, ximss, cli)
	if tls := s.HTTPSAddr(); tls != "" {
		_, _ = fmt.Fprintf(out, "XIMSS over HTTP with TLS at %s, certificate in %s\n", tls, filepath.Join(c.Data, standin.CertificateFile))
	}
	_, _ = fmt.Fprintf(out, "Contents, traffic and faults: http://%s/admin/ as %s\n", web, c.Admin)
	<-ctx.Done()
	return s.Close()
}
