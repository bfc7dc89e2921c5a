package guard

import (
	"go/ast"
	"go/token"
	"strconv"
	"strings"
	"testing"

	"rmp/internal/wording"
)

// spoken are the folders whose texts people in the web app may read. What the
// command line alone says is English.
var spoken = []string{"internal/api", "internal/availability", "internal/booking", "internal/directory", "internal/gatekeeper",
	"internal/groupware", "internal/oidc", "internal/people", "internal/resourceimport"}

// formatAt says which argument of a call is the format of a text.
var formatAt = map[string]int{"fault.New": 1, "fault.Wrap": 2, "fault.InvalidField": 1, "Add": 1}

// TestTextsAreSaidInEachLanguage: every format of an error, a refusal or a
// problem of a file that is imported has its words in German.
func TestTextsAreSaidInEachLanguage(t *testing.T) {
	found := 0
	sources(t, func(s source) {
		if !belowAny(s.dir, spoken) || strings.HasSuffix(s.file, "_test.go") {
			return
		}
		ast.Inspect(s.ast, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			name, prefix := called(call), ""
			at, ok := formatAt[name]
			switch {
			case name == "refuse": // the name of the resource comes first
				at, prefix = firstText(call), "%s "
			case name == "bad" && s.dir == "internal/resourceimport":
				at = 0
			case !ok:
				return true
			}
			if at < 0 || at >= len(call.Args) {
				return true
			}
			format, ok := literal(call.Args[at])
			if !ok || !strings.Contains(format, " ") {
				return true
			}
			found++
			if !wording.Known(prefix + format) {
				t.Errorf("%s: internal/wording has no words for %q", s.at(call), prefix+format)
			}
			return true
		})
	})
	if found < 200 {
		t.Errorf("only %d formats were found: this test looks wrongly", found)
	}
}

// called is the name of what is called: of a function of the package fault
// with the package, else alone.
func called(call *ast.CallExpr) string {
	switch f := call.Fun.(type) {
	case *ast.SelectorExpr:
		if x, ok := f.X.(*ast.Ident); ok && x.Name == "fault" {
			return "fault." + f.Sel.Name
		}
		return f.Sel.Name
	case *ast.Ident:
		return f.Name
	}
	return ""
}

func literal(e ast.Expr) (string, bool) {
	l, ok := e.(*ast.BasicLit)
	if !ok || l.Kind != token.STRING {
		return "", false
	}
	text, err := strconv.Unquote(l.Value)
	return text, err == nil
}

// firstText is the first argument that is a text of several words; -1: none.
func firstText(call *ast.CallExpr) int {
	for i, a := range call.Args {
		if text, ok := literal(a); ok && strings.Contains(text, " ") {
			return i
		}
	}
	return -1
}

func belowAny(dir string, list []string) bool {
	for _, d := range list {
		if below(dir, d) {
			return true
		}
	}
	return false
}
