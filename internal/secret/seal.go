package secret

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

// Sealer encrypts secrets for storage with AES-256-GCM. It seals with one key
// and opens with that one and its predecessors, so that the key can be
// changed while there is something sealed.
type Sealer struct{ keys []sealingKey }

type sealingKey struct {
	id   string
	aead cipher.AEAD
}

// NewSealer takes keys of 32 bytes; the first one seals.
func NewSealer(key []byte, older ...[]byte) (*Sealer, error) {
	s := &Sealer{}
	for _, k := range append([][]byte{key}, older...) {
		block, err := aes.NewCipher(k)
		if err != nil {
			return nil, fmt.Errorf("sealing key: %w", err)
		}
		aead, err := cipher.NewGCM(block)
		if err != nil {
			return nil, fmt.Errorf("sealing key: %w", err)
		}
		sum := sha256.Sum256(k)
		s.keys = append(s.keys, sealingKey{hex.EncodeToString(sum[:4]), aead})
	}
	return s, nil
}

// Seal encrypts a secret; the context (such as the tenant and the column)
// binds it to its place, so that it cannot be moved to another row. The text
// begins with the name of the key.
func (s *Sealer) Seal(t Text, context string) string {
	k := s.keys[0]
	nonce := make([]byte, k.aead.NonceSize())
	_, _ = rand.Read(nonce) // never fails, says crypto/rand
	return k.id + "." + base64.RawStdEncoding.EncodeToString(k.aead.Seal(nonce, nonce, []byte(t), []byte(context)))
}

// Open is the reverse of Seal.
func (s *Sealer) Open(sealed, context string) (Text, error) {
	id, text, named := strings.Cut(sealed, ".")
	if !named { // from before keys had names
		id, text = "", sealed
	}
	b, err := base64.RawStdEncoding.DecodeString(text)
	if err != nil {
		return "", errors.New("open secret: not a sealed secret")
	}
	for _, k := range s.keys {
		n := k.aead.NonceSize()
		if named && id != k.id || len(b) < n {
			continue
		}
		if plain, err := k.aead.Open(nil, b[:n], b[n:], []byte(context)); err == nil {
			return Text(plain), nil
		}
	}
	return "", errors.New("open secret: wrong key or wrong place")
}

// Current reports whether a secret was sealed with the first key.
func (s *Sealer) Current(sealed string) bool {
	return strings.HasPrefix(sealed, s.keys[0].id+".")
}
