// Package secret has a text type that does not show itself, and the sealing
// of secrets for storage.
package secret

import (
	"crypto/rand"
	"encoding/base64"
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
