package gatekeeper

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/argon2"
	"golang.org/x/crypto/bcrypt"
	"golang.org/x/sync/semaphore"

	"rmp/internal/fault"
	"rmp/internal/secret"
)

// Parameters of new hashes: argon2id with 19 MiB, 2 passes and 1 lane, the
// recommendation of OWASP's password storage cheat sheet.
const (
	argonMemory = 19 << 10 // KiB
	argonTime   = 2
	argonLanes  = 1
	argonSalt   = 16
	argonKey    = 32

	// What a stored hash may ask for at most: a row that was tampered with
	// shall not exhaust the machine.
	mostArgonMemory = 256 << 10
	mostArgonTime   = 16
	mostBcryptCost  = 16

	minPassword = 8
	maxPassword = 1024 // bytes
)

// HashPassword makes the hash that a user row holds.
func HashPassword(password secret.Text) (string, error) {
	switch n := len(password); {
	case n > maxPassword:
		return "", fault.InvalidField("/password", "is longer than %d bytes", maxPassword)
	case n < minPassword:
		return "", fault.InvalidField("/password", "is shorter than %d bytes", minPassword)
	}
	return argonHash(password), nil
}

func argonHash(password secret.Text) string {
	salt := make([]byte, argonSalt)
	_, _ = rand.Read(salt) // never fails, says crypto/rand
	key := argon2.IDKey([]byte(password.Reveal()), salt, argonTime, argonMemory, argonLanes, argonKey)
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, argonMemory, argonTime, argonLanes, b64.EncodeToString(salt), b64.EncodeToString(key))
}

// CheckHash reports why a hash, from an import perhaps, is of no use.
func CheckHash(hash string) error {
	if strings.HasPrefix(hash, "$argon2id$") {
		_, err := parseArgon(hash)
		return err
	}
	cost, err := bcrypt.Cost([]byte(hash))
	switch {
	case err != nil:
		return errors.New("is neither bcrypt nor argon2id")
	case cost > mostBcryptCost:
		return fmt.Errorf("has a bcrypt cost of %d; at most %d is taken", cost, mostBcryptCost)
	}
	return nil
}

type argonHashed struct {
	memory, time uint32
	lanes        uint8
	salt, key    []byte
}

func parseArgon(hash string) (a argonHashed, err error) {
	var version int
	parts := strings.Split(hash, "$")
	if len(parts) != 6 {
		return a, errors.New("is not an argon2id hash")
	}
	if _, err := fmt.Sscanf(parts[2], "v=%d", &version); err != nil || version != argon2.Version {
		return a, errors.New("is of an unknown version of argon2")
	}
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &a.memory, &a.time, &a.lanes); err != nil {
		return a, errors.New("has no argon2 parameters")
	}
	if a.memory > mostArgonMemory || a.time > mostArgonTime || a.time < 1 || a.lanes < 1 {
		return a, errors.New("has argon2 parameters out of bounds")
	}
	if a.salt, err = base64.RawStdEncoding.DecodeString(parts[4]); err == nil {
		a.key, err = base64.RawStdEncoding.DecodeString(parts[5])
	}
	if err != nil || len(a.salt) < 8 || len(a.key) < 16 || len(a.salt) > 64 || len(a.key) > 64 {
		return a, errors.New("has no argon2 salt or key")
	}
	return a, nil
}

// outdated reports whether a hash was made with other parameters than new
// ones are.
func outdated(hash string) bool {
	a, err := parseArgon(hash)
	return err != nil || a.memory != argonMemory || a.time != argonTime || a.lanes != argonLanes || len(a.key) != argonKey
}

// hasher compares passwords, a bounded number at a time: each takes 19 MiB.
type hasher struct {
	slots   *semaphore.Weighted
	most    int64 // that may wait
	waiting atomic.Int64
	decoy   string // hash that an unknown person's password is compared with
}

func newHasher() *hasher {
	n := min(int64(runtime.GOMAXPROCS(0)), 8)
	return &hasher{slots: semaphore.NewWeighted(n), most: 64 * n, decoy: argonHash(secret.Random())}
}

// compare checks a password against a hash, or against the decoy where there
// is none.
func (h *hasher) compare(ctx context.Context, hash string, password secret.Text) (bool, error) {
	if h.waiting.Add(1) > h.most {
		h.waiting.Add(-1)
		return false, &fault.Error{Code: fault.Unavailable, Text: "too many people are signing in; try again", RetryAfter: 2 * time.Second}
	}
	err := h.slots.Acquire(ctx, 1)
	h.waiting.Add(-1)
	if err != nil {
		return false, fault.Wrap(err, fault.Unavailable, "too many people are signing in; try again")
	}
	defer h.slots.Release(1)
	real := hash != "" && len(password) <= maxPassword
	if !real {
		hash, password = h.decoy, password[:min(len(password), maxPassword)]
	}
	if strings.HasPrefix(hash, "$argon2id$") {
		a, err := parseArgon(hash)
		if err != nil {
			return false, fmt.Errorf("stored password hash: %w", err)
		}
		key := argon2.IDKey([]byte(password.Reveal()), a.salt, a.time, a.memory, a.lanes, uint32(len(a.key)))
		return real && subtle.ConstantTimeCompare(key, a.key) == 1, nil
	}
	if err := CheckHash(hash); err != nil {
		return false, fmt.Errorf("stored password hash: %w", err)
	}
	return bcrypt.CompareHashAndPassword([]byte(hash), []byte(password.Reveal())) == nil, nil
}
