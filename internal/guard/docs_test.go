package guard

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode"
)

// module is a line of a go.mod.
type module struct {
	version  string
	indirect bool
}

// modules reads the requirements of a go.mod.
func modules(t *testing.T, file string) (required map[string]module) {
	t.Helper()
	required = map[string]module{}
	block := ""
	for line := range strings.SplitSeq(read(t, file), "\n") {
		line, comment, _ := strings.Cut(line, "//")
		f := strings.Fields(line)
		switch {
		case len(f) == 0:
			continue
		case f[0] == ")":
			block = ""
			continue
		case len(f) == 2 && f[1] == "(":
			block = f[0]
			continue
		case block == "":
			block, f = f[0], f[1:]
			defer func(b string) { block = b }("")
		}
		if block == "require" && len(f) == 2 {
			required[f[0]] = module{f[1], strings.TrimSpace(comment) == "indirect"}
		}
		if strings.HasPrefix(line, "\t") {
			continue
		}
		block = ""
	}
	return required
}

// moduleOf answers the module that provides a package.
func moduleOf(required map[string]module, pkg string) string {
	best := ""
	for m := range required {
		if below(pkg, m) && len(m) > len(best) {
			best = m
		}
	}
	return best
}

// reasons reads the tables of docs/dependencies.md: name to version.
func reasons(t *testing.T) map[string]string {
	t.Helper()
	row := regexp.MustCompile("(?m)^\\| `([^`]+)` \\| ([^ |]+) \\| (.+) \\|$")
	out := map[string]string{}
	for _, m := range row.FindAllStringSubmatch(read(t, "docs/dependencies.md"), -1) {
		out[m[1]] = m[2]
	}
	return out
}

func TestDependenciesHaveReasons(t *testing.T) {
	documented := reasons(t)
	used := map[string]string{} // what the tables should hold

	required := modules(t, "go.mod")
	sources(t, func(s source) {
		for _, i := range s.ast.Imports {
			p, err := strconv.Unquote(i.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			if m := moduleOf(required, p); m != "" {
				used[m] = required[m].version
				if required[m].indirect {
					t.Errorf("%s imports %s, which go.mod calls indirect", s.at(i), p)
				}
			}
		}
	})
	if len(used) == 0 {
		t.Error("no import of a module was found: this test reads go.mod wrongly")
	}
	for m, r := range required {
		if used[m] == "" && !r.indirect {
			t.Errorf("go.mod requires %s, which nothing imports", m)
		}
	}

	tool := regexp.MustCompile(`(?m)^tool (\S+)$`).FindStringSubmatch(read(t, "tools/lint/go.mod"))
	if tool == nil {
		t.Fatal("tools/lint/go.mod names no tool")
	}
	tools := modules(t, "tools/lint/go.mod")
	linter := moduleOf(tools, tool[1])
	used[linter] = tools[linter].version

	var npm struct{ Dependencies, DevDependencies map[string]string }
	if err := json.Unmarshal([]byte(read(t, "web/package.json")), &npm); err != nil {
		t.Fatal(err)
	}
	exact := regexp.MustCompile(`^\d+\.\d+\.\d+(-[0-9A-Za-z.]+)?$`)
	for _, list := range []map[string]string{npm.Dependencies, npm.DevDependencies} {
		for name, version := range list {
			used[name] = version
			if !exact.MatchString(version) {
				t.Errorf("web/package.json: %s %s is not an exact version", name, version)
			}
		}
	}

	for name, version := range used {
		if documented[name] != version {
			t.Errorf("docs/dependencies.md: want a line of reason for `%s` | %s (there is %q)", name, version, documented[name])
		}
	}
	for name, version := range documented {
		if _, ok := used[name]; !ok && !strings.HasPrefix(name, "@embedded-postgres/") {
			t.Errorf("docs/dependencies.md explains `%s` | %s, which is not used", name, version)
		}
	}
}

// key is one setting of the program.
type key struct{ name, env, standard string }

// keys reads the settings from the structs of internal/config, as the command
// line does: the name of a field in kebab case, or its name tag, after the
// prefixes of the structs it is embedded by.
func keys(t *testing.T) (out []key) {
	t.Helper()
	structs := map[string]*ast.StructType{}
	f, err := parser.ParseFile(token.NewFileSet(), "config.go", read(t, "internal/config/config.go"), 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(f, func(n ast.Node) bool {
		if spec, ok := n.(*ast.TypeSpec); ok {
			if s, ok := spec.Type.(*ast.StructType); ok {
				structs[spec.Name.Name] = s
			}
		}
		return true
	})
	var walk func(s *ast.StructType, prefix string)
	walk = func(s *ast.StructType, prefix string) {
		for _, field := range s.Fields.List {
			if field.Tag == nil || len(field.Names) != 1 {
				t.Errorf("a field of the configuration has no tag or no name of its own")
				continue
			}
			text, err := strconv.Unquote(field.Tag.Value)
			if err != nil {
				t.Fatal(err)
			}
			tag := reflect.StructTag(text)
			if _, embedded := tag.Lookup("embed"); embedded {
				walk(structs[field.Type.(*ast.Ident).Name], prefix+tag.Get("prefix"))
				continue
			}
			name := tag.Get("name")
			if name == "" {
				name = kebab(field.Names[0].Name)
			}
			if tag.Get("help") == "" || tag.Get("env") == "" {
				t.Errorf("the setting %s has no help or no variable", prefix+name)
			}
			out = append(out, key{prefix + name, tag.Get("env"), tag.Get("default")})
		}
	}
	for _, top := range []string{"Serve", "Standin", "Probe"} {
		if structs[top] == nil {
			t.Fatalf("internal/config has no struct %s", top)
		}
		walk(structs[top], "")
	}
	return out
}

// kebab is a Go name in the form of a flag: StandinHTTP is standin-http.
func kebab(name string) string {
	r := []rune(name)
	var b strings.Builder
	for i, c := range r {
		if i > 0 && unicode.IsUpper(c) && (unicode.IsLower(r[i-1]) || i+1 < len(r) && unicode.IsLower(r[i+1])) {
			b.WriteByte('-')
		}
		b.WriteRune(unicode.ToLower(c))
	}
	return b.String()
}

func TestConfigurationIsDocumented(t *testing.T) {
	doc := read(t, "docs/configuration.md")
	known := map[string]bool{"RMP_CONFIG": true}
	for _, k := range keys(t) {
		known[k.env] = true
		standard := ""
		if k.standard != "" {
			standard = "`" + k.standard + "`"
		}
		if want := "| `" + k.name + "` | `" + k.env + "` | " + standard + " |"; !strings.Contains(doc, want) {
			t.Errorf("docs/configuration.md has no row %s", want)
		}
	}
	if len(known) < 10 {
		t.Errorf("only %d settings were found: this test reads the configuration wrongly", len(known))
	}
	// What documents tell people to set must exist.
	variable := regexp.MustCompile(`\bRMP_[A-Z_]*[A-Z]\b`)
	for _, file := range []string{"docs/configuration.md", "README.md", "docs/architecture.md"} {
		for _, name := range variable.FindAllString(read(t, file), -1) {
			if !known[strings.TrimSuffix(name, "_FILE")] && !known[name] && name != "RMP_CI" && !strings.HasPrefix(name, "RMP_TEST_") {
				t.Errorf("%s names %s, which is no setting", file, name)
			}
		}
	}
}

// Every folder of Go code has its place in the map that a newcomer reads.
func TestArchitectureNamesEveryPackage(t *testing.T) {
	doc := read(t, "docs/architecture.md")
	seen := map[string]bool{}
	sources(t, func(s source) {
		if parts := strings.Split(s.dir, "/"); !seen[s.dir] {
			seen[s.dir] = true
			last := parts[len(parts)-1]
			if !regexp.MustCompile(`\b` + regexp.QuoteMeta(last) + `\b`).MatchString(doc) {
				t.Errorf("docs/architecture.md does not name %s", s.dir)
			}
		}
	})
}

func TestLinksLeadSomewhere(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)#\s]+)(#[^)]*)?\)`)
	n := 0
	texts(t, func(file, text string) {
		if path.Ext(file) != ".md" {
			return
		}
		for _, m := range link.FindAllStringSubmatch(text, -1) {
			if strings.Contains(m[1], "://") || strings.HasPrefix(m[1], "mailto:") {
				continue
			}
			n++
			target := path.Join(path.Dir(file), m[1])
			if strings.HasPrefix(target, "..") {
				t.Errorf("%s links out of the repository: %s", file, m[1])
			} else if _, err := fs.Stat(os.DirFS(filepath.FromSlash(root)), target); err != nil {
				t.Errorf("%s links to %s, which is not there", file, m[1])
			}
		}
	})
	if n == 0 {
		t.Error("no link was found: this test reads Markdown wrongly")
	}
}

func TestDecisionsAreNumbered(t *testing.T) {
	entries, err := os.ReadDir(filepath.Join(root, "docs", "decisions"))
	if err != nil {
		t.Fatal(err)
	}
	for i, e := range entries {
		number, _, _ := strings.Cut(e.Name(), "-")
		if n, err := strconv.Atoi(number); err != nil || n != i+1 || len(number) != 4 {
			t.Errorf("docs/decisions/%s: want the number %04d", e.Name(), i+1)
		}
		if title, want := read(t, "docs/decisions/"+e.Name()), "# "+strconv.Itoa(i+1)+". "; !strings.HasPrefix(title, want) {
			t.Errorf("docs/decisions/%s does not begin with %q", e.Name(), want)
		}
	}
}
