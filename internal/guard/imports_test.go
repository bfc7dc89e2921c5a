package guard

import (
	"strconv"
	"strings"
	"testing"
)

// A layer is a set of folders that may import the same things of this
// repository; what is not said is forbidden.
type layer struct {
	name string
	dirs []string
	may  []string // layers, by name
	// never are packages of the standard library that would bring in a
	// technology the layer is to be free of.
	never []string
}

var technologies = []string{"net", "net/http", "database/sql", "os", "os/exec"}

// layers is the rule of docs/architecture.md: cmd → app → ways in, adapters →
// domain → calendar; adapters → communigate → calendar. A package belongs to
// the layer with the longest matching folder.
var layers = []layer{
	{name: "xml", dirs: []string{"xmlnode"}, never: technologies},
	{name: "calendar", dirs: []string{"calendar"}, may: []string{"calendar", "xml"}, never: technologies},
	{name: "communigate", dirs: []string{"communigate"}, may: []string{"communigate", "calendar", "xml"}},

	{name: "words", dirs: []string{"internal/fault", "internal/secret", "internal/trail", "internal/wording"}, never: technologies},
	{name: "domain", dirs: []string{"internal/tenant", "internal/directory", "internal/booking", "internal/availability", "internal/gatekeeper", "internal/events", "internal/audit", "internal/userimport", "internal/resourceimport", "internal/people"},
		may: []string{"domain", "words", "calendar"}, never: technologies},

	{name: "demo", dirs: []string{"internal/demo"}, may: []string{"domain", "words", "calendar"}, never: technologies},
	{name: "adapters", dirs: []string{"internal/groupware", "internal/store", "internal/outbox", "internal/reconcile", "internal/notify", "internal/oidc"},
		may: []string{"adapters", "demo", "domain", "words", "communigate", "calendar", "xml"}},

	{name: "webauth", dirs: []string{"internal/webauth"}, may: []string{"domain", "words"}, never: []string{"database/sql"}},
	{name: "api", dirs: []string{"internal/api"}, may: []string{"webauth", "domain", "words", "calendar"}, never: []string{"database/sql"}},
	{name: "site", dirs: []string{"internal/site"}, may: []string{"webauth", "domain", "words", "calendar"}, never: []string{"database/sql"}},
	{name: "mcp", dirs: []string{"internal/mcp"}, may: []string{"webauth", "domain", "words", "calendar"}, never: []string{"database/sql"}},
	{name: "panel", dirs: []string{"internal/panel"}, may: []string{"webauth", "domain", "words", "calendar"}, never: []string{"database/sql"}},
	{name: "web", dirs: []string{"web"}},

	{name: "config", dirs: []string{"internal/config"}, may: []string{"words"}, never: technologies},
	{name: "app", dirs: []string{"internal/app", "internal/doctor", "internal/telemetry", "internal/console"},
		may: []string{"app", "config", "demo", "api", "site", "mcp", "panel", "web", "webauth", "adapters", "domain", "words", "communigate", "calendar", "xml"}},
	{name: "cmd", dirs: []string{"cmd"}, may: []string{"app", "config", "api"}},

	{name: "tools", dirs: []string{"tools"}},

	{name: "tests", dirs: []string{"e2e", "bench", "internal/guard"},
		may: []string{"tests", "words", "adapters", "communigate", "calendar", "xml"}},
}

func layerOf(dir string) (found layer, ok bool) {
	longest := -1
	for _, l := range layers {
		for _, d := range l.dirs {
			if below(dir, d) && len(d) > longest {
				found, ok, longest = l, true, len(d)
			}
		}
	}
	return found, ok
}

func TestImportsPointOneWay(t *testing.T) {
	held := map[string]bool{}
	sources(t, func(s source) {
		l, ok := layerOf(s.dir)
		if !ok {
			t.Errorf("%s belongs to no layer: add its folder to one in internal/guard/imports_test.go and in docs/architecture.md", s.file)
			return
		}
		held[l.name] = true
		for _, i := range s.ast.Imports {
			p, err := strconv.Unquote(i.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			if why := forbidden(l, s.test, p); why != "" {
				t.Errorf("%s imports %s: %s", s.at(i), p, why)
			}
		}
	})
	for _, name := range []string{"xml", "calendar", "communigate", "words", "domain", "adapters", "api", "site", "app", "cmd"} {
		if !held[name] {
			t.Errorf("the rule for the layer %s holds nothing", name)
		}
	}
}

// forbidden says why a file of the layer must not import p; empty if it may.
// Tests may wire up what they test, but a library's tests must still run
// without the product.
func forbidden(l layer, test bool, p string) string {
	library := l.name == "xml" || l.name == "calendar" || l.name == "communigate"
	if test {
		if library && below(p, "rmp/internal") {
			return "a library knows nothing of the product, in its tests neither"
		}
		return ""
	}
	for _, n := range l.never {
		if p == n {
			return "the layer " + l.name + " is free of this technology"
		}
	}
	dir, ours := strings.CutPrefix(p, "rmp/")
	if !ours {
		return ""
	}
	to, ok := layerOf(dir)
	if !ok {
		return "it belongs to no layer"
	}
	for _, m := range l.may {
		if m == to.name {
			return ""
		}
	}
	if l.name == to.name && (below(dir, l.dirs[0]) || len(l.dirs) == 1) {
		return "" // sub-packages of one folder
	}
	return "the layer " + l.name + " does not import the layer " + to.name
}

// The rule is only as good as its reading; this holds the examples that the
// architecture names.
func TestTheImportRuleSaysNo(t *testing.T) {
	for _, c := range []struct {
		dir  string
		test bool
		p    string
		ok   bool
	}{
		{"internal/api", false, "rmp/internal/store", false},
		{"internal/api", false, "rmp/internal/groupware", false},
		{"internal/api", false, "rmp/internal/site", false},
		{"internal/api", false, "rmp/communigate/ximss", false},
		{"internal/api", false, "rmp/internal/booking", true},
		{"internal/api", true, "rmp/internal/store", true},
		{"internal/booking", false, "net/http", false},
		{"internal/booking", false, "database/sql", false},
		{"internal/booking", false, "rmp/internal/outbox", false},
		{"internal/booking", false, "net/mail", true},
		{"internal/booking", false, "rmp/calendar/recurrence", true},
		{"internal/groupware", false, "rmp/communigate/ximss", true},
		{"internal/groupware", false, "rmp/internal/api", false},
		{"internal/store/pgtest", false, "rmp/internal/app", false},
		{"communigate/standin/backend", false, "rmp/calendar/ical", true},
		{"communigate/standin", true, "rmp/internal/fault", false},
		{"calendar/ical", false, "rmp/communigate/dataformat", false},
		{"xmlnode", false, "rmp/calendar/zone", false},
		{"internal/app", false, "rmp/internal/api", true},
		{"internal/store", false, "rmp/internal/app", false},
		{"cmd/rmp", false, "rmp/internal/store", false},
	} {
		l, found := layerOf(c.dir)
		if !found {
			t.Errorf("%s belongs to no layer", c.dir)
			continue
		}
		if why := forbidden(l, c.test, c.p); (why == "") != c.ok {
			t.Errorf("%s (test: %v) importing %s: allowed %v, want %v (%s)", c.dir, c.test, c.p, why == "", c.ok, why)
		}
	}
}
