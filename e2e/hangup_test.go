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

// TestHangUp: at the signal HUP a running process reads its log level again,
// and a file that is wrong changes nothing.
func TestHangUp(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "rmp.toml")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("log-level = \"error\"\nlog-format = \"json\"\n")
	p := start(t, running, "serve", "--config", file, "--data", filepath.Join(dir, "data"), "--listen", "127.0.0.1:0", "--no-demo")
	hangUp := func(want string) {
		t.Helper()
		if err := p.cmd.Process.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		eventually(t, func() bool { return strings.Contains(p.log.String(), want) })
	}
	write("log-level = \"loud\"\n")
	hangUp("the log level stays")
	write("log-level = \"debug\"\nlog-format = \"json\"\n")
	hangUp(`"logLevel":"debug"`)
	if status, _ := p.call(t, "GET", "/healthz", "", nil); status != 200 {
		t.Error(status)
	}
}

func eventually(t *testing.T, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !ok(); {
		if time.Now().After(end) {
			t.Fatal("it did not happen within 10 s")
		}
		<-time.After(20 * time.Millisecond)
	}
}
