// Package guard holds the rules of the house that a compiler does not.
package guard

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

const root = "../.."

// goFiles gives every Go file of the repository to fn, with its folder.
func goFiles(t *testing.T, fn func(dir, file string)) {
	t.Helper()
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "node_modules" || strings.HasPrefix(d.Name(), ".") && p != root) {
			return filepath.SkipDir
		}
		if strings.HasSuffix(p, ".go") {
			rel, err := filepath.Rel(root, p)
			if err != nil {
				return err
			}
			fn(path.Dir(filepath.ToSlash(rel)), p)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// rules say what the packages below a folder must not import.
var rules = []struct{ dir, not, why string }{
	{"xmlnode", "rmp/", "a library stands alone"},
	{"calendar", "rmp/internal", "a library knows nothing of the product"},
	{"calendar", "rmp/communigate", "imports point to the calendar, not from it"},
	{"communigate", "rmp/internal", "a library knows nothing of the product"},
	{"internal/booking", "net/http", "the domain has no HTTP"},
	{"internal/booking", "database/sql", "the domain has no SQL"},
	{"internal/booking", "rmp/communigate", "the domain has no wires"},
	{"internal/availability", "net/http", "the domain has no HTTP"},
	{"internal/availability", "database/sql", "the domain has no SQL"},
	{"internal/availability", "rmp/communigate", "the domain has no wires"},
	{"internal/gatekeeper", "net/http", "the domain has no HTTP"},
	{"internal/gatekeeper", "database/sql", "the domain has no SQL"},
	{"internal/directory", "net/http", "the domain has no HTTP"},
	{"internal/tenant", "net/http", "the domain has no HTTP"},
	{"internal/api", "rmp/internal/store", "ways in do not know adapters"},
	{"internal/api", "rmp/internal/groupware", "ways in do not know adapters"},
	{"internal/api", "rmp/internal/outbox", "ways in do not know adapters"},
	{"internal/api", "rmp/internal/site", "ways in do not know each other"},
	{"internal/site", "rmp/internal/store", "ways in do not know adapters"},
	{"internal/site", "rmp/internal/groupware", "ways in do not know adapters"},
	{"internal/site", "rmp/internal/api", "ways in do not know each other"},
}

func TestImportsPointOneWay(t *testing.T) {
	seen := map[string]bool{}
	goFiles(t, func(dir, file string) {
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range rules {
			if dir != r.dir && !strings.HasPrefix(dir, r.dir+"/") {
				continue
			}
			seen[r.dir] = true
			for _, i := range f.Imports {
				p, err := strconv.Unquote(i.Path.Value)
				if err != nil {
					t.Fatal(err)
				}
				if p == r.not || strings.HasPrefix(p, strings.TrimSuffix(r.not, "/")+"/") {
					t.Errorf("%s imports %s: %s", file, p, r.why)
				}
			}
		}
	})
	for _, r := range rules {
		if !seen[r.dir] {
			t.Errorf("the rule for %s holds nothing", r.dir)
		}
	}
}

func TestFilesHaveOneTopic(t *testing.T) {
	goFiles(t, func(_, file string) {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(string(b), "\n"); n > 600 {
			t.Errorf("%s has %d lines: look for a second topic", file, n)
		}
		if strings.HasSuffix(file, "_test.go") && strings.Contains(string(b), "time."+"Sleep(") {
			t.Errorf("%s sleeps; wait for the event", file)
		}
	})
}

func TestDependenciesHaveReasons(t *testing.T) {
	mod, err := os.ReadFile(root + "/go.mod")
	if err != nil {
		t.Fatal(err)
	}
	doc, err := os.ReadFile(root + "/docs/dependencies.md")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for line := range strings.SplitSeq(string(mod), "\n") {
		f := strings.Fields(line)
		if !strings.HasPrefix(line, "\t") || len(f) != 2 {
			continue // indirect ones carry a comment
		}
		n++
		if !strings.Contains(string(doc), "| `"+f[0]+"` | "+f[1]+" |") {
			t.Errorf("docs/dependencies.md has no line of reason for %s %s", f[0], f[1])
		}
	}
	if n == 0 {
		t.Error("go.mod names no direct dependency: this test reads it wrongly")
	}
}

func TestConfigurationIsDocumented(t *testing.T) {
	src, err := os.ReadFile(root + "/internal/config/config.go")
	if err != nil {
		t.Fatal(err)
	}
	doc, err := os.ReadFile(root + "/docs/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, part := range strings.Split(string(src), `env:"`)[1:] {
		name, _, _ := strings.Cut(part, `"`)
		n++
		if !strings.Contains(string(doc), "`"+name+"`") {
			t.Errorf("docs/configuration.md does not name %s", name)
		}
	}
	if n == 0 {
		t.Error("no key was found: this test reads the configuration wrongly")
	}
}
