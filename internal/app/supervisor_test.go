package app

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rmp/internal/config"
)

// ear is a service manager's end of the notifications.
type ear struct {
	t    *testing.T
	conn *net.UnixConn
}

func listenAs(t *testing.T, name string) *ear {
	t.Helper()
	c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return &ear{t, c}
}

// next is the next notification that is not the one to be passed over.
func (e *ear) next(but string) string {
	e.t.Helper()
	if err := e.conn.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
		e.t.Fatal(err)
	}
	for {
		b := make([]byte, 512)
		n, err := e.conn.Read(b)
		if err != nil {
			e.t.Fatal("nothing is said any more: ", err)
		}
		if got := string(b[:n]); got != but {
			return got
		}
	}
}

// TestServiceLife: the service manager hears when the server is ready, that
// it goes on answering, and when it begins to end, and `rmp health` says the
// same.
func TestServiceLife(t *testing.T) {
	dir, err := os.MkdirTemp("", "rmp") // the path of a socket is short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	manager := listenAs(t, filepath.Join(dir, "notify"))
	t.Setenv("NOTIFY_SOCKET", filepath.Join(dir, "notify"))
	t.Setenv("WATCHDOG_USEC", "200000")
	ctx, stop := context.WithCancel(t.Context())
	printed, written := io.Pipe()
	served := make(chan error, 1)
	go func() {
		served <- Serve(ctx, config.Serve{Data: filepath.Join(dir, "data"), Listen: "127.0.0.1:0", Demo: "no", LogLevel: "error", Keep: time.Minute, Drain: 2 * time.Second,
			CGP: config.CGP{Sessions: 3, Persons: 1, Timeout: 5 * time.Second}, Limits: config.Limits{InFlight: 1}}, written, Program{})
		_ = written.Close()
	}()
	addr := ""
	var text bytes.Buffer
	for addr == "" {
		b := make([]byte, 4096)
		n, err := printed.Read(b)
		if err != nil {
			t.Fatalf("the server ended: %v\n%s", <-served, text.String())
		}
		text.Write(b[:n])
		if _, rest, found := strings.Cut(text.String(), "RMP is running at http://"); found {
			addr, _, _ = strings.Cut(rest, "\n")
		}
	}
	go func() { _, _ = io.Copy(io.Discard, printed) }()
	if got := manager.next("WATCHDOG=1"); got != "READY=1" {
		t.Fatalf("first %q is said", got)
	}
	for range 3 {
		if got := manager.next(""); got != "WATCHDOG=1" {
			t.Errorf("%q is said while it runs", got)
		}
	}

	health := func(alive bool) (string, error) {
		var out bytes.Buffer
		err := Health(t.Context(), config.Health{Listen: addr, Timeout: 10 * time.Second, Alive: alive}, &out)
		return out.String(), err
	}
	if out, err := health(false); err != nil || !strings.Contains(out, `"status":"ready"`) {
		t.Errorf("ready: %v, %s", err, out)
	}
	// All room is taken by a request whose body does not come: that is no
	// reason to call the process dead.
	slow, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Fprintf(slow, "POST /api/v2/auth/login HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n", addr); err != nil {
		t.Fatal(err)
	}
	if out, err := health(false); err != nil {
		t.Errorf("busy: %v, %s", err, out)
	}
	_ = slow.Close()

	stop()
	if got := manager.next("WATCHDOG=1"); got != "STOPPING=1" {
		t.Errorf("at the end %q is said", got)
	}
	if out, err := health(false); err == nil || !strings.Contains(out, "ending") {
		t.Errorf("while it drains: %v, %s", err, out)
	}
	if out, err := health(true); err != nil {
		t.Errorf("while it drains it is alive: %v, %s", err, out)
	}
	if err := <-served; err != nil { // though nobody reads the notifications any more
		t.Error(err)
	}
	if _, err := health(true); err == nil {
		t.Error("who has ended is called alive")
	}
}

func TestSupervisorIsOptional(t *testing.T) {
	log := slog.New(slog.DiscardHandler)
	env := map[string]string{}
	get := func(name string) string { return env[name] }
	newSupervisor(get, log).ready() // nobody listens
	env["WATCHDOG_USEC"] = "1000000"
	if s := newSupervisor(get, log); s.watchdog != 0 {
		t.Error("a watchdog without a socket to tell")
	}
	name := fmt.Sprintf("@rmp-test-%d", os.Getpid())
	manager := listenAs(t, name) // of the abstract name space
	env["NOTIFY_SOCKET"] = name
	s := newSupervisor(get, log)
	if s.watchdog != time.Second {
		t.Errorf("the watchdog's time is %v", s.watchdog)
	}
	s.ready()
	if got := manager.next(""); got != "READY=1" {
		t.Errorf("%q is said", got)
	}
	env["WATCHDOG_PID"] = "1" // another process is meant
	if s := newSupervisor(get, log); s.watchdog != 0 {
		t.Error("a watchdog for another process")
	}
}

func TestHealthFindsTheServer(t *testing.T) {
	for listen, want := range map[string]string{":1": "127.0.0.1:1", "0.0.0.0:1": "127.0.0.1:1", "[::]:1": "127.0.0.1:1", "[::1]:1": "[::1]:1"} {
		err := Health(t.Context(), config.Health{Listen: listen, Timeout: time.Second}, io.Discard)
		if err == nil || !strings.Contains(err.Error(), "http://"+want+"/readyz") {
			t.Errorf("%s: %v, want a question to %s", listen, err, want)
		}
	}
	err := Health(t.Context(), config.Health{Listen: ":1", TLSCert: "cert.pem", Timeout: time.Second}, io.Discard)
	if err == nil || !strings.Contains(err.Error(), "https://127.0.0.1:1/") {
		t.Errorf("with TLS: %v", err)
	}
}
