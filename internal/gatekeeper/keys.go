package gatekeeper

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"time"

	"rmp/internal/secret"
)

// SigningKey signs access tokens (HS256).
type SigningKey struct {
	ID        string
	Secret    secret.Text // sealed in storage
	CreatedAt time.Time
}

const (
	// KeysKept is how many keys are alive: the one that signs, and its
	// predecessor, whose tokens end within AccessLifetime.
	KeysKept = 2

	keysFresh = 30 * time.Second // how old the copy of the keys may be
	keysPause = time.Second      // between two readings for a key that is not known
)

// NewSigningKey makes a key.
func NewSigningKey(now time.Time) SigningKey {
	return SigningKey{ID: rand.Text()[:8], Secret: secret.Random() + secret.Random(), CreatedAt: now}
}

// RotateKeys makes a new key the one that signs. Running processes take it up
// within half a minute, and know tokens that others sign with it at once.
func RotateKeys(ctx context.Context, s Store, now time.Time) (SigningKey, error) {
	k := NewSigningKey(now)
	return k, s.AddSigningKey(ctx, k, KeysKept)
}

// keyring is a copy of the keys.
type keyring struct {
	store Store
	now   func() time.Time

	mu   sync.Mutex
	keys []SigningKey // newest first
	read time.Time
}

// signing is the key to sign with.
func (r *keyring) signing(ctx context.Context) (SigningKey, error) {
	keys, err := r.fresh(ctx, keysFresh)
	if err != nil {
		return SigningKey{}, err
	}
	return keys[0], nil
}

var errNoKey = errors.New("no such signing key")

// byID is the key of an id that a token names.
func (r *keyring) byID(ctx context.Context, id string) (SigningKey, error) {
	for _, age := range []time.Duration{keysFresh, keysPause} {
		keys, err := r.fresh(ctx, age)
		if err != nil {
			return SigningKey{}, err
		}
		for _, k := range keys {
			if k.ID == id {
				return k, nil
			}
		}
	}
	return SigningKey{}, errNoKey
}

// fresh answers the keys as they were at most so long ago. Where they cannot
// be read, those that are known go on serving.
func (r *keyring) fresh(ctx context.Context, age time.Duration) ([]SigningKey, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.now()
	if len(r.keys) > 0 && now.Sub(r.read) < age {
		return r.keys, nil
	}
	keys, err := r.store.SigningKeys(ctx)
	if err == nil && len(keys) == 0 {
		if err = r.store.FirstSigningKey(ctx, NewSigningKey(now)); err == nil {
			keys, err = r.store.SigningKeys(ctx)
		}
	}
	switch {
	case err != nil && len(r.keys) > 0:
		return r.keys, nil
	case err != nil:
		return nil, fmt.Errorf("signing keys: %w", err)
	case len(keys) == 0:
		return nil, errNoKey
	}
	r.keys, r.read = keys[:min(len(keys), KeysKept)], now
	return r.keys, nil
}
