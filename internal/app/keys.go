package app

import (
	"context"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"rmp/internal/config"
	"rmp/internal/secret"
	"rmp/internal/store"
)

const keySize = 32

// keyFile is where the installation's key is, if it is not configured.
func keyFile(dir string) string { return filepath.Join(dir, "secret.key") }

// masterKey answers the installation's key: the configured one, or that in
// the data directory. Where there is none it is a new one, which is not stored
// yet: a database may be there that needs another.
func masterKey(configured secret.Text, dir string) (key []byte, made string, err error) {
	text := configured.Reveal()
	if text == "" {
		b, err := os.ReadFile(keyFile(dir))
		switch {
		case err == nil:
			text = string(b)
		case errors.Is(err, fs.ErrNotExist):
			made = newSecret()
			text = made
		default:
			return nil, "", fmt.Errorf("read secret: %w", err)
		}
	}
	key, err = decodeKey("secret-key", text)
	return key, made, err
}

func newSecret() string {
	key := make([]byte, keySize)
	_, _ = rand.Read(key) // never fails, says crypto/rand
	return base64.StdEncoding.EncodeToString(key) + "\n"
}

func decodeKey(name, text string) ([]byte, error) {
	key, err := base64.StdEncoding.DecodeString(strings.TrimSpace(text))
	if err != nil || len(key) != keySize {
		return nil, fmt.Errorf("%s: must be %d bytes in base64; make one with: head -c %d /dev/urandom | base64", name, keySize, keySize)
	}
	return key, nil
}

// openSealer makes what seals with the installation's key, and opens with the
// former ones too. made is the text of a key that is to be stored.
func openSealer(c config.Database) (s *secret.Sealer, made string, err error) {
	master, made, err := masterKey(c.SecretKey, c.Data)
	if err != nil {
		return nil, "", err
	}
	keys := [][]byte{master}
	for _, t := range c.SecretKeyOld {
		k, err := decodeKey("secret-key-old", t.Reveal())
		if err != nil {
			return nil, "", err
		}
		keys = append(keys, k)
	}
	for i, k := range keys {
		if keys[i], err = derive(k, "seal"); err != nil {
			return nil, "", err
		}
	}
	s, err = secret.NewSealer(keys[0], keys[1:]...)
	return s, made, err
}

// openDatabase opens the installation's database with its key. A key is made
// for a database in which nothing is sealed, and only where one may be begun.
func openDatabase(ctx context.Context, c config.Database, may store.Schema, log *slog.Logger) (*store.DB, *secret.Sealer, error) {
	sealer, made, err := openSealer(c)
	if err != nil {
		return nil, nil, err
	}
	none := fmt.Errorf("the key of the installation is missing: %s is not there; --secret-key or RMP_SECRET_KEY gives it", keyFile(c.Data))
	if made != "" && may == store.AsItIs {
		return nil, nil, none
	}
	target := c.DB
	if target == "" {
		target = filepath.Join(c.Data, "rmp.db")
	}
	db, err := store.Open(ctx, target, store.Options{Sealer: sealer, Log: log, Schema: may})
	switch {
	case errors.Is(err, store.ErrKey) && made != "":
		return nil, nil, none
	case errors.Is(err, store.ErrKey):
		return nil, nil, fmt.Errorf("%w: it is not the key that the database was begun with, which is to be given as --secret-key, RMP_SECRET_KEY or %s; one that was in use besides it, as --secret-key-old", err, keyFile(c.Data))
	case err != nil || made == "":
		return db, sealer, err
	}
	kept, err := storeSecret(keyFile(c.Data), made)
	if err != nil {
		return nil, nil, errors.Join(err, db.Close())
	}
	if kept != made { // another process was faster
		if err := db.Close(); err != nil {
			return nil, nil, err
		}
		return openDatabase(ctx, c, may, log)
	}
	return db, sealer, nil
}

// derive makes the key for one purpose from the master key.
func derive(master []byte, purpose string) ([]byte, error) {
	return hkdf.Key(sha256.New, master, nil, "rmp/"+purpose, keySize)
}

// secretFile reads a secret from a file, which it makes if there is none.
func secretFile(path string) (string, error) {
	b, err := os.ReadFile(path)
	if err == nil {
		return string(b), nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("read secret: %w", err)
	}
	return storeSecret(path, newSecret())
}

// storeSecret stores a secret in a file, and answers it; or the one that is
// there by now.
func storeSecret(path, text string) (string, error) {
	// Written aside and renamed, so that a crash leaves no half a key.
	tmp, err := os.CreateTemp(filepath.Dir(path), ".secret-*")
	if err != nil {
		return "", fmt.Errorf("store secret: %w", err)
	}
	defer os.Remove(tmp.Name()) //nolint:errcheck // renamed away when all went well
	if _, err = tmp.WriteString(text); err == nil {
		err = tmp.Sync()
	}
	if cerr := tmp.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Link(tmp.Name(), path) // refuses to replace one made meanwhile
	}
	if errors.Is(err, fs.ErrExist) {
		return secretFile(path)
	}
	if err != nil {
		return "", fmt.Errorf("store secret: %w", err)
	}
	return text, nil
}
