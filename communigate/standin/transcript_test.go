package standin_test

import (
	"bufio"
	"flag"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"

	"rmp/communigate/standin"
	"rmp/communigate/standin/backend"
	"rmp/communigate/standin/cliserver"
)

var record = flag.Bool("record", false, "write what the server answers into the transcripts")

// changing are the parts of an answer that are different each time.
var changing = regexp.MustCompile(`UIDValidity=#\d+|#T\d\d-\d\d-\d{4}_\d\d:\d\d:\d\d|\d{6}-[A-Z0-9]{20}|<[A-Z0-9]{6}\.\d+@`)

// TestTranscripts plays the client's side of each transcript, one section of
// a file after the other on connections of their own to one server, and
// compares the answers. A section is named for the account that speaks. The
// comment of the file names the mode.
func TestTranscripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal(err, files)
	}
	used := map[string]bool{}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			mode := backend.Strict
			for line := range strings.SplitSeq(string(archive.Comment), "\n") {
				if name, ok := strings.CutPrefix(line, "mode: "); ok {
					if mode, err = backend.ParseMode(name); err != nil {
						t.Fatal(err)
					}
				}
			}
			s := start(t, func(c *standin.Config) { c.Mode = mode })
			changed := false
			for i, section := range archive.Files {
				account, _, _ := strings.Cut(section.Name, " ")
				got := play(t, s, account, string(section.Data), used)
				if got != string(section.Data) {
					if !*record {
						t.Errorf("%s:\n%s", section.Name, firstDifference(string(section.Data), got))
					}
					archive.Files[i].Data, changed = []byte(got), true
				}
			}
			if *record && changed {
				if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
	for _, name := range cliserver.Commands() {
		if !used[name] && name != "STLS" { // which TestSTLS has
			t.Errorf("no transcript has the command %s", name)
		}
	}
}

func firstDifference(want, got string) string {
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range g {
		if i >= len(w) || w[i] != g[i] {
			had := "the end"
			if i < len(w) {
				had = w[i]
			}
			before := ""
			if i > 0 {
				before = g[i-1] + "\n"
			}
			return fmt.Sprintf("%swant %s\ngot  %s", before, had, g[i])
		}
	}
	return "the answers end too soon"
}

// play sends the lines that begin with "C: " and answers the section with
// what came back. A line of the server is read for each; "C+ " sends without
// waiting, "R" reads one more line, "C: (login)" signs in.
func play(t *testing.T, s *server, account, section string, used map[string]bool) string {
	t.Helper()
	_, _, addr := s.Addrs()
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close() //nolint:errcheck // the test is over
	if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	r := bufio.NewReader(conn)
	var out strings.Builder
	read := func() string {
		line, err := r.ReadString('\n')
		if err != nil {
			t.Fatalf("%s: %v after\n%s", account, err, out.String())
		}
		if !strings.HasSuffix(line, "\r\n") {
			t.Errorf("%q does not end in CR LF", line)
		}
		return changing.ReplaceAllStringFunc(strings.TrimRight(line, "\r\n"), func(s string) string {
			if name, _, ok := strings.Cut(s, "="); ok {
				return name + "=#1"
			}
			switch s[0] {
			case '#':
				return "#T22-10-2009_15:24:45"
			case '<':
				return "<1.1@"
			}
			return "SESSION"
		})
	}
	send := func(line string) {
		word, _, _ := strings.Cut(line, " ")
		used[strings.ToUpper(word)] = true
		if _, err := conn.Write([]byte(line + "\n")); err != nil {
			t.Fatal(err)
		}
	}
	greeting := read()
	session := ""
	for line := range strings.SplitSeq(strings.TrimSuffix(section, "\n"), "\n") {
		switch {
		case strings.HasPrefix(line, "S: "):
		case line == "G":
			fmt.Fprintf(&out, "G\nS: %s\n", greeting)
		case line == "C: (login)":
			send("USER " + account)
			read()
			send("PASS " + password)
			fmt.Fprintf(&out, "%s\nS: %s\n", line, read())
			send("INLINE")
			read()
		case strings.HasPrefix(line, "C+ "):
			send(line[3:])
			fmt.Fprintln(&out, line)
		case strings.HasPrefix(line, "C: "):
			send(strings.ReplaceAll(line[3:], "(session)", session))
			raw := read()
			fmt.Fprintf(&out, "%s\nS: %s\n", line, raw)
		case line == "R":
			fmt.Fprintf(&out, "R\nS: %s\n", read())
		default:
			fmt.Fprintln(&out, line)
		}
	}
	return out.String()
}
