// Package guard holds the rules of the house that a compiler does not: which
// way imports point (imports_test.go), what sources must not contain
// (house_test.go), and that documents keep up with what they describe
// (docs_test.go).
//
// It reads the working tree with the standard library only, so it needs no
// network, no git and no build. A rule that finds nothing to hold fails too:
// it has lost its subject.
package guard

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"
)

const root = "../.."

// skipped are folders of what was built, fetched or stored.
var skipped = map[string]bool{
	"bin": true, "data": true, "web/dist": true, "web/node_modules": true, "standin-data": true,
}

// files calls fn for each file of the repository with its slash-separated
// path below the root.
func files(t *testing.T, fn func(file string)) {
	t.Helper()
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, p)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		if d.IsDir() {
			if skipped[rel] || d.Name() == ".git" || d.Name() == "node_modules" {
				return filepath.SkipDir
			}
			return nil
		}
		if d.Type().IsRegular() && d.Name() != ".git" { // a further work tree has a file of that name
			fn(rel)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, file string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(file)))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// texts calls fn for each file that people read and write: no images, no
// lists of checksums, no captured fuzz input.
func texts(t *testing.T, fn func(file, text string)) {
	t.Helper()
	files(t, func(file string) {
		switch base := path.Base(file); {
		case base == "go.sum", base == "package-lock.json", strings.Contains(file, "testdata/fuzz/"):
			return
		}
		if text := read(t, file); utf8.ValidString(text) && !strings.ContainsRune(text, 0) {
			fn(file, text)
		}
	})
}

// source is one parsed Go file.
type source struct {
	file string // below the root
	dir  string
	test bool
	text string
	ast  *ast.File
	set  *token.FileSet
}

func (s source) at(n ast.Node) string {
	p := s.set.Position(n.Pos())
	return s.file + ":" + strconv.Itoa(p.Line)
}

// sources parses every Go file, whatever its build tags.
func sources(t *testing.T, fn func(source)) {
	t.Helper()
	n := 0
	files(t, func(file string) {
		if !strings.HasSuffix(file, ".go") {
			return
		}
		n++
		s := source{file: file, dir: path.Dir(file), test: strings.HasSuffix(file, "_test.go"), text: read(t, file), set: token.NewFileSet()}
		var err error
		if s.ast, err = parser.ParseFile(s.set, file, s.text, parser.ParseComments); err != nil {
			t.Fatal(err)
		}
		fn(s)
	})
	if n < 20 {
		t.Fatalf("only %d Go files: this test looks in the wrong place", n)
	}
}

// below reports whether a path is the folder or in it.
func below(p, dir string) bool { return p == dir || strings.HasPrefix(p, dir+"/") }
