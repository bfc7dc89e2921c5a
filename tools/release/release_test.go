package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"time"
)

var sample = release{"1.2.3", "0123456789abcdef", time.Date(2027, 3, 1, 9, 30, 0, 0, time.UTC)}

func TestArchivesAreAlike(t *testing.T) {
	entries := []entry{{"rmp", 0o755, []byte("program")}, {"LICENSE", 0o644, []byte("text")}, {"docs/a.md", 0o644, bytes.Repeat([]byte("a"), 1<<20)}}
	var one, two bytes.Buffer
	if err := archive(&one, "rmp-1", sample.time, entries); err != nil {
		t.Fatal(err)
	}
	slices.Reverse(entries)
	if err := archive(&two, "rmp-1", sample.time.In(time.FixedZone("", 3600)), entries); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(one.Bytes(), two.Bytes()) {
		t.Error("the order of the files or the zone of the time gets into the archive")
	}
	z, err := gzip.NewReader(&one)
	if err != nil {
		t.Fatal(err)
	}
	if !z.ModTime.IsZero() || z.Name != "" {
		t.Errorf("the head of the compression has %v, %q", z.ModTime, z.Name)
	}
	var names []string
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, h.Name)
		if h.Uid != 0 || h.Gid != 0 || h.Uname != "" || h.Gname != "" || !h.ModTime.Equal(sample.time) {
			t.Errorf("%s: %d/%d %q/%q %v", h.Name, h.Uid, h.Gid, h.Uname, h.Gname, h.ModTime)
		}
		if want := int64(0o644); h.Name == "rmp-1/rmp" && h.Mode != 0o755 || h.Name != "rmp-1/rmp" && h.Mode != want {
			t.Errorf("%s has the mode %o", h.Name, h.Mode)
		}
	}
	if want := []string{"rmp-1/LICENSE", "rmp-1/docs/a.md", "rmp-1/rmp"}; !slices.Equal(names, want) {
		t.Errorf("%v, want %v", names, want)
	}
}

// The repository's own lock file: what is in the app is told from what builds
// and tests it, and versions are those of the manifest.
func TestBillOfMaterials(t *testing.T) {
	lock, err := os.ReadFile("../../web/package-lock.json")
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := os.ReadFile("../../web/package.json")
	if err != nil {
		t.Fatal(err)
	}
	npm, err := npmParts(lock, manifest, "web")
	if err != nil {
		t.Fatal(err)
	}
	linked, err := goParts(&debug.BuildInfo{GoVersion: "go1.26.8", Deps: []*debug.Module{
		{Path: "github.com/jackc/pgx/v5", Version: "v5.12.0", Sum: "h1:abc="}, {Path: "example.org/x", Version: "v1.0.0+incompatible"}}})
	if err != nil {
		t.Fatal(err)
	}
	first, err := sample.bill(append(linked, npm...), "linux/amd64", []byte("program"))
	if err != nil {
		t.Fatal(err)
	}
	npm, err = npmParts(lock, manifest, "web")
	if err != nil {
		t.Fatal(err)
	}
	second, err := sample.bill(append(linked, npm...), "linux/amd64", []byte("program"))
	if err != nil || !bytes.Equal(first, second) {
		t.Fatalf("two bills of the same program differ (%v)", err)
	}

	var b cdxBill
	if err := json.Unmarshal(first, &b); err != nil {
		t.Fatal(err)
	}
	if b.Format != "CycloneDX" || b.Metadata.Component.Version != "1.2.3" || b.Metadata.Timestamp != "2027-03-01T09:30:00Z" || !strings.HasPrefix(b.Serial, "urn:uuid:") || len(b.Serial) != 45 {
		t.Errorf("head: %+v", b.Metadata)
	}
	byRef := map[string]cdxComponent{}
	for _, c := range b.Components {
		if _, twice := byRef[c.Ref]; twice {
			t.Errorf("%s is in it twice", c.Ref)
		}
		byRef[c.Ref] = c
	}
	var packages struct{ Dependencies, DevDependencies map[string]string }
	if err := json.Unmarshal(manifest, &packages); err != nil {
		t.Fatal(err)
	}
	if len(packages.Dependencies) == 0 || len(packages.DevDependencies) == 0 {
		t.Fatal("the manifest names nothing")
	}
	ref := func(name, version string) string {
		return "pkg:npm/" + strings.ReplaceAll(name, "@", "%40") + "@" + version
	}
	for name, version := range packages.Dependencies {
		c := byRef[ref(name, version)]
		if c.Scope != "required" || len(c.Hashes) != 1 {
			t.Errorf("%s: %+v", name, c)
			continue
		}
		if sum, err := hex.DecodeString(c.Hashes[0].Content); err != nil || len(sum) != 64 {
			t.Errorf("%s: checksum %q", name, c.Hashes[0].Content)
		}
	}
	for name, version := range packages.DevDependencies {
		if c := byRef[ref(name, version)]; c.Scope != "excluded" {
			t.Errorf("%s, which is not in the app: %+v", name, c)
		}
	}
	for _, want := range []string{"pkg:golang/std@1.26.8", "pkg:golang/github.com/jackc/pgx/v5@v5.12.0", "pkg:golang/example.org/x@v1.0.0%2Bincompatible"} {
		if byRef[want].Scope != "required" {
			t.Errorf("%s is not in it: %v", want, slices.Sorted(maps.Keys(byRef))[:3])
		}
	}
	if p := byRef["pkg:golang/github.com/jackc/pgx/v5@v5.12.0"].Properties; len(p) != 1 || p[0].Value != "h1:abc=" {
		t.Errorf("checksum of a module: %v", p)
	}
	for _, d := range b.Dependencies[0].DependsOn {
		if byRef[d].Scope != "required" {
			t.Errorf("rmp depends on %s, which is %q", d, byRef[d].Scope)
		}
	}
}

func TestWhatIsFollowedInALockFile(t *testing.T) {
	lock := []byte(`{"lockfileVersion":3,"packages":{"":{"dependencies":{"a":"1"}},
		"node_modules/a":{"version":"1.0.0","dependencies":{"b":"2","@s/c":"1"}},
		"node_modules/b":{"version":"1.0.0"},
		"node_modules/a/node_modules/b":{"version":"2.0.0","dependencies":{"a":"1"}},
		"node_modules/@s/c":{"version":"3.0.0"},
		"node_modules/tool":{"version":"1.0.0","dependencies":{"b":"1"}}}}`)
	parts, err := npmParts(lock, []byte(`{"dependencies":{"a":"1.0.0"}}`), "web")
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]bool{}
	for _, p := range parts {
		got[p.purl] = !p.tool
	}
	want := map[string]bool{"pkg:npm/a@1.0.0": true, "pkg:npm/b@2.0.0": true, "pkg:npm/%40s/c@3.0.0": true, "pkg:npm/b@1.0.0": false, "pkg:npm/tool@1.0.0": false}
	if !maps.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	if _, err := npmParts([]byte(`{"lockfileVersion":2}`), []byte(`{}`), ""); err == nil {
		t.Error("a lock file of another version was read")
	}
}

func TestReplacedModulesAreRefused(t *testing.T) {
	if _, err := goParts(&debug.BuildInfo{Deps: []*debug.Module{{Path: "a", Replace: &debug.Module{Path: "../a"}}}}); err == nil {
		t.Error("a module of unknown origin went into the bill")
	}
}

func TestLicencesGoAlong(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"LICENSE.md": "Do as\r\nyou like", "main.go": "package a", "NOTICE": "by us"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	b, err := notices([]part{{name: "a", version: "v1", dir: dir}, {name: "vite", tool: true}})
	if err != nil {
		t.Fatal(err)
	}
	if s := string(b); !strings.Contains(s, "Do as\nyou like") || !strings.Contains(s, "by us") || strings.Contains(s, "package a") || strings.Contains(s, "vite") {
		t.Errorf("%s", s)
	}
	if _, err := notices([]part{{name: "a", dir: t.TempDir()}}); err == nil {
		t.Error("something without a licence went into the program")
	}
}

func TestVersionsAreWords(t *testing.T) {
	for _, v := range []string{"", "1 2", "../1", "-X main.evil=1", "1;rm"} {
		if err := run(release{version: v}, t.TempDir(), ""); err == nil || !strings.Contains(err.Error(), "-version") {
			t.Errorf("version %q: %v", v, err)
		}
	}
}
