package telemetry

import (
	"context"
	"crypto/rand"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"rmp/internal/trail"
)

// Requests watches the requests of all ways in.
type Requests struct {
	Log     *slog.Logger
	Tracing *Tracing // nil: nothing is traced
	// Trusted reports whether a request's word on the trace that it belongs to
	// counts.
	Trusted  func(*http.Request) bool
	Slow     time.Duration // what takes longer is slow; 0: nothing is
	Metrics  *Metrics      // that slow requests are counted in; may be nil
	Recorder *Recorder     // nil: none
}

// Handler begins a trail for each request, and tells of it when it is
// answered.
func (w Requests) Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		started := time.Now()
		ctx := trail.Begin(r.Context(), trail.RequestID, rand.Text())
		var step *span
		if w.Tracing != nil && worthTracing(r.URL.Path) {
			ctx, step = w.Tracing.request(ctx, r, w.Trusted != nil && w.Trusted(r))
		}
		ended := func() {}
		if w.Recorder != nil {
			ctx, ended = w.Recorder.begin(ctx, w.Tracing)
		}
		rec := &recorder{ResponseWriter: rw, status: http.StatusOK}
		defer func() { // also of one whose handler gives the connection up
			took := time.Since(started)
			// The path is left out: that of a calendar feed is a secret. The
			// API notes the operation.
			w.Log.DebugContext(ctx, "request", "method", r.Method, "status", rec.status, "took", took)
			if step != nil {
				step.answered(rec.status)
			}
			ended()
			// An event stream is meant to last.
			if w.Slow > 0 && took >= w.Slow && !strings.HasPrefix(rec.Header().Get("Content-Type"), "text/event-stream") {
				w.slow(ctx, took)
			}
		}()
		next.ServeHTTP(rec, r.WithContext(ctx))
	})
}

func (w Requests) slow(ctx context.Context, took time.Duration) {
	if w.Metrics != nil {
		w.Metrics.slow.Inc()
	}
	if w.Recorder != nil {
		w.Recorder.Slow(ctx, took)
		return
	}
	w.Log.WarnContext(ctx, "a request was slow", "took", took)
}

// worthTracing leaves out what machines ask for all the time, and files.
func worthTracing(path string) bool {
	return path != "/metrics" && path != "/healthz" && path != "/readyz" && !strings.HasPrefix(path, "/assets/")
}

// recorder notes the status of an answer.
type recorder struct {
	http.ResponseWriter
	status int
	wrote  bool
}

// WriteHeader implements http.ResponseWriter.
func (r *recorder) WriteHeader(status int) {
	if !r.wrote && status >= http.StatusOK {
		r.status, r.wrote = status, true
	}
	r.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (r *recorder) Write(b []byte) (int, error) {
	r.wrote = true
	return r.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController reach the connection.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }
