package main

import (
	"cmp"
	"debug/buildinfo"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"slices"
	"strings"
)

// part is something that others made and that is in the program, or that the
// browser app is built with.
type part struct {
	name, version string
	purl          string // package URL
	sum           string // h1: of the Go checksum database
	sha512        string // in hex, of the package in the npm registry
	licence       string // SPDX expression, if the source says one
	dir           string // where its licence texts are; empty: not looked for
	tool          bool   // builds or tests the app, and is not in it
	toolchain     bool
}

// partsOf lists the Go modules that are linked into a program, as the program
// itself says, and the npm packages of a lock file.
func partsOf(program, lock, manifest string) ([]part, error) {
	info, err := buildinfo.ReadFile(program)
	if err != nil {
		return nil, err
	}
	parts, err := goParts(info)
	if err != nil {
		return nil, err
	}
	if err := findModules(parts); err != nil {
		return nil, err
	}
	b, err := os.ReadFile(lock)
	if err != nil {
		return nil, err
	}
	m, err := os.ReadFile(manifest)
	if err != nil {
		return nil, err
	}
	npm, err := npmParts(b, m, filepath.Dir(lock))
	if err != nil {
		return nil, err
	}
	return append(parts, npm...), nil
}

func goParts(info *debug.BuildInfo) ([]part, error) {
	version := strings.TrimPrefix(info.GoVersion, "go")
	parts := []part{{name: "std", version: version, purl: "pkg:golang/std@" + version, licence: "BSD-3-Clause", toolchain: true}}
	for _, m := range info.Deps {
		if m.Replace != nil {
			return nil, fmt.Errorf("module %s is replaced by %s: its origin cannot be named", m.Path, m.Replace.Path)
		}
		parts = append(parts, part{name: m.Path, version: m.Version, purl: "pkg:golang/" + m.Path + "@" + strings.ReplaceAll(url.PathEscape(m.Version), "+", "%2B"), sum: m.Sum})
	}
	return parts, nil
}

// findModules adds where the sources of the modules are.
func findModules(parts []part) error {
	list, err := output("go", "list", "-m", "-f", "{{.Path}}\t{{.Dir}}", "all")
	if err != nil {
		return err
	}
	dirs := map[string]string{}
	for line := range strings.SplitSeq(list, "\n") {
		path, dir, _ := strings.Cut(line, "\t")
		dirs[path] = dir
	}
	root, err := output("go", "env", "GOROOT")
	if err != nil {
		return err
	}
	for i := range parts {
		parts[i].dir = dirs[parts[i].name]
		if parts[i].toolchain {
			parts[i].dir = root
		}
		if parts[i].dir == "" {
			return fmt.Errorf("the sources of %s are not there: run go mod download", parts[i].name)
		}
	}
	return nil
}

// npmParts reads a lock file. What the manifest's dependencies lead to is in
// the app; everything else are tools.
func npmParts(lock, manifest []byte, dir string) ([]part, error) {
	type entry struct {
		Version, Integrity, License string
		Dependencies                map[string]string
		OptionalDependencies        map[string]string
	}
	var l struct {
		LockfileVersion int
		Packages        map[string]entry
	}
	if err := json.Unmarshal(lock, &l); err != nil {
		return nil, fmt.Errorf("lock file: %w", err)
	}
	if l.LockfileVersion != 3 {
		return nil, fmt.Errorf("lock file: version %d, not 3", l.LockfileVersion)
	}
	var m struct{ Dependencies map[string]string }
	if err := json.Unmarshal(manifest, &m); err != nil {
		return nil, fmt.Errorf("manifest: %w", err)
	}
	inside := map[string]bool{}
	var follow func(from, name string)
	follow = func(from, name string) {
		for { // as Node looks for it: beside, then above
			at := strings.TrimPrefix(from+"/node_modules/"+name, "/")
			if e, ok := l.Packages[at]; ok {
				if !inside[at] {
					inside[at] = true
					for d := range e.Dependencies {
						follow(at, d)
					}
				}
				return
			}
			if from == "" {
				return
			}
			i := strings.LastIndex(from, "/node_modules/")
			from = from[:max(i, 0)]
		}
	}
	for name := range m.Dependencies {
		follow("", name)
	}
	var parts []part
	for at, e := range l.Packages {
		i := strings.LastIndex(at, "node_modules/")
		if i < 0 {
			continue // the app itself
		}
		name := at[i+len("node_modules/"):]
		p := part{name: name, version: e.Version, purl: "pkg:npm/" + strings.ReplaceAll(name, "@", "%40") + "@" + e.Version, licence: e.License, tool: !inside[at]}
		if digest, ok := strings.CutPrefix(e.Integrity, "sha512-"); ok {
			b, err := base64.StdEncoding.DecodeString(digest)
			if err != nil {
				return nil, fmt.Errorf("lock file: integrity of %s: %w", name, err)
			}
			p.sha512 = hex.EncodeToString(b)
		}
		if !p.tool {
			p.dir = filepath.Join(dir, filepath.FromSlash(at))
		}
		parts = append(parts, p)
	}
	slices.SortFunc(parts, func(a, b part) int { return cmp.Or(cmp.Compare(a.purl, b.purl), cmp.Compare(b.dir, a.dir)) })
	return slices.CompactFunc(parts, func(a, b part) bool { return a.purl == b.purl }), nil
}

var licenceFile = regexp.MustCompile(`(?i)^(licen[cs]e|copying|notice|unlicense|patents)([.-].*)?$`)

// notices are the licence texts of all that is in the program, which their
// makers want to go along with it.
func notices(parts []part) ([]byte, error) {
	var text strings.Builder
	text.WriteString("What others made and is in this program, each with its licence.\n")
	for _, p := range parts {
		if p.tool {
			continue
		}
		list, err := os.ReadDir(p.dir)
		if err != nil {
			return nil, fmt.Errorf("licence of %s: %w", p.name, err)
		}
		found := false
		for _, e := range list {
			if e.IsDir() || !licenceFile.MatchString(e.Name()) {
				continue
			}
			b, err := os.ReadFile(filepath.Join(p.dir, e.Name()))
			if err != nil {
				return nil, err
			}
			found = true
			fmt.Fprintf(&text, "\n%s\n%s %s: %s\n%s\n\n%s\n", strings.Repeat("=", 72), p.name, p.version, e.Name(), strings.Repeat("=", 72),
				strings.TrimSpace(strings.ReplaceAll(string(b), "\r\n", "\n")))
		}
		if !found && p.licence == "" {
			return nil, fmt.Errorf("%s %s has no file with its licence", p.name, p.version)
		}
		if !found {
			fmt.Fprintf(&text, "\n%s\n%s %s: %s\n%s\n", strings.Repeat("=", 72), p.name, p.version, p.licence, strings.Repeat("=", 72))
		}
	}
	return []byte(text.String()), nil
}
