// Command load shows how RMP does under too much of it: an open-loop
// generator (requests come at their rate, whether or not the earlier ones were
// answered) finds the highest rate that is kept up with, then offers five
// times as much. What counts: that as much gets done as before (goodput), and
// that what is accepted is answered in bounded time; the rest is refused at
// once, with 503 or 429 and Retry-After.
//
// It starts bin/rmp on a fresh directory, with SQLite, or with --db on
// PostgreSQL. Four of five requests read (bookings of a day, free/busy), one
// books.
package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

func main() {
	runtime.GOMAXPROCS(1)
	db := flag.String("db", "", "postgres:// URL; empty: SQLite")
	step := flag.Duration("step", 8*time.Second, "length of each measurement")
	flag.Parse()
	if err := run(*db, *step); err != nil {
		log.Fatal(err)
	}
}

func run(db string, step time.Duration) error {
	dir, err := os.MkdirTemp("", "rmp-load-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	url, end, err := start(dir, db)
	if err != nil {
		return err
	}
	defer end()
	g, err := newGenerator(url)
	if err != nil {
		return err
	}
	fmt.Printf("%8s %9s %8s %8s %8s %8s %8s  %s\n", "offered", "goodput", "ratio", "p50", "p99", "max", "readyz", "refused")
	peak, sustained := 0.0, 0.0
	for rate := 50.0; ; rate *= 1.5 {
		r, err := g.offer(rate, step)
		if err != nil {
			return err
		}
		r.print(rate, peak)
		peak = max(peak, r.goodput)
		if r.goodput >= 0.95*rate {
			sustained = rate
		}
		if r.goodput < 0.85*rate || rate > 20_000 {
			break
		}
	}
	fmt.Printf("peak: %.0f a second; sustained: %.0f; now five times that\n", peak, sustained)
	for range 2 {
		r, err := g.offer(5*sustained, step)
		if err != nil {
			return err
		}
		r.print(5*sustained, peak)
	}
	r, err := g.offer(sustained/2, step)
	if err != nil {
		return err
	}
	fmt.Println("and at half of what is sustained, afterwards:")
	r.print(sustained/2, peak)
	return nil
}

// start runs the program, and answers where it listens.
func start(dir, db string) (string, func(), error) {
	args := []string{"serve", "--data", filepath.Join(dir, "data"), "--listen", "127.0.0.1:0", "--log-level", "error"}
	if db != "" {
		args = append(args, "--db", db)
	}
	// One core is the program's, another the generator's: what the generator
	// needs to offer more must not be taken from what it measures.
	command := append([]string{"bin/rmp"}, args...)
	if taskset, err := exec.LookPath("taskset"); err == nil && runtime.NumCPU() > 1 {
		if out, err := exec.Command(taskset, "-a", "-p", "-c", "1", strconv.Itoa(os.Getpid())).CombinedOutput(); err != nil {
			return "", nil, fmt.Errorf("taskset: %w: %s", err, out)
		}
		command = append([]string{taskset, "-c", "0"}, command...)
	}
	p := exec.Command(command[0], command[1:]...)
	p.Env = append(os.Environ(), "RMP_LIMITS_USER=0", "RMP_LIMITS_ADDRESS=0", "RMP_LIMITS_TENANT=0")
	p.Stderr = os.Stderr
	out, err := p.StdoutPipe()
	if err != nil {
		return "", nil, err
	}
	if err := p.Start(); err != nil {
		return "", nil, fmt.Errorf("%w; run make build first", err)
	}
	end := func() {
		_ = p.Process.Signal(syscall.SIGTERM)
		_ = p.Wait()
	}
	s := bufio.NewScanner(out)
	for s.Scan() {
		if m := regexp.MustCompile(`running at (http://\S+)`).FindStringSubmatch(s.Text()); m != nil {
			go func() { _, _ = io.Copy(io.Discard, out) }()
			return m[1], end, nil
		}
	}
	end()
	return "", nil, fmt.Errorf("rmp did not start")
}

type generator struct {
	url, token string
	client     *http.Client
	rooms      []string
	next       atomic.Int64
}

func newGenerator(url string) (*generator, error) {
	g := &generator{url: url, client: &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 512, MaxConnsPerHost: 2048}}}
	var in struct{ Token string }
	if _, err := g.ask(context.Background(), "POST", "/api/v2/auth/login", map[string]string{"email": "anna@example.test", "password": "rmp-demo"}, &in); err != nil {
		return nil, err
	}
	g.token = in.Token
	var list struct{ Items []struct{ Email string } }
	if _, err := g.ask(context.Background(), "GET", "/api/v2/resources", nil, &list); err != nil {
		return nil, err
	}
	for _, r := range list.Items {
		g.rooms = append(g.rooms, r.Email)
	}
	return g, nil
}

func (g *generator) ask(ctx context.Context, method, path string, body, into any) (int, error) {
	j, err := json.Marshal(body)
	if err != nil {
		return 0, err
	}
	req, err := http.NewRequestWithContext(ctx, method, g.url+path, bytes.NewReader(j))
	if err != nil {
		return 0, err
	}
	req.Header.Set("Content-Type", "application/json")
	if g.token != "" {
		req.Header.Set("Authorization", "Bearer "+g.token)
	}
	res, err := g.client.Do(req)
	if err != nil {
		return 0, err
	}
	defer func() { _ = res.Body.Close() }()
	if into != nil {
		err = json.NewDecoder(res.Body).Decode(into)
	} else {
		_, err = io.Copy(io.Discard, res.Body)
	}
	return res.StatusCode, err
}

// one sends one request of the mix; the status is 0 when there was no answer.
func (g *generator) one(ctx context.Context) int {
	n := g.next.Add(1)
	room := g.rooms[rand.IntN(len(g.rooms))]
	day := time.Date(2028, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, int(n/20)%3000)
	var status int
	switch {
	case n%5 == 0:
		at := day.Add(time.Duration(6+n/5%12) * time.Hour)
		status, _ = g.ask(ctx, "POST", "/api/v2/bookings", map[string]any{"title": "Load", "start": at, "end": at.Add(30 * time.Minute), "resources": []string{g.rooms[int(n/5)%len(g.rooms)]}}, nil)
	case n%2 == 0:
		status, _ = g.ask(ctx, "POST", "/api/v2/freebusy", map[string]any{"emails": []string{room}, "from": day, "till": day.AddDate(0, 0, 1)}, nil)
	default:
		status, _ = g.ask(ctx, "GET", "/api/v2/bookings?from="+day.Format(time.RFC3339)+"&till="+day.AddDate(0, 0, 1).Format(time.RFC3339), nil, nil)
	}
	return status
}

type result struct {
	goodput float64
	times   []time.Duration // of what was accepted
	refused map[int]int
	ready   time.Duration // the slowest answer of /readyz
}

// idle waits until the program has written all calendars, so that each
// measurement begins alike.
func (g *generator) idle() error {
	for range 600 {
		res, err := g.client.Get(g.url + "/metrics")
		if err != nil {
			return err
		}
		text, err := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if err != nil {
			return err
		}
		pending := regexp.MustCompile(`(?m)^rmp_outbox_jobs\{state="pending"\} (\S+)$`).FindSubmatch(text)
		if pending == nil {
			return fmt.Errorf("/metrics does not tell of calendar writes: %d", res.StatusCode)
		}
		if string(pending[1]) == "0" {
			return nil
		}
		time.Sleep(100 * time.Millisecond)
	}
	return errors.New("calendars were not written within a minute")
}

// offer sends requests at a rate for a time, and waits for their answers.
func (g *generator) offer(rate float64, during time.Duration) (result, error) {
	if err := g.idle(); err != nil {
		return result{}, err
	}
	r := result{refused: map[int]int{}}
	var mu sync.Mutex
	var all sync.WaitGroup
	ctx, cancel := context.WithTimeout(context.Background(), during+20*time.Second)
	defer cancel()
	began := time.Now()
	watch := make(chan struct{})
	all.Go(func() {
		for {
			select {
			case <-watch:
				return
			case <-time.After(100 * time.Millisecond):
			}
			at := time.Now()
			if status, _ := g.ask(ctx, "GET", "/readyz", nil, nil); status == 200 {
				r.ready = max(r.ready, time.Since(at))
			} else {
				r.ready = 99 * time.Second
			}
		}
	})
	for i := 0; ; i++ {
		due := began.Add(time.Duration(float64(i) / rate * float64(time.Second)))
		if due.Sub(began) >= during {
			break
		}
		time.Sleep(time.Until(due))
		all.Go(func() {
			at := time.Now()
			status := g.one(ctx)
			took := time.Since(at)
			mu.Lock()
			defer mu.Unlock()
			if status >= 200 && status < 300 || status == 409 { // a conflict is an answer
				r.times = append(r.times, took)
			} else {
				r.refused[status]++
			}
		})
	}
	close(watch)
	all.Wait()
	r.goodput = float64(len(r.times)) / time.Since(began).Seconds()
	slices.Sort(r.times)
	return r, nil
}

func (r result) print(rate, peak float64) {
	at := func(share float64) string {
		if len(r.times) == 0 {
			return "-"
		}
		return r.times[min(len(r.times)-1, int(share*float64(len(r.times))))].Round(time.Millisecond).String()
	}
	ratio := "-"
	if peak > 0 {
		ratio = fmt.Sprintf("%.2f", r.goodput/peak)
	}
	var refused []string
	for status, n := range r.refused {
		refused = append(refused, fmt.Sprintf("%d: %d", status, n))
	}
	slices.Sort(refused)
	fmt.Printf("%8.0f %9.0f %8s %8s %8s %8s %8s  %s\n", rate, r.goodput, ratio, at(.5), at(.99), at(1), r.ready.Round(time.Millisecond), strings.Join(refused, ", "))
}
