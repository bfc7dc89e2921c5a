package api

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"net/netip"
	"runtime/debug"
	"time"

	"rmp/internal/fault"
	"rmp/internal/trail"
	"rmp/internal/webauth"
	"rmp/internal/wording"
)

type requestKey struct{}

type requestInfo struct {
	id, path string
	language string     // that texts are said in
	secure   bool       // the client reached us over TLS
	address  netip.Addr // of the client
	notes    map[string]string
}

func requestAddress(ctx context.Context) netip.Addr {
	i, _ := ctx.Value(requestKey{}).(requestInfo)
	return i.address
}

// note adds to what the audit log says of the request: pairs of name and
// value, without secrets. Empty values are left out.
func note(ctx context.Context, pairs ...string) {
	i, ok := ctx.Value(requestKey{}).(requestInfo)
	for k := 0; ok && k+1 < len(pairs); k += 2 {
		if pairs[k+1] != "" {
			i.notes[pairs[k]] = clip(pairs[k+1])
		}
	}
}

func noted(ctx context.Context) map[string]string {
	i, _ := ctx.Value(requestKey{}).(requestInfo)
	return i.notes
}

func isSecure(ctx context.Context) bool {
	i, _ := ctx.Value(requestKey{}).(requestInfo)
	return i.secure
}

func requestID(ctx context.Context) string {
	i, _ := ctx.Value(requestKey{}).(requestInfo)
	return i.id
}

func requestLanguage(ctx context.Context) string {
	i, _ := ctx.Value(requestKey{}).(requestInfo)
	return i.language
}

func requestPath(ctx context.Context) string {
	i, _ := ctx.Value(requestKey{}).(requestInfo)
	return i.path
}

// Handler is the API with all that every request passes through.
func (a *API) Handler() http.Handler {
	var h http.Handler = a.mux
	h = a.idempotent(h)
	h = a.limited(h)
	h = a.authenticate(h)
	h = a.sameOrigin(h)
	h = a.bounded(h)
	return a.envelope(h)
}

// envelope gives each request an id and a deadline, survives a panic of a
// handler, and measures.
func (a *API) envelope(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := trail.Get(r.Context(), trail.RequestID)
		started := a.Now()
		ctx := r.Context()
		if id == "" { // nothing around the API has begun one
			id = rand.Text()
			ctx = trail.Begin(ctx, trail.RequestID, id)
		}
		ctx = context.WithValue(ctx, requestKey{}, requestInfo{id: id, path: r.URL.Path, language: wording.Best(r.Header.Get("Accept-Language")),
			secure: webauth.Secure(r, a.Proxies), address: webauth.Address(r, a.Proxies), notes: map[string]string{}})
		limit := requestTime
		if r.URL.Path == eventsPath {
			limit = streamTime
		}
		ctx, cancel := context.WithTimeout(ctx, limit)
		defer cancel()
		r = r.WithContext(ctx)
		h := w.Header()
		h.Set("X-Request-Id", id)
		webauth.Headers(h, isSecure(ctx))
		h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'")
		h.Set("Cache-Control", "no-store")
		rec := &statusRecorder{ResponseWriter: w, status: http.StatusOK}
		defer func() {
			if v := recover(); v != nil {
				if v == http.ErrAbortHandler { //nolint:errorlint // it is what was panicked with
					panic(v)
				}
				a.log.ErrorContext(ctx, "panic in a handler", "panic", fmt.Sprint(v), "stack", string(debug.Stack()))
				if !rec.wrote {
					a.writeProblem(rec, r, fault.New(fault.Internal, "something went wrong on our side; the log has it under the request id"))
				}
			}
			operation := a.route(r)
			trail.Note(ctx, trail.Operation, operation)
			if a.Observe != nil {
				a.Observe(operation, rec.status, a.Now().Sub(started))
			}
		}()
		next.ServeHTTP(rec, r)
	})
}

// route is the pattern of the operation, without the values in the path, so
// that metrics stay few.
func (a *API) route(r *http.Request) string {
	_, pattern := a.mux.Handler(r)
	if pattern == "" {
		return "other" // the method is the client's choice
	}
	return pattern
}

type statusRecorder struct {
	http.ResponseWriter
	status int
	wrote  bool
}

func (r *statusRecorder) WriteHeader(status int) {
	if !r.wrote {
		r.status, r.wrote = status, true
	}
	r.ResponseWriter.WriteHeader(status)
}

func (r *statusRecorder) Write(b []byte) (int, error) {
	r.wrote = true
	return r.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController reach the connection.
func (r *statusRecorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

// sameOrigin refuses what another site makes a browser send along with the
// cookies. A bearer token is not sent by a browser on its own, so requests
// with one pass.
func (a *API) sameOrigin(next http.Handler) http.Handler {
	protection := http.NewCrossOriginProtection()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") == "" {
			if err := protection.Check(r); err != nil {
				a.writeProblem(w, r, fault.New(fault.Forbidden, "this request comes from another site"))
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

// authenticate names the principal of a request that carries a token. One
// without, or with a dead one, goes on as nobody; the operations refuse it
// where they need somebody.
func (a *API) authenticate(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if token, _ := webauth.AccessToken(r); token != "" {
			p, err := a.Gatekeeper.Verify(r.Context(), token)
			switch {
			case err == nil:
				trail.Note(r.Context(), trail.Tenant, string(p.Tenant))
				r = r.WithContext(webauth.WithPrincipal(r.Context(), p))
			case fault.CodeOf(err) != fault.Unauthenticated:
				a.writeProblem(w, r, err)
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

// writeProblem answers an error outside of an operation.
func (a *API) writeProblem(w http.ResponseWriter, r *http.Request, err error) {
	p := a.problem(r.Context(), err)
	for k, v := range p.headers {
		w.Header()[k] = v
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p) // the client may be gone
}

// idempotencyStale is after how long a request that began and never ended (a
// process was killed) may be tried again under its key.
const idempotencyStale = requestTime + 5*time.Second
