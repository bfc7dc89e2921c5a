//go:build e2e

package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestAPIGuide runs the examples of docs/api-guide.md as they stand there, one
// line after the other, and compares each with the status behind it.
func TestAPIGuide(t *testing.T) {
	p := start(t, running, "serve", "--data", t.TempDir(), "--listen", "127.0.0.1:0")
	guide, err := os.ReadFile("../docs/api-guide.md")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	status := filepath.Join(dir, "status")
	var script strings.Builder
	script.WriteString("curl() { command curl -w '%{stderr}%{http_code}\\n' \"$@\" 2>>" + status + "; }\n")
	type example struct{ line, status string }
	var examples []example
	expected := regexp.MustCompile(` # (\d{3})$`)
	for _, block := range regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(string(guide), -1) {
		for line := range strings.SplitSeq(strings.TrimSpace(block[1]), "\n") {
			line = strings.ReplaceAll(line, "http://127.0.0.1:8080", p.url)
			if m := expected.FindStringSubmatch(line); m != nil {
				examples = append(examples, example{line, m[1]})
			} else if strings.Contains(line, "curl") {
				t.Errorf("no status behind: %s", line)
			}
			script.WriteString(line + "\n")
		}
	}
	cmd := exec.CommandContext(t.Context(), "bash", "-u", "-c", script.String())
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	text, err := os.ReadFile(status)
	if err != nil {
		t.Fatal(err)
	}
	got := strings.Fields(string(text))
	if len(got) != len(examples) || len(got) < 30 {
		t.Fatalf("%d answers to %d examples\n%s", len(got), len(examples), out)
	}
	for i, e := range examples {
		if got[i] != e.status {
			t.Errorf("%s: %s", got[i], e.line)
		}
	}
}
