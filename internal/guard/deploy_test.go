package guard

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// flagsOf reads the names of all flags of the commands from the structs of
// internal/config, and the words of the commands from those of cmd/rmp.
func flagsOf(t *testing.T) (flags, words map[string]bool) {
	t.Helper()
	flags, words = map[string]bool{"--help": true, "--config": true}, map[string]bool{}
	sources(t, func(s source) {
		if s.test || s.dir != "internal/config" && s.dir != "cmd/rmp" {
			return
		}
		ast.Inspect(s.ast, func(n ast.Node) bool {
			spec, ok := n.(*ast.TypeSpec)
			if !ok {
				return true
			}
			body, ok := spec.Type.(*ast.StructType)
			if !ok {
				return true
			}
			prefix := ""
			switch spec.Name.Name {
			case "CGP", "Reconcile", "Limits":
				prefix = strings.ToLower(spec.Name.Name) + "."
			}
			for _, f := range body.Fields.List {
				if f.Tag == nil || len(f.Names) != 1 {
					continue
				}
				text, err := strconv.Unquote(f.Tag.Value)
				if err != nil {
					t.Fatal(err)
				}
				tag := reflect.StructTag(text)
				name := tag.Get("name")
				if name == "" {
					name = kebab(f.Names[0].Name)
				}
				if _, command := tag.Lookup("cmd"); command {
					words[name] = true
				} else if s.dir == "internal/config" {
					flags["--"+prefix+name] = true
				}
			}
			return true
		})
	})
	return flags, words
}

var (
	variables = regexp.MustCompile(`\bRMP_[A-Z0-9_]*[A-Z0-9]\b`)
	// A call of the program: after its name, its path, or that of a service.
	calls = regexp.MustCompile("(?:^|[ /`'=\"])(?:rmp|rmp-[12] /rmp|rmp-[12]) ([a-z]+)((?: [^`#|]*)?)")
	// Commands that consist of commands.
	groups   = map[string]bool{"cgp": true, "user": true, "tenant": true, "resource": true, "keys": true}
	longFlag = regexp.MustCompile(`--[a-z][a-z.-]*`)
)

// What is handed to operators sets only what there is: a variable that is
// written wrongly is passed over in silence when the program starts.
func TestDeploymentsUseWhatThereIs(t *testing.T) {
	known := map[string]bool{"RMP_CONFIG": true, "RMP_IMAGE": true} // the image is compose's own
	for _, k := range keys(t) {
		known[k.env] = true
		known[k.env+"_FILE"] = true
	}
	flags, words := flagsOf(t)
	if len(flags) < 60 || len(words) < 10 {
		t.Fatalf("only %d flags and %d commands were found: this test reads them wrongly", len(flags), len(words))
	}
	named, called := 0, 0
	texts(t, func(file, text string) {
		if !below(file, "deploy") && file != "docs/upgrade.md" {
			return
		}
		for i, line := range strings.Split(text, "\n") {
			for _, name := range variables.FindAllString(line, -1) {
				named++
				if !known[name] {
					t.Errorf("%s:%d names %s, which is no setting", file, i+1, name)
				}
			}
			for _, m := range calls.FindAllStringSubmatch(line, -1) {
				if m[1] == "rmp" { // a role and a database of PostgreSQL
					continue
				}
				called++
				if !words[m[1]] {
					t.Errorf("%s:%d calls rmp %s, which is no command", file, i+1, m[1])
				}
				if second := strings.Fields(m[2]); groups[m[1]] && (len(second) == 0 || !words[second[0]]) && strings.TrimSpace(m[2]) != "" {
					t.Errorf("%s:%d calls rmp %s%s, which is no command", file, i+1, m[1], m[2])
				}
				for _, flag := range longFlag.FindAllString(m[2], -1) {
					if !flags[flag] {
						t.Errorf("%s:%d gives rmp %s, which is no flag", file, i+1, flag)
					}
				}
			}
		}
	})
	if named < 30 || called < 8 {
		t.Errorf("only %d variables and %d calls were found: this test reads the files wrongly", named, called)
	}
}

// setting answers the last value of a name in a file of lines NAME=VALUE or
// NAME: VALUE.
func setting(t *testing.T, file, name string) string {
	t.Helper()
	found := regexp.MustCompile(`(?m)^(?:Environment=|\s*)`+regexp.QuoteMeta(name)+`(?:=|:\s*)"?([^"\s#]+)"?`).FindAllStringSubmatch(read(t, file), -1)
	if len(found) == 0 {
		t.Fatalf("%s does not set %s", file, name)
	}
	return found[len(found)-1][1]
}

func bytesOf(t *testing.T, text string) int64 {
	t.Helper()
	m := regexp.MustCompile(`^(\d+)([KMGkmg])(?:iB|B)?$`).FindStringSubmatch(text)
	if m == nil {
		t.Fatalf("%q is no amount of memory", text)
	}
	n, err := strconv.ParseInt(m[1], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n << map[string]int{"k": 10, "m": 20, "g": 30}[strings.ToLower(m[2])]
}

// Who stops the program waits longer than it takes to end, and Go begins to
// save memory before it is killed for it.
func TestDeploymentsLeaveRoom(t *testing.T) {
	const unit, compose = "deploy/systemd/rmp.service", "deploy/compose/compose.yaml"
	ends := ending(t)
	for _, d := range []struct{ file, stop, memory string }{{unit, "TimeoutStopSec", "MemoryMax"}, {compose, "stop_grace_period", "mem_limit"}} {
		drain, err := time.ParseDuration(setting(t, d.file, "RMP_DRAIN"))
		if err != nil {
			t.Fatal(err)
		}
		stop, err := time.ParseDuration(setting(t, d.file, d.stop))
		if err != nil {
			t.Fatal(err)
		}
		if stop < drain+ends+10*time.Second {
			t.Errorf("%s kills after %v, and ending takes up to %v + %v", d.file, stop, drain, ends)
		}
		limit, most := bytesOf(t, setting(t, d.file, "GOMEMLIMIT")), bytesOf(t, setting(t, d.file, d.memory))
		if limit > most*9/10 || limit < most/2 {
			t.Errorf("%s: GOMEMLIMIT %d of %d", d.file, limit, most)
		}
	}
}

// ending reads how long requests at work may take when the program ends.
func ending(t *testing.T) time.Duration {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), "serve.go", read(t, "internal/app/serve.go"), 0)
	if err != nil {
		t.Fatal(err)
	}
	seconds := 0
	ast.Inspect(f, func(n ast.Node) bool {
		v, ok := n.(*ast.ValueSpec)
		if !ok || v.Names[0].Name != "drainTime" {
			return true
		}
		if x, ok := v.Values[0].(*ast.BinaryExpr); ok {
			if l, ok := x.X.(*ast.BasicLit); ok {
				seconds, _ = strconv.Atoi(l.Value)
			}
		}
		return true
	})
	if seconds == 0 {
		t.Fatal("internal/app/serve.go does not say drainTime in seconds")
	}
	return time.Duration(seconds) * time.Second
}

// Images and tools are named exactly, and are not older than what the sources
// ask for.
func TestImagesArePinned(t *testing.T) {
	tag := regexp.MustCompile(`docker\.io/library/([a-z]+):(\S+)`)
	exact := regexp.MustCompile(`^\d+\.\d+(\.\d+)?-[a-z.0-9-]+$`)
	found := map[string]string{}
	for _, file := range []string{"deploy/container/Containerfile", "deploy/compose/compose.yaml"} {
		for _, m := range tag.FindAllStringSubmatch(read(t, file), -1) {
			found[m[1]] = m[2]
			if !exact.MatchString(m[2]) {
				t.Errorf("%s: %s is not one exact version", file, m[0])
			}
		}
	}
	for _, name := range []string{"node", "golang", "caddy", "postgres"} {
		if found[name] == "" {
			t.Errorf("no image of %s", name)
		}
	}
	wants := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindStringSubmatch(read(t, "go.mod"))[1]
	if !strings.HasPrefix(found["golang"], wants+".") {
		t.Errorf("the image has Go %s, go.mod wants %s", found["golang"], wants)
	}
	docker, container := read(t, ".dockerignore"), read(t, ".containerignore")
	if docker != container {
		t.Error(".dockerignore and .containerignore differ")
	}
	for _, kept := range []string{".git", "**/secrets", "**/node_modules", "data"} {
		if !regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(kept) + `$`).MatchString(docker) {
			t.Errorf("%s gets into the image's build", kept)
		}
	}
}

// TestReleasesShipWhatTheyPointTo: an archive holds every file that a document
// in it links to.
func TestReleasesShipWhatTheyPointTo(t *testing.T) {
	program := read(t, "tools/release/main.go")
	ships := func(file string) bool {
		top, _, inside := strings.Cut(file, "/")
		return strings.Contains(program, `"`+file+`"`) || inside && strings.Contains(program, `"`+top+`"`)
	}
	link := regexp.MustCompile(`\]\(([^)#:]+)(?:#[^)]*)?\)`)
	seen := 0
	files(t, func(file string) {
		if path.Ext(file) != ".md" || !ships(file) {
			return
		}
		for _, m := range link.FindAllStringSubmatch(read(t, file), -1) {
			seen++
			if to := path.Join(path.Dir(file), m[1]); !ships(to) && !ships(to+"/") {
				t.Errorf("%s links to %s, which an archive does not hold", file, to)
			}
		}
	})
	if seen < 20 {
		t.Errorf("only %d links were found", seen)
	}
}
