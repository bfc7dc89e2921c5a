package ximss_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"rmp/calendar/ical"
	"rmp/communigate/cli"
	"rmp/communigate/dataformat"
	"rmp/communigate/standin"
	"rmp/communigate/standin/fault"
	"rmp/communigate/standin/ximssserver"
	"rmp/communigate/ximss"
)

const password = "pw"

// start runs a stand-in with accounts named ann and room-0, room-1, ….
func start(t testing.TB, rooms int, change func(*standin.Config)) (*standin.Server, ximss.Config) {
	t.Helper()
	cfg := standin.Config{Dir: t.TempDir(), MainDomain: "corp.example", AdminPassword: password, SessionCap: -1}
	if change != nil {
		change(&cfg)
	}
	s, err := standin.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	web, _, line := s.Addrs()
	c, err := cli.Dial(t.Context(), cli.Config{Addr: line, User: "postmaster", Password: password})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close() //nolint:errcheck // only to set up
	var accounts []cli.Command
	add := func(name string) {
		accounts = append(accounts, cli.Command{Name: "CREATEACCOUNT", Arguments: []any{name + "@corp.example", dataformat.Dict{"Password": password}}},
			cli.Command{Name: "CREATEMAILBOX", Arguments: []any{name + "@corp.example", cli.Word("MAILBOX"), "Calendar", cli.Word("CLASS"), "IPF.Appointment"}})
	}
	add("ann")
	for i := range rooms {
		add(fmt.Sprintf("room-%d", i))
	}
	results, err := c.Pipeline(t.Context(), accounts...)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range results {
		if r.Err != nil {
			t.Fatal(r.Err)
		}
	}
	return s, ximss.Config{URL: "http://" + web, User: "ann@corp.example", Password: password}
}

func event(uid string, at time.Time) *ical.Calendar {
	return &ical.Calendar{Method: "PUBLISH", Events: []*ical.Event{{UID: uid, Start: ical.At(at), End: ical.At(at.Add(time.Hour)), Summary: uid, Transp: "OPAQUE", BusyStatus: "BUSY",
		RRules: []string{"FREQ=DAILY;COUNT=2"}}}}
}

var (
	nine  = time.Date(2026, 9, 1, 9, 0, 0, 0, time.UTC)
	weeks = nine.AddDate(0, 0, 14)
)

// TestLogins: each way to sign in, and each refused alike.
func TestLogins(t *testing.T) {
	_, cfg := start(t, 0, nil)
	for name, method := range map[string]ximss.LoginMethod{"form": ximss.LoginForm, "query": ximss.LoginQuery, "basic": ximss.LoginBasic, "cram": ximss.LoginCRAM} {
		t.Run(name, func(t *testing.T) {
			cfg := cfg
			cfg.Login = method
			s, err := ximss.Login(t.Context(), ximss.Client(cfg), cfg)
			if err != nil {
				t.Fatal(err)
			}
			if s.Account() != "ann@corp.example" {
				t.Errorf("signed in as %s", s.Account())
			}
			if err := s.Close(t.Context()); err != nil {
				t.Error(err)
			}
			cfg.Password = "wrong-password"
			_, err = ximss.Login(t.Context(), ximss.Client(cfg), cfg)
			if !errors.Is(err, ximss.ErrBadLogin) || strings.Contains(err.Error(), "wrong-password") {
				t.Errorf("%v", err)
			}
		})
	}
}

// TestZones: times are the same instants whatever zone the account prefers.
func TestZones(t *testing.T) {
	_, cfg := start(t, 0, nil)
	for _, zone := range []string{"", "HostOS", "America/New_York", "W. Europe Standard Time", "Asia/Kathmandu"} {
		s, err := ximss.Login(t.Context(), ximss.Client(cfg), cfg)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Do(t.Context(), ximss.StorePrefs(map[string]string{"TimeZone": zone})); err != nil {
			t.Fatal(err)
		}
		_ = s.Close(t.Context())
		if s, err = ximss.Login(t.Context(), ximss.Client(cfg), cfg); err != nil {
			t.Fatal(err)
		}
		replies, err := s.Do(t.Context(), ximss.OpenCalendar("c", "Calendar"), ximss.Publish("c", event("z", nine)), ximss.FindEvents("c", nine, weeks), ximss.FreeBusy("ann", nine, weeks))
		if err != nil {
			t.Fatal(err)
		}
		found, err := replies[2].Occurrences()
		if err != nil || len(found) != 2 || !found[0].Start.Equal(nine) || !found[0].End.Equal(nine.Add(time.Hour)) {
			t.Errorf("%q: %+v, %v", zone, found, err)
		}
		busy, err := replies[3].FreeBusy()
		if err != nil || len(busy) != 2 || !busy[0].Start.Equal(nine) {
			t.Errorf("%q: %+v, %v", zone, busy, err)
		}
		_ = s.Close(t.Context())
	}
}

// TestForms: the client reads the same from a server that writes the forms
// that are known only at second hand in other ways, with the dialect for
// them where it cannot tell.
func TestForms(t *testing.T) {
	for name, c := range map[string]struct {
		quirks  ximssserver.Quirks
		dialect ximss.Dialect
	}{
		"usual":             {},
		"minutes":           {ximssserver.Quirks{DurationInMinutes: true}, ximss.Dialect{DurationUnit: "minutes"}},
		"free/busy as XML":  {ximssserver.Quirks{FreeBusyAsCalendar: true}, ximss.Dialect{PeerAttr: "userName"}},
		"free/busy as text": {ximssserver.Quirks{FreeBusyAsText: true}, ximss.Dialect{SendAll: "yes"}},
		"rule elements":     {ximssserver.Quirks{RuleElements: true, LowerCaseParams: true}, ximss.Dialect{RootCase: "lower"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, cfg := start(t, 0, func(s *standin.Config) { s.Quirks = c.quirks })
			cfg.Dialect = c.dialect
			if err := cfg.Dialect.Validate(); err != nil {
				t.Fatal(err)
			}
			s, err := ximss.Login(t.Context(), ximss.Client(cfg), cfg)
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close(t.Context()) //nolint:errcheck // the server ends anyhow
			replies, err := s.Do(t.Context(), ximss.OpenCalendar("c", "Calendar"), cfg.Dialect.Publish("c", event("f", nine), ximss.SendAll),
				ximss.FindEvents("c", nine, weeks), cfg.Dialect.FreeBusy("ann", nine, weeks))
			if err != nil {
				t.Fatal(err)
			}
			found, err := replies[2].Occurrences()
			if err != nil || len(found) != 2 || !found[1].End.Equal(nine.AddDate(0, 0, 1).Add(time.Hour)) {
				t.Fatalf("%+v, %v", found, err)
			}
			busy, err := replies[3].FreeBusy()
			if err != nil || len(busy) != 2 || !busy[1].End.Equal(found[1].End) || busy[0].Status != "BUSY" {
				t.Errorf("%+v, %v", busy, err)
			}
			replies, err = s.Do(t.Context(), ximss.ReadItem("c", found[0].UID), cfg.Dialect.Cancel("c", "f", ical.At(nine), ximss.SendAll, "off"), ximss.FindEvents("c", nine, weeks))
			if err != nil {
				t.Fatal(err)
			}
			item, err := replies[0].Item()
			if err != nil || item.Events[0].Summary != "f" || len(item.Events[0].RRules) != 1 || item.Events[0].RRules[0] != "FREQ=DAILY;COUNT=2" {
				t.Errorf("%+v, %v", item, err)
			}
			if found, err := replies[2].Occurrences(); err != nil || len(found) != 1 {
				t.Errorf("after one was cancelled: %+v, %v", found, err)
			}
		})
	}
	if err := (ximss.Dialect{DurationUnit: "hours"}).Validate(); err == nil || !strings.Contains(err.Error(), "duration_unit") {
		t.Errorf("%v", err)
	}
}

// TestPoolAndTheServersCap: more clients than the server has sessions for:
// they wait for one another, and nobody is refused.
func TestPoolAndTheServersCap(t *testing.T) {
	_, cfg := start(t, 0, func(s *standin.Config) { s.SessionCap = 2 })
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	pools := []*ximss.Pool{ximss.NewPool(cfg, ximss.Client(cfg), 2), ximss.NewPool(cfg, ximss.Client(cfg), 2)}
	var wg sync.WaitGroup
	for i := range 2 {
		for range 20 {
			wg.Go(func() {
				if _, err := pools[i].Do(ctx, ximss.FreeBusy("ann", nine, weeks)); err != nil {
					t.Errorf("pool %d: %v", i, err)
				}
			})
		}
		wg.Wait()
		pools[i].Close(ctx)
	}
	cfg.Timeout = time.Second
	other := ximss.NewPool(cfg, ximss.Client(cfg), 3)
	defer other.Close(ctx)
	var held []*ximss.Session
	for range 2 {
		s, err := ximss.Login(ctx, ximss.Client(cfg), cfg)
		if err != nil {
			t.Fatal(err)
		}
		held = append(held, s)
	}
	short, stop := context.WithTimeout(ctx, 100*time.Millisecond)
	defer stop()
	if _, err := other.Do(short, ximss.FreeBusy("ann", nine, weeks)); !errors.Is(err, ximss.ErrSessionCap) && !errors.Is(err, ximss.ErrSlow) {
		t.Errorf("no room: %v", err)
	}
	released := make(chan error, 1)
	go func() { // while the pool waits for room
		_, err := other.Do(ctx, ximss.FreeBusy("ann", nine, weeks))
		released <- err
	}()
	if err := held[0].Close(ctx); err != nil {
		t.Fatal(err)
	}
	if err := <-released; err != nil {
		t.Errorf("after there was room: %v", err)
	}
}

// TestSlowSessionsAreEnded: a session whose request was not answered in time
// does not go on counting against the server's cap.
func TestSlowSessionsAreEnded(t *testing.T) {
	plan := &fault.Plan{}
	_, cfg := start(t, 0, func(s *standin.Config) { s.SessionCap, s.Faults = 1, plan })
	cfg.Timeout = 200 * time.Millisecond
	p := ximss.NewPool(cfg, ximss.Client(cfg), 1)
	defer p.Close(t.Context())
	plan.Add(fault.Fault{Protocol: "ximss", Command: "freeBusyRead", Kind: fault.Latency, Delay: 10 * time.Second, Times: 1})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if _, err := p.Do(ctx, ximss.FreeBusy("ann", nine, weeks)); !errors.Is(err, ximss.ErrSlow) {
		t.Errorf("%v", err)
	}
	if _, err := p.Do(ctx, ximss.FreeBusy("ann", nine, weeks)); err != nil {
		t.Errorf("the next: %v", err)
	}
}

// TestReplay: the identical batch goes out once more under its number when
// the reply was lost, and only once more.
func TestReplay(t *testing.T) {
	var posts atomic.Int32
	var bodies sync.Map
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		switch {
		case strings.HasPrefix(r.URL.Path, "/XIMSSLogin"):
			_, _ = io.WriteString(w, `{"sessionId":"secret-id","userName":"ann@corp.example"}`)
		case strings.Contains(string(body), "prefsRead"):
			_, _ = io.WriteString(w, `<XIMSS><prefs id="1"/><response id="1"/></XIMSS>`)
		default:
			bodies.Store(r.URL.Query().Get("reqSeq")+string(body), true)
			posts.Add(1)
			panic(http.ErrAbortHandler)
		}
	}))
	defer srv.Close()
	cfg := ximss.Config{URL: srv.URL, User: "ann", Password: password}
	s, err := ximss.Login(t.Context(), ximss.Client(cfg), cfg)
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.Do(t.Context(), ximss.Publish("c", event("x", nine)))
	n := 0
	bodies.Range(func(any, any) bool { n++; return true })
	if !errors.Is(err, ximss.ErrUnreachable) || posts.Load() != 2 || n != 1 || !s.Lost() {
		t.Errorf("%v after %d posts of %d kinds", err, posts.Load(), n)
	}
	if strings.Contains(err.Error(), "secret-id") || strings.Contains(s.String(), "secret-id") {
		t.Errorf("the session id is shown: %v", err)
	}
}

func BenchmarkRequests(b *testing.B) {
	_, cfg := start(b, 100, nil)
	s, err := ximss.Login(b.Context(), ximss.Client(cfg), cfg)
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close(b.Context()) //nolint:errcheck // the server ends anyhow
	const n = 100
	batch := func() {
		var requests []*ximss.Request
		for i := range n {
			requests = append(requests, ximss.FreeBusy(fmt.Sprintf("room-%d", i), nine, weeks))
		}
		if _, err := s.Do(b.Context(), requests...); err != nil {
			b.Fatal(err)
		}
	}
	single := func() {
		for i := range n {
			if _, err := s.Do(b.Context(), ximss.FreeBusy(fmt.Sprintf("room-%d", i), nine, weeks)); err != nil {
				b.Fatal(err)
			}
		}
	}
	for name, f := range map[string]func(){"single": single, "batch": batch} {
		b.Run(name, func(b *testing.B) {
			for range b.N {
				f()
			}
			b.ReportMetric(float64(b.N)*n/b.Elapsed().Seconds(), "requests/s")
		})
	}
	b.Run("ratio", func(b *testing.B) {
		var one, many time.Duration
		for range b.N {
			began := time.Now()
			single()
			middle := time.Now()
			batch()
			one, many = one+middle.Sub(began), many+time.Since(middle)
		}
		b.ReportMetric(float64(one)/float64(many), "x-faster")
	})
}
