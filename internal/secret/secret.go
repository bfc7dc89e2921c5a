// Package secret has a text type that does not show itself, and the sealing
// of secrets for storage.
package secret

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
)

// Text is a password, token or key. It prints as *** everywhere; Reveal is
// the one way to its content.
type Text string

// Reveal is the secret itself, for handing to the place that needs it.
func (t Text) Reveal() string { return string(t) }

func (Text) String() string               { return "***" }
func (Text) GoString() string             { return "***" }
func (Text) MarshalText() ([]byte, error) { return []byte("***"), nil }

// UnmarshalText reads a secret from configuration.
func (t *Text) UnmarshalText(b []byte) error { *t = Text(b); return nil }

// LogValue keeps the secret out of structured logs.
func (Text) LogValue() slog.Value { return slog.StringValue("***") }

// Random is a new secret of 192 bits, in URL-safe characters.
func Random() Text {
	var b [24]byte
	_, _ = rand.Read(b[:]) // never fails, says crypto/rand
	return Text(base64.RawURLEncoding.EncodeToString(b[:]))
}

// Sealer encrypts secrets for storage with AES-256-GCM.
type Sealer struct{ aead cipher.AEAD }

// NewSealer takes a key of 32 bytes.
func NewSealer(key []byte) (*Sealer, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("sealing key: %w", err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, fmt.Errorf("sealing key: %w", err)
	}
	return &Sealer{aead}, nil
}

// Seal encrypts a secret; the context (such as the tenant and the column)
// binds it to its place, so that it cannot be moved to another row.
func (s *Sealer) Seal(t Text, context string) string {
	nonce := make([]byte, s.aead.NonceSize())
	_, _ = rand.Read(nonce)
	return base64.RawStdEncoding.EncodeToString(s.aead.Seal(nonce, nonce, []byte(t), []byte(context)))
}

// Open is the reverse of Seal.
func (s *Sealer) Open(sealed, context string) (Text, error) {
	b, err := base64.RawStdEncoding.DecodeString(sealed)
	if err != nil || len(b) < s.aead.NonceSize() {
		return "", errors.New("open secret: not a sealed secret")
	}
	n := s.aead.NonceSize()
	plain, err := s.aead.Open(nil, b[:n], b[n:], []byte(context))
	if err != nil {
		return "", errors.New("open secret: wrong key or wrong place")
	}
	return Text(plain), nil
}
