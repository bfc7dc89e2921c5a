// Package bench measures the whole program as its users meet it.
package bench

import (
	"bufio"
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // driver pgx
	_ "modernc.org/sqlite"             // driver sqlite

	"rmp/internal/store/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// process is a running rmp.
type process struct {
	cmd *exec.Cmd
	at  string
}

func start(b *testing.B, marker string, args ...string) *process {
	b.Helper()
	path, err := filepath.Abs("../bin/rmp")
	if err != nil {
		b.Fatal(err)
	}
	cmd := exec.Command(path, args...)
	cmd.Env = append(os.Environ(), "RMP_SECRET_KEY=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "RMP_LIMITS_USER=0", "RMP_LIMITS_TENANT=0", "RMP_LIMITS_ADDRESS=0")
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal("bin/rmp is not built: run make bench: ", err)
	}
	b.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	s := bufio.NewScanner(out)
	for s.Scan() {
		if _, rest, ok := strings.Cut(s.Text(), marker); ok {
			go func() { _, _ = io.Copy(io.Discard, out) }()
			return &process{cmd, strings.TrimSpace(rest)}
		}
	}
	b.Fatal("rmp did not start")
	return nil
}

// cpu is what a process has used.
func (p *process) cpu(b *testing.B) time.Duration {
	b.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
	if err != nil {
		return 0 // not on Linux
	}
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+2:]))
	ticks := 0
	for _, f := range fields[11:13] {
		n, err := strconv.Atoi(f)
		if err != nil {
			b.Fatal(err)
		}
		ticks += n
	}
	return time.Duration(ticks) * 10 * time.Millisecond
}

func freeAddr(b *testing.B) string {
	b.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close() //nolint:errcheck // it was only asked for its port
	return l.Addr().String()
}

// target is a database: its URL for rmp, and its driver for the bare measure.
type target struct{ name, driver string }

func (d target) url(b *testing.B) string {
	if d.driver == "pgx" {
		return pgtest.URL(b)
	}
	return filepath.Join(b.TempDir(), "bench.db")
}

var rooms = []string{"aalborg", "berlin", "cork", "dresden", "essen", "florence", "geneva", "helsinki", "istanbul", "jena", "kyiv", "lisbon"}

// slot is another quarter of an hour for each n.
func slot(n int64) (room int, start time.Time) {
	const aDay = 96
	per := int64(len(rooms))
	return int(n % per), time.Now().UTC().Truncate(24*time.Hour).AddDate(0, 0, 100+int(n/per/aDay)).Add(time.Duration(n/per%aDay) * 15 * time.Minute)
}

// measure runs clients until n things are done, and answers the time of each.
func measure(b *testing.B, clients, n int, do func(client int) error) (took []time.Duration, all time.Duration) {
	b.Helper()
	var next atomic.Int64
	var wg sync.WaitGroup
	times := make([][]time.Duration, clients)
	began := time.Now()
	for c := range clients {
		wg.Go(func() {
			for next.Add(1) <= int64(n) {
				at := time.Now()
				if err := do(c); err != nil {
					b.Error(err)
					return
				}
				times[c] = append(times[c], time.Since(at))
			}
		})
	}
	wg.Wait()
	all = time.Since(began)
	took = slices.Concat(times...)
	slices.Sort(took)
	return took, all
}

// bare is the rate at which the database alone checks and inserts.
func bare(b *testing.B, d target, clients, n int) float64 {
	b.Helper()
	url := d.url(b)
	if d.driver == "sqlite" {
		url = "file:" + url + "?_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_txlock=immediate"
	}
	db, err := sql.Open(d.driver, url)
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close() //nolint:errcheck // the measure is over
	schema := []string{`CREATE TABLE occupancy (resource TEXT NOT NULL, starts_at BIGINT NOT NULL, ends_at BIGINT NOT NULL, PRIMARY KEY (resource, starts_at))`}
	if d.driver == "sqlite" {
		db.SetMaxOpenConns(1)
	} else {
		db.SetMaxOpenConns(16)
		db.SetMaxIdleConns(16)
		schema = []string{`CREATE EXTENSION IF NOT EXISTS btree_gist`, `CREATE TABLE occupancy (resource TEXT NOT NULL, starts_at BIGINT NOT NULL, ends_at BIGINT NOT NULL,
			EXCLUDE USING gist (resource WITH =, int8range(starts_at, ends_at) WITH &&))`}
	}
	for _, s := range schema {
		if _, err := db.ExecContext(b.Context(), s); err != nil {
			b.Fatal(err)
		}
	}
	var counter atomic.Int64
	_, all := measure(b, clients, n, func(int) error {
		room, at := slot(counter.Add(1))
		start, end := at.Unix(), at.Add(15*time.Minute).Unix()
		tx, err := db.BeginTx(context.Background(), nil)
		if err != nil {
			return err
		}
		defer tx.Rollback() //nolint:errcheck // committed by then
		var taken int
		if err := tx.QueryRow(`SELECT COUNT(*) FROM occupancy WHERE resource=$1 AND starts_at<$2 AND ends_at>$3 AND starts_at>$4`, rooms[room], end, start, start-86400).Scan(&taken); err != nil {
			return err
		}
		if taken > 0 {
			return fmt.Errorf("taken")
		}
		if _, err := tx.Exec(`INSERT INTO occupancy (resource, starts_at, ends_at) VALUES ($1,$2,$3)`, rooms[room], start, end); err != nil {
			return err
		}
		return tx.Commit()
	})
	return float64(n) / all.Seconds()
}

// BenchmarkBooking books over HTTP, signed in, each time another slot; beside
// it, in the same run, the database alone.
func BenchmarkBooking(b *testing.B) {
	for _, d := range []target{{"SQLite", "sqlite"}, {"PostgreSQL", "pgx"}} {
		for _, wait := range []string{"0s", "2s"} {
			name := d.name + "/answered-before-the-calendar-write"
			if wait != "0s" {
				name = d.name + "/with-the-calendar-write"
			}
			b.Run(name, func(b *testing.B) { benchBooking(b, d, wait) })
		}
	}
}

func benchBooking(b *testing.B, d target, wait string) {
	web, cli := freeAddr(b), freeAddr(b)
	start(b, "CommuniGate stand-in:", "standin", "--data", b.TempDir(), "--http", web, "--ximss", "127.0.0.1:0", "--cli", cli, "--admin", "boss", "--admin-password", "pw", "--sessions", "50", "--log-level", "error")
	host, port, _ := net.SplitHostPort(web)
	_, cliPort, _ := net.SplitHostPort(cli)
	p := start(b, "RMP is running at ", "serve", "--listen", "127.0.0.1:0", "--data", b.TempDir(), "--db", d.url(b), "--demo", "yes", "--log-level", "error",
		"--cgp.host", host, "--cgp.http-port", port, "--cgp.cli-port", cliPort, "--cgp.admin", "boss", "--cgp.admin-password", "pw", "--cgp.write-wait", wait, "--cgp.sessions", "8")
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
	post := func(path, token string, body any) (*http.Response, error) {
		j, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		req, err := http.NewRequest(http.MethodPost, p.at+path, bytes.NewReader(j))
		if err != nil {
			return nil, err
		}
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Authorization", "Bearer "+token)
		return client.Do(req)
	}
	resp, err := post("/api/v2/auth/login", "", map[string]string{"email": "anna@example.test", "password": "rmp-demo"})
	if err != nil {
		b.Fatal(err)
	}
	var login struct{ Token string }
	if err := json.NewDecoder(resp.Body).Decode(&login); err != nil || login.Token == "" {
		b.Fatal("no token: ", err)
	}
	_ = resp.Body.Close()
	var counter atomic.Int64
	for _, clients := range []int{1, 8, 32} {
		b.Run(fmt.Sprintf("clients=%d", clients), func(b *testing.B) {
			const n = 600
			for range b.N {
				cpu := p.cpu(b)
				took, all := measure(b, clients, n, func(int) error {
					room, at := slot(counter.Add(1))
					resp, err := post("/api/v2/bookings", login.Token, map[string]any{"title": "Bench", "start": at, "end": at.Add(15 * time.Minute),
						"resources": []string{rooms[room] + "@confroom.resources.example.test"}})
					if err != nil {
						return err
					}
					defer resp.Body.Close() //nolint:errcheck // read to its end
					text, err := io.ReadAll(resp.Body)
					if err == nil && resp.StatusCode != http.StatusCreated {
						err = fmt.Errorf("%d %s", resp.StatusCode, text)
					}
					return err
				})
				if b.Failed() {
					return
				}
				rate := n / all.Seconds()
				raw := bare(b, d, clients, n)
				b.ReportMetric(rate, "bookings/s")
				b.ReportMetric(raw, "bare/s")
				b.ReportMetric(100*rate/raw, "%of-bare")
				b.ReportMetric(float64((p.cpu(b)-cpu).Microseconds())/n/1000, "cpu-ms/booking")
				b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
				b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
				b.ReportMetric(0, "ns/op")
			}
		})
	}
}
