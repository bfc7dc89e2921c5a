// Command release makes what is handed out of one version: for each platform
// an archive with a static program, the browser app inside it, what is needed
// to run it as a service, the licences of all that is in it, and a bill of
// materials (CycloneDX); and the checksums of those files.
//
// The same commit and the same Go make the same bytes, wherever and whenever
// it is run: no path, no clock and no version control gets into a program;
// archives are sorted, and their times and the bill's are the commit's. The
// browser app must have been built before (make web).
//
//	go run ./tools/release -version 1.2.3 -out bin/release
//	go run ./tools/release -version 1.2.3 -binary bin/rmp     # one program for this platform
package main

import (
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

var platforms = []string{"linux/amd64", "linux/arm64"}

// shipped are the files of the repository that an archive holds.
var shipped = []string{"README.md", "LICENSE", "CHANGELOG.md"}

// whole are folders that lie in the archives with all that is kept of them by
// git: the manuals, and what it takes to run the program.
var whole = []string{"docs", "deploy"}

// release is what is said of the version.
type release struct {
	version, commit string
	time            time.Time
}

func main() {
	r := release{}
	flag.StringVar(&r.version, "version", "", "version, such as 1.2.3")
	flag.StringVar(&r.commit, "commit", "", "commit; default: that of the work tree, which must be clean")
	out := flag.String("out", "bin/release", "folder for the release")
	binary := flag.String("binary", "", "make only the program for this platform, in this file")
	flag.Parse()
	if err := run(r, *out, *binary); err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}

var versions = regexp.MustCompile(`^[0-9A-Za-z][0-9A-Za-z.+-]*$`)

func run(r release, out, binary string) error {
	if !versions.MatchString(r.version) {
		return fmt.Errorf("-version %q: want one such as 1.2.3", r.version)
	}
	if _, err := os.Stat("web/dist/index.html"); err != nil {
		return errors.New("the browser app is not built: run make web in the root of the repository")
	}
	if r.commit == "" {
		if err := r.fromGit(); err != nil {
			return err
		}
	}
	if binary != "" {
		return r.build(binary)
	}
	if r.time.IsZero() {
		return errors.New("an archive needs the time of a commit: leave -commit away")
	}
	if err := os.RemoveAll(out); err != nil {
		return err
	}
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	for _, p := range platforms {
		goos, goarch, _ := strings.Cut(p, "/")
		if err := r.pack(out, goos, goarch); err != nil {
			return fmt.Errorf("%s: %w", p, err)
		}
	}
	return checksums(out)
}

// fromGit takes commit and time from the work tree.
func (r *release) fromGit() error {
	changed, err := output("git", "status", "--porcelain")
	if err != nil {
		return err
	}
	if changed != "" {
		return fmt.Errorf("the work tree has changes; commit them first:\n%s", changed)
	}
	at, err := output("git", "log", "-1", "--format=%H %ct")
	if err != nil {
		return err
	}
	commit, seconds, _ := strings.Cut(at, " ")
	unix, err := strconv.ParseInt(seconds, 10, 64)
	if err != nil {
		return fmt.Errorf("time of the commit: %w", err)
	}
	r.commit, r.time = commit, time.Unix(unix, 0).UTC()
	return nil
}

// build makes the program for a platform (env: GOOS=…, GOARCH=…).
func (r release) build(file string, env ...string) error {
	cmd := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-mod=readonly",
		"-ldflags", "-s -w -buildid= -X main.version="+r.version+" -X main.commit="+r.commit, "-o", file, "./cmd/rmp")
	// What a person has set for their own builds stays out.
	cmd.Env = append(os.Environ(), append([]string{"CGO_ENABLED=0", "GOFLAGS=", "GOEXPERIMENT=", "GOAMD64=v1", "GOARM64=v8.0", "GOFIPS140=off", "GOWORK=off"}, env...)...)
	cmd.Stderr = os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("go build: %w", err)
	}
	return nil
}

// pack makes the archive and the bill of materials for one platform.
func (r release) pack(out, goos, goarch string) error {
	name := fmt.Sprintf("rmp-%s-%s-%s", r.version, goos, goarch)
	program := filepath.Join(out, name+".program")
	if err := r.build(program, "GOOS="+goos, "GOARCH="+goarch); err != nil {
		return err
	}
	defer os.Remove(program) //nolint:errcheck // it is in the archive
	b, err := os.ReadFile(program)
	if err != nil {
		return err
	}
	parts, err := partsOf(program, "web/package-lock.json", "web/package.json")
	if err != nil {
		return err
	}
	bill, err := r.bill(parts, goos+"/"+goarch, b)
	if err != nil {
		return err
	}
	notices, err := notices(parts)
	if err != nil {
		return err
	}
	entries := []entry{{"rmp", 0o755, b}, {"THIRD-PARTY-LICENSES.txt", 0o644, notices}, {"rmp.cdx.json", 0o644, bill}}
	kept, err := exec.Command("git", append([]string{"ls-files", "-z", "--"}, whole...)...).Output()
	if err != nil {
		return fmt.Errorf("git ls-files: %w", err)
	}
	for _, f := range slices.Concat(shipped, strings.FieldsFunc(string(kept), func(r rune) bool { return r == 0 })) {
		b, err := os.ReadFile(f)
		if err != nil {
			return err
		}
		entries = append(entries, entry{f, 0o644, b})
	}
	if err := os.WriteFile(filepath.Join(out, name+".cdx.json"), bill, 0o644); err != nil {
		return err
	}
	f, err := os.Create(filepath.Join(out, name+".tar.gz"))
	if err != nil {
		return err
	}
	if err := archive(f, name, r.time, entries); err != nil {
		_ = f.Close()
		return err
	}
	return f.Close()
}

// checksums writes SHA256SUMS in the form of sha256sum.
func checksums(dir string) error {
	list, err := os.ReadDir(dir) // sorted
	if err != nil {
		return err
	}
	var text strings.Builder
	for _, e := range slices.DeleteFunc(list, os.DirEntry.IsDir) {
		b, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			return err
		}
		fmt.Fprintf(&text, "%x  %s\n", sha256.Sum256(b), e.Name())
	}
	return os.WriteFile(filepath.Join(dir, "SHA256SUMS"), []byte(text.String()), 0o644)
}

func output(name string, args ...string) (string, error) {
	cmd := exec.Command(name, args...)
	cmd.Stderr = os.Stderr
	b, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s %s: %w", name, strings.Join(args, " "), err)
	}
	return strings.TrimSpace(string(b)), nil
}
