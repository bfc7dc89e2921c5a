package app

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	_ "modernc.org/sqlite" // copies the stand-in's storage

	"rmp/internal/config"
	"rmp/internal/store"
)

// A backup is a tar.gz: manifest.json first, then tables/NAME.jsonl, the key
// of the installation, and the storage of the stand-in where it is used. The
// rows are the same on SQLite and PostgreSQL, so that a backup of one can be
// restored into the other.

type manifest struct {
	Made    time.Time         `json:"made"`
	Schema  int64             `json:"schema"`
	Members map[string]string `json:"members"` // SHA-256 by name
}

const (
	manifestName = "manifest.json"
	keyMember    = "secret.key"
	standinName  = "standin/standin.db"
	adminName    = "standin/admin.password"
)

// Backup runs `rmp backup`: what is stored at one instant, while others work.
func Backup(ctx context.Context, c config.Backup, out io.Writer) error {
	toStdout := c.File == "-"
	if info, err := os.Lstat(c.File); err == nil && !info.Mode().IsRegular() && !toStdout {
		return fmt.Errorf("%s is not a file that could be replaced; name another, or - for standard output", c.File)
	}
	near := filepath.Dir(c.File)
	if toStdout {
		near, out = "", os.Stderr
	}
	return withTools(ctx, c.Database, out, func(t *tools) (err error) {
		dir, err := os.MkdirTemp(near, ".rmp-backup-")
		if err != nil {
			return err
		}
		defer func() { _ = os.RemoveAll(dir) }()
		d, err := t.db.Describe(ctx)
		if err != nil {
			return err
		}
		m := manifest{Made: time.Now().UTC(), Schema: d.Schema, Members: map[string]string{}}
		var names []string
		place := func(name string) (*os.File, error) {
			names = append(names, name)
			path := filepath.Join(dir, name)
			if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
				return nil, err
			}
			return os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		}
		var open *os.File
		err = t.db.Dump(ctx, func(table string) (io.Writer, error) {
			if err := closed(open); err != nil {
				return nil, err
			}
			t.say("%s …", table)
			open, err = place("tables/" + table + ".jsonl")
			return open, err
		})
		if err := errors.Join(err, closed(open)); err != nil {
			return err
		}
		secrets := map[string][]byte{} // not on the disk on their way
		for _, name := range []string{keyMember, adminName} {
			if name == keyMember && c.SecretKey != "" {
				continue // what lies in the directory is not the one in use
			}
			text, err := os.ReadFile(filepath.Join(c.Data, name))
			if errors.Is(err, fs.ErrNotExist) {
				continue // there is no stand-in
			}
			if err != nil {
				return err
			}
			secrets[name] = text
			sum := sha256.Sum256(text)
			m.Members[name] = hex.EncodeToString(sum[:])
		}
		if _, err := os.Stat(filepath.Join(c.Data, standinName)); err == nil {
			t.say("stand-in …")
			names = append(names, standinName)
			if err := copyDatabase(ctx, filepath.Join(c.Data, standinName), filepath.Join(dir, standinName)); err != nil {
				return fmt.Errorf("stand-in: %w", err)
			}
		}
		for _, n := range names {
			if m.Members[n], err = sumOf(filepath.Join(dir, n)); err != nil {
				return err
			}
		}
		if toStdout {
			err = pack(os.Stdout, dir, names, secrets, m)
		} else {
			err = packFile(c.File, dir, names, secrets, m)
		}
		if err != nil {
			return err
		}
		what := "It has the key that opens stored secrets: keep it like one."
		if secrets[keyMember] == nil {
			what = "It is WITHOUT the key that opens stored secrets, which the configuration gives: keep that too, elsewhere."
		}
		t.say("%s holds everything as it was at %s. %s", c.File, m.Made.Format(time.RFC3339), what)
		return t.audit(ctx, "", "backup", filepath.Base(c.File), nil)
	})
}

func closed(f *os.File) error {
	if f == nil {
		return nil
	}
	return f.Close()
}

// copyDatabase copies a SQLite file as it is at one instant.
func copyDatabase(ctx context.Context, from, to string) error {
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return err
	}
	db, err := sql.Open("sqlite", "file:"+from+"?_pragma=busy_timeout(10000)")
	if err != nil {
		return err
	}
	_, err = db.ExecContext(ctx, `VACUUM INTO ?`, to)
	return errors.Join(err, db.Close())
}

func sumOf(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close() //nolint:errcheck // only read
	h := sha256.New()
	_, err = io.Copy(h, f)
	return hex.EncodeToString(h.Sum(nil)), err
}

// packFile makes the archive beside its place, and puts it there when it is
// whole.
func packFile(to, dir string, names []string, secrets map[string][]byte, m manifest) error {
	path := filepath.Join(dir, "archive")
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	err = pack(f, dir, names, secrets, m)
	if err == nil {
		err = f.Sync()
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	return os.Rename(path, to)
}

func pack(to io.Writer, dir string, names []string, secrets map[string][]byte, m manifest) error {
	z := gzip.NewWriter(to)
	w := tar.NewWriter(z)
	head, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	if err := w.WriteHeader(&tar.Header{Name: manifestName, Mode: 0o600, Size: int64(len(head)), ModTime: m.Made}); err != nil {
		return err
	}
	if _, err := w.Write(head); err != nil {
		return err
	}
	for _, n := range names {
		if err := packOne(w, filepath.Join(dir, n), n, m.Made); err != nil {
			return err
		}
	}
	for _, n := range slices.Sorted(maps.Keys(secrets)) {
		if err := w.WriteHeader(&tar.Header{Name: n, Mode: 0o600, Size: int64(len(secrets[n])), ModTime: m.Made}); err != nil {
			return err
		}
		if _, err := w.Write(secrets[n]); err != nil {
			return err
		}
	}
	return errors.Join(w.Close(), z.Close())
}

func packOne(w *tar.Writer, path, name string, at time.Time) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close() //nolint:errcheck // only read
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o600, Size: info.Size(), ModTime: at}); err != nil {
		return err
	}
	_, err = io.Copy(w, f)
	return err
}

// Restore runs `rmp restore`: all of a backup into an empty place, or nothing.
func Restore(ctx context.Context, c config.Restore, out io.Writer) error {
	if err := os.MkdirAll(c.Data, 0o700); err != nil {
		return err
	}
	release, err := lockDir(c.Data)
	if err != nil {
		return err
	}
	defer release()
	dir, err := os.MkdirTemp(c.Data, ".restore-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	m, err := unpack(c.File, dir)
	if err != nil {
		return err
	}
	if _, has := m.Members[keyMember]; !has && c.SecretKey == "" {
		if _, err := os.Stat(keyFile(c.Data)); err != nil {
			return fmt.Errorf("the backup is one without the key of its installation; give it as --secret-key, RMP_SECRET_KEY or %s", keyFile(c.Data))
		}
	}
	// First what a database that is opened would make anew.
	var placed []string
	undo := func() {
		for _, p := range placed {
			_ = os.Remove(p)
		}
	}
	for _, name := range []string{keyMember, adminName, standinName} {
		if _, ok := m.Members[name]; !ok || name == keyMember && c.SecretKey != "" {
			continue
		}
		to := filepath.Join(c.Data, name)
		if same, err := sumOf(to); err == nil {
			if same == m.Members[name] {
				continue
			}
			undo()
			return fmt.Errorf("%s is there already, and is another one; restore into an empty data directory", to)
		}
		if err := errors.Join(os.MkdirAll(filepath.Dir(to), 0o700), os.Rename(filepath.Join(dir, name), to)); err != nil {
			undo()
			return err
		}
		placed = append(placed, to)
	}
	err = withDatabase(ctx, c.Database, out, func(t *tools) error {
		d, err := t.db.Describe(ctx)
		if err != nil {
			return err
		}
		if d.Schema != m.Schema {
			return fmt.Errorf("the backup has the schema %d, this program %d; restore with the version that made it, then upgrade", m.Schema, d.Schema)
		}
		var open *os.File
		err = t.db.Load(ctx, func(table string) (io.Reader, error) {
			if err := closed(open); err != nil {
				return nil, err
			}
			t.say("%s …", table)
			open, err = os.Open(filepath.Join(dir, "tables", table+".jsonl"))
			return open, err
		})
		_ = closed(open)
		if errors.Is(err, store.ErrNotEmpty) {
			return errors.New("the database holds an organisation already; restore into an empty one (another --data or --db)")
		}
		if errors.Is(err, store.ErrKey) {
			return errors.New("the key given is not that of the installation that was saved; nothing was restored")
		}
		if err != nil {
			return err
		}
		t.say("Restored as of %s. Next: rmp serve, then rmp doctor.", m.Made.Format(time.RFC3339))
		return t.audit(ctx, "", "restore", filepath.Base(c.File), nil)
	})
	if err != nil {
		undo()
	}
	return err
}

// unpack checks an archive against its manifest, and lays its members out.
func unpack(file, dir string) (m manifest, err error) {
	f, err := os.Open(file)
	if err != nil {
		return m, err
	}
	defer f.Close() //nolint:errcheck // only read
	z, err := gzip.NewReader(f)
	if err != nil {
		return m, fmt.Errorf("%s is not a backup: %w", file, err)
	}
	r := tar.NewReader(z)
	seen := 0
	for {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return m, fmt.Errorf("%s is damaged: %w", file, err)
		}
		if h.Name == manifestName {
			var text bytes.Buffer
			if _, err := io.Copy(&text, io.LimitReader(r, 1<<20)); err != nil {
				return m, err
			}
			if err := json.Unmarshal(text.Bytes(), &m); err != nil {
				return m, fmt.Errorf("%s: the manifest: %w", file, err)
			}
			continue
		}
		want, ok := m.Members[h.Name]
		if !ok || !filepath.IsLocal(h.Name) {
			return m, fmt.Errorf("%s: %q is not in the manifest", file, h.Name)
		}
		path := filepath.Join(dir, h.Name) //nolint:gosec // it is local
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return m, err
		}
		to, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if err != nil {
			return m, err
		}
		_, err = io.Copy(to, r) //nolint:gosec // it is bounded by the file that was given
		if err := errors.Join(err, to.Close()); err != nil {
			return m, fmt.Errorf("%s is damaged: %w", file, err)
		}
		if got, err := sumOf(path); err != nil || got != want {
			return m, fmt.Errorf("%s is damaged: %s is not what was saved", file, h.Name)
		}
		seen++
	}
	if m.Schema == 0 || seen != len(m.Members) {
		return m, fmt.Errorf("%s is damaged: %d of %d members are there", file, seen, len(m.Members))
	}
	return m, nil
}
