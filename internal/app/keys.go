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

// masterKey answers the installation's key: the configured one, or that in
// the data directory, which is made at the first start.
func masterKey(configured secret.Text, dir string) ([]byte, error) {
	text := configured.Reveal()
	if text == "" {
		t, err := secretFile(filepath.Join(dir, "secret.key"))
		if err != nil {
			return nil, err
		}
		text = t
	}
	return decodeKey("secret-key", text)
}

func decodeKey(name, text string) ([]byte, error) {
	key, err := base64.StdEncoding.DecodeString(strings.TrimSpace(text))
	if err != nil || len(key) != keySize {
		return nil, fmt.Errorf("%s: must be %d bytes in base64; make one with: head -c %d /dev/urandom | base64", name, keySize, keySize)
	}
	return key, nil
}

// openSealer makes what seals with the installation's key, and opens with the
// former ones too.
func openSealer(c config.Database) (*secret.Sealer, error) {
	master, err := masterKey(c.SecretKey, c.Data)
	if err != nil {
		return nil, err
	}
	keys := [][]byte{master}
	for _, t := range c.SecretKeyOld {
		k, err := decodeKey("secret-key-old", t.Reveal())
		if err != nil {
			return nil, err
		}
		keys = append(keys, k)
	}
	for i, k := range keys {
		if keys[i], err = derive(k, "seal"); err != nil {
			return nil, err
		}
	}
	return secret.NewSealer(keys[0], keys[1:]...)
}

// openDatabase opens the installation's database with its key.
func openDatabase(ctx context.Context, c config.Database, may store.Schema, log *slog.Logger) (*store.DB, *secret.Sealer, error) {
	sealer, err := openSealer(c)
	if err != nil {
		return nil, nil, err
	}
	target := c.DB
	if target == "" {
		target = filepath.Join(c.Data, "rmp.db")
	}
	db, err := store.Open(ctx, target, store.Options{Sealer: sealer, Log: log, Schema: may})
	return db, sealer, err
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
	key := make([]byte, keySize)
	_, _ = rand.Read(key) // never fails, says crypto/rand
	text := base64.StdEncoding.EncodeToString(key) + "\n"
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
