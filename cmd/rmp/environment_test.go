package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"
)

// parse reads a command line as run does, without running it.
func parse(t *testing.T, args ...string) (c commands, err error) {
	t.Helper()
	k, err := parser(&c, kong.Exit(func(int) { t.Error("exit") }))
	if err != nil {
		t.Fatal(err)
	}
	_, err = k.Parse(args)
	return c, err
}

func file(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "value")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// Flags come before variables, a variable or its file before the
// configuration file, and that before the default.
func TestWhatComesFirst(t *testing.T) {
	toml := file(t, "listen = \"toml:1\"\n[cgp]\nadmin = \"toml\"\n")
	for _, c := range []struct {
		name string
		env  map[string]string
		args []string
		want string
	}{
		{"default", nil, nil, "127.0.0.1:8080"},
		{"file", map[string]string{"RMP_CONFIG": toml}, nil, "toml:1"},
		{"variable before file", map[string]string{"RMP_CONFIG": toml, "RMP_LISTEN": "env:1"}, nil, "env:1"},
		{"variable's file before file", map[string]string{"RMP_CONFIG": toml, "RMP_LISTEN_FILE": file(t, "secret:1\n")}, nil, "secret:1"},
		{"flag before all", map[string]string{"RMP_CONFIG": toml, "RMP_LISTEN": "env:1"}, []string{"--listen=flag:1"}, "flag:1"},
		{"flag before variable's file", map[string]string{"RMP_LISTEN_FILE": file(t, "secret:1")}, []string{"--listen", "flag:1"}, "flag:1"},
		{"an empty name of a file is none", map[string]string{"RMP_CONFIG": toml, "RMP_LISTEN_FILE": ""}, nil, "toml:1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			for k, v := range c.env {
				t.Setenv(k, v)
			}
			got, err := parse(t, append([]string{"serve"}, c.args...)...)
			if err != nil {
				t.Fatal(err)
			}
			if got.Serve.Listen != c.want {
				t.Errorf("listen is %q, want %q", got.Serve.Listen, c.want)
			}
		})
	}
}

func TestSecretsComeFromFiles(t *testing.T) {
	t.Setenv("RMP_DB_FILE", file(t, "postgres://rmp:a,b%20c@db/rmp\r\n"))
	t.Setenv("RMP_SECRET_KEY_FILE", file(t, "AAAA\n"))
	t.Setenv("RMP_SECRET_KEY_OLD_FILE", file(t, "BBBB\nCCCC\n"))
	t.Setenv("RMP_CGP_ADMIN_PASSWORD_FILE", file(t, " two words, kept \n"))
	t.Setenv("RMP_DRAIN_FILE", file(t, "7s\n"))
	c, err := parse(t, "serve")
	if err != nil {
		t.Fatal(err)
	}
	s := c.Serve
	if s.DB != "postgres://rmp:a,b%20c@db/rmp" || s.SecretKey.Reveal() != "AAAA" || s.CGP.AdminPassword.Reveal() != " two words, kept " || s.Drain.Seconds() != 7 {
		t.Errorf("db %q, key %q, password %q, drain %v", s.DB, s.SecretKey.Reveal(), s.CGP.AdminPassword.Reveal(), s.Drain)
	}
	if len(s.SecretKeyOld) != 2 || s.SecretKeyOld[0].Reveal() != "BBBB" || s.SecretKeyOld[1].Reveal() != "CCCC" {
		t.Errorf("%d old keys", len(s.SecretKeyOld))
	}
	// The tools take them the same way, required ones too.
	if c, err = parse(t, "keys", "rotate"); err != nil || c.Keys.Rotate.SecretKey.Reveal() != "AAAA" {
		t.Errorf("rmp keys: %v", err)
	}
	t.Setenv("RMP_STANDIN_ADMIN_PASSWORD_FILE", file(t, "pw"))
	if c, err = parse(t, "standin"); err != nil || c.Standin.AdminPassword.Reveal() != "pw" {
		t.Errorf("rmp standin: %v", err)
	}
}

func TestFilesThatCannotBeRead(t *testing.T) {
	for _, c := range []struct{ name, variable, file, want string }{
		{"missing", "", filepath.Join(t.TempDir(), "none"), "RMP_SECRET_KEY_FILE"},
		{"empty", "", file(t, "\n"), "is empty"},
		{"both", "AAAA", file(t, "BBBB"), "both set"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Setenv("RMP_SECRET_KEY", c.variable)
			t.Setenv("RMP_SECRET_KEY_FILE", c.file)
			_, err := parse(t, "serve")
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("err = %v, want one with %q", err, c.want)
			}
			if strings.Contains(err.Error(), "AAAA") || strings.Contains(err.Error(), "BBBB") {
				t.Errorf("the error shows the secret: %v", err)
			}
		})
	}
}

// Numbers in the configuration file are what they are for flags; a duration
// needs its unit.
func TestNumbersOfTheFile(t *testing.T) {
	t.Setenv("RMP_CONFIG", file(t, "listen = 5\n[cgp]\nsessions = 7\ntimeout = \"5s\"\n"))
	got, err := parse(t, "serve")
	if err != nil || got.Serve.Listen != "5" || got.Serve.CGP.Sessions != 7 || got.Serve.CGP.Timeout != 5*time.Second {
		t.Errorf("%+v, %v", got.Serve.CGP, err)
	}
	t.Setenv("RMP_CONFIG", file(t, "[cgp]\ntimeout = 5\n"))
	if _, err := parse(t, "serve"); err == nil || !strings.Contains(err.Error(), `cgp.timeout: 5 has no unit; write it as "5s"`) {
		t.Errorf("a duration without a unit: %v", err)
	}
}

// A variable that only looks like RMP's is told.
func TestUnknownVariables(t *testing.T) {
	var c commands
	k, err := parser(&c)
	if err != nil {
		t.Fatal(err)
	}
	got := unknownVariables(k.Model.Node, []string{"RMP_CGP_HOTS=x", "RMP_CGP_HOST=y", "RMP_DB_FILE=z", "RMP_PROBE_PASSWORD=p", "RMP_CONFIG=f", "PATH=p", "RMP_LISTN_FILE="})
	if strings.Join(got, " ") != "RMP_CGP_HOTS RMP_LISTN_FILE" {
		t.Error(got)
	}
}
