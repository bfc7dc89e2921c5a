package main

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"rmp/internal/app"
)

func printed(t *testing.T, args ...string) string {
	t.Helper()
	var out bytes.Buffer
	if err := run(t.Context(), args, &out, app.Program{}); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// TestEveryCommandHasAnExample: and the example begins with the command, or
// what goes before it in a shell.
func TestEveryCommandHasAnExample(t *testing.T) {
	var c commands
	k, err := parser(&c)
	if err != nil {
		t.Fatal(err)
	}
	list := leaves(k.Model.Node)
	if len(list) < 20 {
		t.Fatal(len(list))
	}
	for _, n := range list {
		if _, example, ok := strings.Cut(n.Help, " Example: "); !ok || !strings.Contains(example, n.FullPath()) {
			t.Errorf("%s has no example of itself: %s", n.FullPath(), n.Help)
		}
	}
}

// TestCompletion: the script is one that bash takes, and completes.
func TestCompletion(t *testing.T) {
	script := printed(t, "completion", "bash")
	for words, want := range map[string]string{"rmp cgp c": "cli", "rmp ou": "outbox", "rmp doctor --f": "--fix", "rmp outbox retry --b": "--booking"} {
		fields := strings.Fields(words)
		cmd := exec.CommandContext(t.Context(), "bash", "-euc", script+"\nCOMP_WORDS=("+words+"); COMP_CWORD="+string(rune('0'+len(fields)-1))+"; _rmp; echo \"${COMPREPLY[*]}\"")
		out, err := cmd.CombinedOutput()
		if err != nil || strings.TrimSpace(string(out)) != want {
			t.Errorf("%q completes to %q, not %q (%v)", words, out, want, err)
		}
	}
	if fish := printed(t, "completion", "fish"); !strings.Contains(fish, "-a doctor") {
		t.Error(fish)
	}
}

// TestConfigShow: each value with where it comes from, and no secret.
func TestConfigShow(t *testing.T) {
	file := filepath.Join(t.TempDir(), "rmp.toml")
	if err := os.WriteFile(file, []byte("log-level = \"warn\"\n[cgp]\nadmin = \"chief\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("RMP_PUBLIC_URL", "https://rooms.example.org")
	t.Setenv("RMP_DB", "postgres://rmp:hunter2@db/rmp")
	out := printed(t, "config", "show", "--config", file, "--listen", ":9", "--cgp.admin-password", "hunter3")
	for key, want := range map[string]string{"listen": ":9 flag", "log-level": "warn file", "cgp.admin": "chief file", "public-url": "https://rooms.example.org environment", "keep": "5m0s default",
		"cgp.admin-password": "set flag", "secret-key": "not set", "db": "postgres://rmp:xxxxx@db/rmp environment"} {
		found := ""
		for line := range strings.Lines(out) {
			if f := strings.Fields(line); len(f) > 0 && f[0] == key {
				found = strings.Join(f[1:], " ")
			}
		}
		if found != want {
			t.Errorf("%s: %q, not %q", key, found, want)
		}
	}
	if strings.Contains(out, "hunter") {
		t.Error("a secret is shown:", out)
	}
}

// TestPasswordsOfDatabasesAreMasked: in each form in which PostgreSQL takes
// them.
func TestPasswordsOfDatabasesAreMasked(t *testing.T) {
	for value, want := range map[string]string{
		"postgres://rmp:hunter2@db/rmp":                          "postgres://rmp:xxxxx@db/rmp",
		"postgres://rmp@db/rmp?password=hunter2&sslmode=disable": "postgres://rmp@db/rmp?password=xxxxx&sslmode=disable",
		"postgres://rmp@db/rmp?sslpassword=hunter2":              "postgres://rmp@db/rmp?sslpassword=xxxxx",
		"host=db user=rmp password=hunter2 dbname=rmp":           "host=db user=rmp password=xxxxx dbname=rmp",
		`host=db password = 'hunter2 \' and more' dbname=rmp`:    "host=db password = xxxxx dbname=rmp",
		"rmp.db": "rmp.db",
	} {
		if got := withoutPasswords(value); got != want {
			t.Errorf("%s: %s, want %s", value, got, want)
		}
	}
}

// TestUnknownKeysAreRefused: a key that no command has is a mistake that is
// named, also in a table; a key of another command is none.
func TestUnknownKeysAreRefused(t *testing.T) {
	for text, want := range map[string]string{
		"listn = \":9\"\n":                      "there is no key listn",
		"[cgp]\nhots = \"mail\"\n":              "there is no key cgp.hots",
		"log-level = \"warn\"\nlisten = \":9\"": "",
	} {
		file := filepath.Join(t.TempDir(), "rmp.toml")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		err := run(t.Context(), []string{"config", "show", "--config", file}, io.Discard, app.Program{})
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}
