// Package standin is a server that stands in for CommuniGate Pro: it speaks
// XIMSS over HTTP and TCP, and CLI, over a durable storage of its own. It is
// what a program for CommuniGate Pro is developed, shown and tested against;
// within its scope a client cannot tell it from the real one.
package standin

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"rmp/communigate/dataformat"
	"rmp/communigate/standin/backend"
	"rmp/communigate/standin/cliserver"
	"rmp/communigate/standin/fault"
	"rmp/communigate/standin/ximssserver"
)

// Config of a stand-in. An address with port 0 takes a free port.
type Config struct {
	Dir           string // of its storage; made if it is not there
	HTTPAddr      string // XIMSS over HTTP
	HTTPSAddr     string // XIMSS over HTTP with TLS; empty: none
	XIMSSAddr     string // XIMSS over TCP
	CLIAddr       string
	MainDomain    string // default standin.test
	Admin         string // default postmaster
	AdminPassword string
	SessionCap    int // concurrent XIMSS sessions; 0: 5, below 0: no limit
	Zone          *time.Location
	Mode          backend.Mode // default backend.Strict
	Quirks        ximssserver.Quirks
	Faults        *fault.Plan // default: an empty one
	Log           *slog.Logger
}

// Server is a stand-in at work.
type Server struct {
	cfg       Config
	b         *backend.Backend
	ximss     *ximssserver.Server
	cli       *cliserver.Server
	http      *http.Server
	listeners []net.Listener // HTTP, XIMSS, CLI, and HTTPS if there is one
	wire      wire
	cancel    context.CancelFunc
	wg        sync.WaitGroup
}

// Open opens the storage and starts to listen.
func Open(ctx context.Context, cfg Config) (*Server, error) {
	if cfg.MainDomain == "" {
		cfg.MainDomain = "standin.test"
	}
	if cfg.Admin == "" {
		cfg.Admin = "postmaster"
	}
	if cfg.AdminPassword == "" {
		return nil, errors.New("stand-in: the administrator needs a password")
	}
	if cfg.Faults == nil {
		cfg.Faults = &fault.Plan{}
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("stand-in: %w", err)
	}
	b, err := backend.Open(ctx, backend.Options{Dir: cfg.Dir, MainDomain: cfg.MainDomain, Admin: cfg.Admin, AdminPassword: cfg.AdminPassword, Zone: cfg.Zone, Mode: cfg.Mode})
	if err != nil {
		return nil, fmt.Errorf("stand-in: %w", err)
	}
	s := &Server{cfg: cfg, b: b}
	s.ximss = ximssserver.New(b, ximssserver.Options{SessionCap: cfg.SessionCap, Log: cfg.Log, Execute: s.execute, Quirks: cfg.Quirks,
		Faults: cfg.Faults, Tap: s.tap("ximss")})
	cert, err := certificate(cfg.Dir, cfg.MainDomain)
	if err != nil {
		_ = b.Close()
		return nil, fmt.Errorf("stand-in: %w", err)
	}
	secure := &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}
	s.cli = cliserver.New(b, cliserver.Options{OpenSession: s.ximss.OpenFor, KillSessions: s.ximss.KillAccount, KillSession: s.ximss.Kill,
		Sessions: s.ximss.SessionsOf, SessionOwner: s.ximss.Owner, TLS: secure, Log: cfg.Log, Faults: cfg.Faults, Tap: s.tap("cli")})
	if err := s.listen(secure); err != nil {
		for _, l := range s.listeners {
			_ = l.Close()
		}
		_ = b.Close()
		return nil, fmt.Errorf("stand-in: %w", err)
	}
	run, cancel := context.WithCancel(context.WithoutCancel(ctx))
	s.cancel = cancel
	web := &sniffer{Listener: s.listeners[0], conns: make(chan net.Conn), done: run.Done(), raw: func(c net.Conn) { s.ximss.ServeConn(run, c) }}
	mux := http.NewServeMux()
	mux.Handle("/admin/", s.admin())
	mux.Handle("/", s.ximss)
	s.http = &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute,
		ErrorLog: slog.NewLogLogger(cfg.Log.Handler(), slog.LevelDebug), BaseContext: func(net.Listener) context.Context { return run }}
	s.wg.Go(web.run)
	s.wg.Go(func() { _ = s.http.Serve(web) }) // ends with the listener
	s.wg.Go(func() { accept(s.listeners[1], func(c net.Conn) { s.ximss.ServeConn(run, c) }) })
	s.wg.Go(func() { accept(s.listeners[2], func(c net.Conn) { s.cli.ServeConn(run, c) }) })
	if len(s.listeners) > 3 {
		s.wg.Go(func() { _ = s.http.Serve(s.listeners[3]) }) // ends with the listener
	}
	return s, nil
}

func (s *Server) listen(secure *tls.Config) error {
	addrs := []string{s.cfg.HTTPAddr, s.cfg.XIMSSAddr, s.cfg.CLIAddr}
	if s.cfg.HTTPSAddr != "" {
		addrs = append(addrs, s.cfg.HTTPSAddr)
	}
	for i, addr := range addrs {
		if addr == "" {
			addr = "127.0.0.1:0"
		}
		l, err := net.Listen("tcp", addr) //nolint:noctx // it does not wait
		if err != nil {
			return err
		}
		if i == 3 {
			l = tls.NewListener(l, secure)
		}
		s.listeners = append(s.listeners, l)
	}
	return nil
}

// tap keeps what a protocol's server shows of its wire.
func (s *Server) tap(protocol string) func(account, request, reply string, took time.Duration) {
	return func(account, request, reply string, took time.Duration) {
		s.wire.add(Exchange{At: time.Now(), Protocol: protocol, Account: account, Request: request, Reply: reply, Took: took})
	}
}

// execute serves a CLI command that comes over XIMSS.
func (s *Server) execute(ctx context.Context, who backend.Account, line string) string {
	v, err := s.cli.Execute(ctx, who, line)
	if err != nil {
		return err.Error()
	}
	text, err := dataformat.Text(v)
	if err != nil {
		return err.Error()
	}
	return text
}

// Addrs answers where the three protocols listen.
func (s *Server) Addrs() (http, ximss, cli string) {
	return s.listeners[0].Addr().String(), s.listeners[1].Addr().String(), s.listeners[2].Addr().String()
}

// HTTPSAddr answers where XIMSS over HTTP with TLS listens, or "".
func (s *Server) HTTPSAddr() string {
	if len(s.listeners) < 4 {
		return ""
	}
	return s.listeners[3].Addr().String()
}

// Close ends all connections and closes the storage.
func (s *Server) Close() error {
	s.cancel()
	for _, l := range s.listeners {
		_ = l.Close()
	}
	_ = s.http.Close()
	s.wg.Wait()
	return s.b.Close()
}

func accept(l net.Listener, serve func(net.Conn)) {
	var wg sync.WaitGroup
	defer wg.Wait()
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		wg.Go(func() { serve(c) })
	}
}

// sniffer gives the connections whose first byte is < to XIMSS, as
// CommuniGate Pro's HTTP port does, and the others to HTTP.
type sniffer struct {
	net.Listener
	conns chan net.Conn
	done  <-chan struct{}
	raw   func(net.Conn)
}

func (s *sniffer) run() {
	accept(s.Listener, func(c net.Conn) {
		_ = c.SetReadDeadline(time.Now().Add(10 * time.Second))
		stop := make(chan struct{})
		go func() {
			select {
			case <-s.done:
				_ = c.Close()
			case <-stop:
			}
		}()
		r := bufio.NewReader(c)
		first, err := r.Peek(1)
		close(stop)
		if err != nil {
			_ = c.Close()
			return
		}
		_ = c.SetReadDeadline(time.Time{})
		p := &peeked{c, r}
		if first[0] == '<' {
			s.raw(p)
			return
		}
		select {
		case s.conns <- p:
		case <-s.done:
			_ = c.Close()
		}
	})
}

// Accept implements net.Listener for the HTTP server.
func (s *sniffer) Accept() (net.Conn, error) {
	select {
	case c := <-s.conns:
		return c, nil
	case <-s.done:
		return nil, net.ErrClosed
	}
}

// peeked is a connection of which the first bytes are read already.
type peeked struct {
	net.Conn
	r *bufio.Reader
}

func (p *peeked) Read(b []byte) (int, error) { return p.r.Read(b) }
