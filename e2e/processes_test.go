//go:build e2e

package e2e

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"rmp/internal/store/pgtest"
)

// stream reads server-sent events until the test ends.
func stream(t *testing.T, p *process, token, last string) <-chan [2]string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.url+"/api/v2/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	if last != "" {
		req.Header.Set("Last-Event-ID", last)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil || resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") != "text/event-stream" {
		t.Fatal(err, resp)
	}
	t.Cleanup(func() { _ = resp.Body.Close() })
	out := make(chan [2]string, 1000)
	go func() {
		defer close(out)
		s := bufio.NewScanner(resp.Body)
		id, kind := "", ""
		for s.Scan() {
			switch line := s.Text(); {
			case strings.HasPrefix(line, "id: "):
				id = line[4:]
			case strings.HasPrefix(line, "event: "):
				kind = line[7:]
			case strings.HasPrefix(line, "data: "):
				out <- [2]string{id, kind + " " + line[6:]}
			}
		}
	}()
	return out
}

func await(t *testing.T, events <-chan [2]string, what ...string) [2]string {
	t.Helper()
	deadline := time.After(20 * time.Second)
	for {
		select {
		case e, ok := <-events:
			if !ok {
				t.Fatalf("the stream ended before %v", what)
			}
			found := true
			for _, w := range what {
				found = found && strings.Contains(e[1], w)
			}
			if found {
				return e
			}
		case <-deadline:
			t.Fatalf("no event %v", what)
		}
	}
}

// TestEventsAcrossProcesses: who listens to one process learns what another
// does, and misses nothing while away.
func TestEventsAcrossProcesses(t *testing.T) {
	web, cli := standinOf(t, t.TempDir())
	db := pgtest.URL(t)
	first := start(t, running, withCGP(web, cli, "--data", t.TempDir(), "--db", db, "--demo", "yes")...)
	second := start(t, running, withCGP(web, cli, "--data", t.TempDir(), "--db", db, "--no-demo")...)
	token := first.login(t, "anna@example.test")
	heard := stream(t, second, token, "")
	// The stream is open when its first event comes; what is before it may be missed.
	var a map[string]any
	for n := 0; ; n++ {
		_, a = first.call(t, "POST", "/api/v2/bookings", token, request(20+n, room))
		select {
		case <-heard:
		case <-time.After(time.Second):
			continue
		}
		break
	}
	status, b := first.call(t, "POST", "/api/v2/bookings", token, request(40, room))
	if status != http.StatusCreated {
		t.Fatalf("%d %v", status, b)
	}
	e := await(t, heard, "booking.created", b["id"].(string))
	if strings.Contains(e[1], "Meeting") {
		t.Errorf("the event tells the title: %s", e[1])
	}
	await(t, heard, "booking.sync", b["id"].(string))
	if status, a := first.call(t, "DELETE", "/api/v2/bookings/"+b["id"].(string), token, nil); status != http.StatusOK {
		t.Fatalf("%d %v", status, a)
	}
	await(t, heard, "booking.cancelled", b["id"].(string))
	again := stream(t, first, token, e[0])
	await(t, again, "booking.cancelled", b["id"].(string))
	_ = a
	if status, a := first.call(t, "GET", "/api/v2/events", "", nil); status != http.StatusUnauthorized {
		t.Errorf("a stranger listens: %d %v", status, a)
	}
}

// TestRollingRestart: two processes are replaced one after the other under
// load; a client that asks those who say they are ready sees no failure.
func TestRollingRestart(t *testing.T) {
	web, cli := standinOf(t, t.TempDir())
	db := pgtest.URL(t)
	dirs := []string{t.TempDir(), t.TempDir()}
	boot := func(i int, demo string) *process {
		return start(t, running, withCGP(web, cli, "--data", dirs[i], "--db", db, "--drain", "1s", demo)...)
	}
	var list [2]atomic.Pointer[process]
	list[0].Store(boot(0, "--demo=yes"))
	list[1].Store(boot(1, "--no-demo"))
	token := list[0].Load().login(t, "anna@example.test")

	// What a balancer does: it asks each process from time to time.
	var ready [2]atomic.Bool
	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for i := range list {
		wg.Go(func() {
			tick := time.NewTicker(50 * time.Millisecond)
			defer tick.Stop()
			for ctx.Err() == nil {
				status, _, err := list[i].Load().try("GET", "/readyz", "", nil)
				ready[i].Store(err == nil && status == http.StatusOK)
				<-tick.C
			}
		})
	}
	var asked, booked atomic.Int64
	for w := range 8 {
		wg.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				i := (w + n) % 2
				if !ready[i].Load() {
					i = 1 - i
				}
				if !ready[i].Load() {
					n--
					runtime.Gosched()
					continue
				}
				start := loadBase().Add(time.Duration(n) * 15 * time.Minute)
				status, a, err := list[i].Load().try("POST", "/api/v2/bookings", token, map[string]any{"title": "Rolling", "start": start, "end": start.Add(15 * time.Minute),
					"resources": []string{fmt.Sprintf("p%d@parking.resources.example.test", w+1)}})
				asked.Add(1)
				if err != nil || status != http.StatusCreated {
					t.Errorf("process %d: %d %v %v", i, status, a, err)
					return
				}
				booked.Add(1)
			}
		})
	}
	for i := range list {
		pause := time.NewTimer(time.Second)
		<-pause.C
		old := list[i].Load()
		_ = old.cmd.Process.Signal(syscall.SIGTERM)
		if err := old.cmd.Wait(); err != nil {
			t.Errorf("process %d ended with %v", i, err)
		}
		list[i].Store(boot(i, "--no-demo"))
	}
	stop()
	wg.Wait()
	t.Logf("%d requests during the restarts", asked.Load())
	if booked.Load() < 20 {
		t.Errorf("only %d bookings", booked.Load())
	}
}

// TestAskedTwiceToEnd: while a process drains it says that it is not ready and
// still does its work; asked a second time it ends at once, and what it has
// acknowledged is there at the next start.
func TestAskedTwiceToEnd(t *testing.T) {
	data := t.TempDir()
	args := []string{"serve", "--data", data, "--listen", "127.0.0.1:0", "--drain", "10m"}
	p := start(t, running, args...)
	token := p.login(t, "anna@example.test")
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(10 * time.Second); ; <-tick.C {
		if status, _, err := p.try("GET", "/readyz", "", nil); err == nil && status == http.StatusServiceUnavailable {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("it does not say that it is about to end")
		}
	}
	status, b := p.call(t, "POST", "/api/v2/bookings", token, request(3, room))
	if status != http.StatusCreated {
		t.Fatal(status, b)
	}
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	ended := make(chan error, 1)
	go func() { ended <- p.cmd.Wait() }()
	select {
	case err := <-ended:
		var exit *exec.ExitError
		if !errors.As(err, &exit) {
			t.Errorf("it ended with %v, want the signal", err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("it goes on draining")
	}
	p = start(t, running, args...)
	if status, b := p.call(t, "GET", "/api/v2/bookings/"+b["id"].(string), p.login(t, "anna@example.test"), nil); status != http.StatusOK {
		t.Error(status, b)
	}
}

// slots races for one slot after the other, and counts who got it.
func slots(t *testing.T, processes []*process, rounds int) {
	t.Helper()
	tokens := make([]string, len(processes))
	for i, p := range processes {
		tokens[i] = p.login(t, "anna@example.test")
	}
	for k, writers := range []int{2, 8, 32} {
		for round := range rounds {
			start := loadBase().Add(time.Duration(round) * 15 * time.Minute)
			body := map[string]any{"title": "Race", "start": start, "end": start.Add(15 * time.Minute), "resources": []string{fmt.Sprintf("p%d@parking.resources.example.test", k+1)}}
			var won, lost atomic.Int64
			var wg sync.WaitGroup
			for w := range writers {
				wg.Go(func() {
					status, a, err := processes[w%len(processes)].try("POST", "/api/v2/bookings", tokens[w%len(processes)], body)
					switch {
					case err != nil:
						t.Error(err)
					case status == http.StatusCreated:
						won.Add(1)
					case status == http.StatusConflict:
						lost.Add(1)
					default:
						t.Errorf("%d %v", status, a)
					}
				})
			}
			wg.Wait()
			if won.Load() != 1 || t.Failed() {
				t.Fatalf("%d of %d writers got one slot, %d were refused", won.Load(), writers, lost.Load())
			}
		}
	}
	t.Logf("%d rounds each of 2, 8 and 32 writers", rounds)
}

func TestSlotsOnOneProcess(t *testing.T) {
	slots(t, []*process{start(t, running, "serve", "--listen", "127.0.0.1:0", "--data", t.TempDir())}, 10*factor())
}

func TestSlotsOnThreeProcesses(t *testing.T) {
	web, cli := standinOf(t, t.TempDir())
	db := pgtest.URL(t)
	list := []*process{start(t, running, withCGP(web, cli, "--data", t.TempDir(), "--db", db, "--demo", "yes")...)}
	for range 2 {
		list = append(list, start(t, running, withCGP(web, cli, "--data", t.TempDir(), "--db", db, "--no-demo")...))
	}
	slots(t, list, 10*factor())
}
