package api

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"rmp/internal/fault"
	"rmp/internal/tenant"
	"rmp/internal/webauth"
)

// Answer is a stored answer of a creating request.
type Answer struct {
	Status   int
	Type     string // Content-Type
	Location string
	ETag     string
	Body     []byte
	// Subject is the id of the booking that the request made before it ended
	// without an answer: a process was killed.
	Subject string
}

// Idempotency remembers creating requests of one tenant by person and key.
type Idempotency interface {
	// Begin notes that a request with the key and the hash of its body has
	// begun. It answers the stored answer of an earlier one, or nil if this
	// is the first. ErrKeyReused: the earlier had another body. ErrKeyBusy:
	// the earlier is still at work; one that began before stale is taken as
	// dead.
	Begin(ctx context.Context, person, key, hash string, now, stale time.Time) (*Answer, error)
	// Finish stores the answer.
	Finish(ctx context.Context, person, key string, a Answer) error
	// Release forgets a request that changed nothing, so that the key can be
	// used again.
	Release(ctx context.Context, person, key string) error
}

// Errors of Idempotency.Begin.
var (
	ErrKeyReused = errors.New("the key was used with another request")
	ErrKeyBusy   = errors.New("the request with the key is still at work")
)

const maxKey = 255

// withSecrets are where answers hold secrets, which are not to be kept: tokens,
// addresses of feeds, what a server tells an administrator.
var withSecrets = []string{"/api/v2/auth/", "/api/v2/feeds", "/api/v2/admin/cli"}

// idempotent gives the first answer again to a POST that repeats an
// Idempotency-Key.
func (a *API) idempotent(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		key := r.Header.Get("Idempotency-Key")
		p, signedIn := webauth.Principal(r.Context())
		if r.Method != http.MethodPost || key == "" || !signedIn || slices.ContainsFunc(withSecrets, func(path string) bool { return strings.HasPrefix(r.URL.Path, path) }) {
			next.ServeHTTP(w, r)
			return
		}
		if len(key) > maxKey {
			a.writeProblem(w, r, fault.InvalidField("header.Idempotency-Key", "longer than %d bytes", maxKey))
			return
		}
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
		if err != nil {
			var tooLarge *http.MaxBytesError
			if errors.As(err, &tooLarge) {
				a.writeProblem(w, r, fault.Wrap(err, fault.TooLarge, "the body is larger than %d bytes", maxBody))
				return
			}
			a.writeProblem(w, r, fault.Wrap(err, fault.Malformed, "the body could not be read"))
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		hash := sha256.New()
		_, _ = io.WriteString(hash, r.URL.RequestURI()+"\n")
		_, _ = hash.Write(body)
		store := a.Idempotency(p.Tenant)
		now := a.Now()
		stored, err := store.Begin(r.Context(), p.Email, key, hex.EncodeToString(hash.Sum(nil)), now, now.Add(-idempotencyStale))
		switch {
		case errors.Is(err, ErrKeyReused):
			a.writeProblem(w, r, fault.InvalidField("header.Idempotency-Key", "was used with another request"))
			return
		case errors.Is(err, ErrKeyBusy):
			a.writeProblem(w, r, &fault.Error{Code: fault.TooMany, Text: "the first request with this Idempotency-Key is still at work", RetryAfter: time.Second})
			return
		case err != nil:
			a.writeProblem(w, r, err)
			return
		case stored != nil && stored.Status == 0:
			if *stored, err = a.answerFor(r.Context(), p, stored.Subject); err != nil {
				a.writeProblem(w, r, err)
				return
			}
			if err := store.Finish(r.Context(), p.Email, key, *stored); err != nil {
				a.log.ErrorContext(r.Context(), "note the end of an idempotent request", "err", err)
			}
			replay(w, *stored)
			return
		case stored != nil:
			replay(w, *stored)
			return
		}
		rec := &answerRecorder{statusRecorder: statusRecorder{ResponseWriter: w, status: http.StatusOK}}
		finished := false
		defer func() { // also when the handler panics
			ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), 5*time.Second)
			defer cancel()
			if finished && rec.status < 300 {
				h := rec.Header()
				err = store.Finish(ctx, p.Email, key, Answer{Status: rec.status, Type: h.Get("Content-Type"),
					Location: h.Get("Location"), ETag: h.Get("ETag"), Body: rec.body.Bytes()})
			} else {
				err = store.Release(ctx, p.Email, key)
			}
			if err != nil {
				a.log.ErrorContext(ctx, "note the end of an idempotent request", "err", err)
			}
		}()
		next.ServeHTTP(rec, r)
		finished = true
	})
}

// answerFor is the answer that the request would have had.
func (a *API) answerFor(ctx context.Context, p tenant.Principal, id string) (Answer, error) {
	b, err := a.Bookings.Get(ctx, p, id)
	if err != nil {
		return Answer{}, err
	}
	body, err := json.Marshal(bookingOf(b, p))
	if err != nil {
		return Answer{}, err
	}
	return Answer{Status: http.StatusCreated, Type: "application/json", Location: "/api/v2/bookings/" + b.ID, ETag: etag(b.Version), Body: body}, nil
}

type answerRecorder struct {
	statusRecorder
	body bytes.Buffer
}

func (r *answerRecorder) Write(b []byte) (int, error) {
	r.body.Write(b)
	return r.statusRecorder.Write(b)
}

func replay(w http.ResponseWriter, a Answer) {
	set := func(name, value string) {
		if value != "" {
			w.Header().Set(name, value)
		}
	}
	set("Content-Type", a.Type)
	set("Location", a.Location)
	set("ETag", a.ETag)
	set("Idempotency-Replayed", "true")
	w.WriteHeader(a.Status)
	_, _ = w.Write(a.Body) // the client may be gone
}
