//go:build e2e

package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// eventually waits until the log of a process has a text after a place, and
// answers the place behind it.
func (p *process) eventually(t *testing.T, after int, text string) int {
	t.Helper()
	deadline := time.After(30 * time.Second)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		all := p.log.String()
		if i := strings.Index(all[after:], text); i >= 0 {
			return after + i + len(text)
		}
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("the log has no %q", text)
		}
	}
}

// TestHangupReadsTheLevelAgain changes the level of the log in the file of a
// running program.
func TestHangupReadsTheLevelAgain(t *testing.T) {
	file := filepath.Join(t.TempDir(), "rmp.toml")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("log-level = \"info\"\n")
	p := start(t, running, "serve", "--config", file, "--listen", "127.0.0.1:0", "--data", t.TempDir(), "--no-demo")
	hangup := func() {
		t.Helper()
		if err := p.cmd.Process.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
	}
	ask := func() {
		t.Helper()
		if status, _ := p.call(t, "GET", "/healthz", "", nil); status != 200 {
			t.Fatal(status)
		}
	}
	const line, reloaded = "msg=request ", "the configuration was read again"
	ask()
	if strings.Contains(p.log.String(), line) {
		t.Fatal("the level is not info")
	}

	write("log-level = \"debug\"\n")
	hangup()
	at := p.eventually(t, 0, reloaded)
	ask()
	at = p.eventually(t, at, line)

	write("log-level = [broken")
	hangup()
	at = p.eventually(t, at, "the configuration cannot be read again")
	ask()
	at = p.eventually(t, at, line)

	write("log-level = \"error\"\n")
	hangup()
	at = p.eventually(t, at, reloaded)
	at = p.eventually(t, at, "now=ERROR") // the end of that line
	ask()
	if rest := p.log.String()[at:]; strings.Contains(rest, line) {
		t.Errorf("still at the former level: %s", rest)
	}
}
