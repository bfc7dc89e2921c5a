package guard

import (
	"go/ast"
	"path"
	"regexp"
	"strings"
	"testing"
)

const maxLines = 600

func TestFilesHaveOneTopic(t *testing.T) {
	sources(t, func(s source) {
		if n := strings.Count(s.text, "\n"); n > maxLines && !ast.IsGenerated(s.ast) {
			t.Errorf("%s has %d lines: look for a second topic", s.file, n)
		}
	})
}

// A test that sleeps is slow when the machine is fast and wrong when it is
// slow; a test that skips says "passed" of what it did not look at.
func TestTestsNeitherSleepNorSkip(t *testing.T) {
	sources(t, func(s source) {
		if !s.test {
			return
		}
		ast.Inspect(s.ast, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			sel, ok := call.Fun.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			on, ok := sel.X.(*ast.Ident)
			if !ok {
				return true
			}
			switch {
			case on.Name == "time" && sel.Sel.Name == "Sleep":
				t.Errorf("%s sleeps: wait for the event", s.at(n))
			case (on.Name == "t" || on.Name == "tb" || on.Name == "b" || on.Name == "f" || on.Name == "rt") &&
				(sel.Sel.Name == "Skip" || sel.Sel.Name == "Skipf" || sel.Sel.Name == "SkipNow"):
				t.Errorf("%s skips: bring what it needs, or fail", s.at(n))
			}
			return true
		})
	})
}

var browserSkip = regexp.MustCompile(`\b(test|it|describe)\.(skip|only|todo)\b`)

func TestBrowserTestsDoNotSkip(t *testing.T) {
	texts(t, func(file, text string) {
		switch path.Ext(file) {
		case ".ts", ".js", ".mjs", ".svelte":
			if found := browserSkip.FindString(text); found != "" {
				t.Errorf("%s has %s", file, found)
			}
		}
	})
}

// A package comment says what the package is, what it is not, and what must
// stay true in it.
func TestPackagesSayWhatTheyAre(t *testing.T) {
	has := map[string]bool{}
	sources(t, func(s source) {
		if strings.HasSuffix(s.ast.Name.Name, "_test") && s.test {
			return // the tests of a package from outside
		}
		has[s.dir] = has[s.dir] || s.ast.Doc != nil && len(s.ast.Doc.Text()) > 40
	})
	for dir, ok := range has {
		if !ok {
			t.Errorf("%s has no package comment", dir)
		}
	}
}

// Sources are read on other machines, long after: a path of somebody's
// computer and the number of a ticket mean nothing there.
var strange = []struct {
	what string
	re   *regexp.Regexp
}{
	{"a path of somebody's computer", regexp.MustCompile(`(^|[^A-Za-z0-9_.:/*~}])/(home|Users|root|work|mnt)/`)},
	{"a path of somebody's computer", regexp.MustCompile(`\b[A-Z]:\\Users\\`)},
	{"a path out of the repository", regexp.MustCompile(`\.\./(\.\./)*shared\b`)},
	{"the number of a ticket", regexp.MustCompile(`(?i)\bissue\s+#?\d`)},
}

func TestSourcesStandAlone(t *testing.T) {
	texts(t, func(file, text string) {
		for i, line := range strings.Split(text, "\n") {
			for _, s := range strange {
				if s.re.MatchString(line) {
					t.Errorf("%s:%d has %s: %s", file, i+1, s.what, strings.TrimSpace(line))
				}
			}
		}
	})
}
