// Package trail carries with a context what is known of a piece of work, a
// request or a background job: names that each line of the log about it is to
// have, and where its steps are traced.
//
// The ways in begin a trail; whoever learns a name on the way (of the tenant,
// of the booking) notes it, and lines that are logged later have it, whoever
// logs them. Steps are traced by Start, which costs a look into the context
// where nobody traces. Neither knows of a technology: package telemetry makes
// lines of a log and spans of OpenTelemetry of it.
//
// What is noted must be no secret. What is given to a span must besides be of
// nobody's: codes, counts and names of operations, no titles and addresses.
package trail

import (
	"context"
	"log/slog"
	"slices"
	"sync"
)

// Names that are noted.
const (
	RequestID = "requestId"
	TraceID   = "traceId"
	Tenant    = "tenant"
	Booking   = "booking"
	Job       = "job"
	Run       = "run"
	Operation = "operation"
)

type trailKey struct{}

// notes are what is known of one piece of work; work that goes on after the
// request notes and reads at the same time.
type notes struct {
	mu    sync.Mutex
	attrs []slog.Attr
}

// Begin begins a trail: what was known so far, and pairs of name and value.
// What is noted on it does not show on the one it began from.
func Begin(ctx context.Context, pairs ...string) context.Context {
	n := &notes{attrs: make([]slog.Attr, 0, 6)}
	n.attrs = append(n.attrs, Noted(ctx)...)
	ctx = context.WithValue(ctx, trailKey{}, n)
	for i := 0; i+1 < len(pairs); i += 2 {
		Note(ctx, pairs[i], pairs[i+1])
	}
	return ctx
}

// Note adds a name to the trail, or gives it another value. Where no trail
// was begun, and of an empty value, nothing is noted.
func Note(ctx context.Context, name, value string) {
	n, ok := ctx.Value(trailKey{}).(*notes)
	if !ok || value == "" {
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	i := slices.IndexFunc(n.attrs, func(a slog.Attr) bool { return a.Key == name })
	if i < 0 {
		n.attrs = append(n.attrs, slog.String(name, value))
		return
	}
	n.attrs[i] = slog.String(name, value)
}

// Noted is what is known so far.
func Noted(ctx context.Context) []slog.Attr {
	n, ok := ctx.Value(trailKey{}).(*notes)
	if !ok {
		return nil
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.attrs)
}

// Get answers one value, or nothing.
func Get(ctx context.Context, name string) string {
	n, ok := ctx.Value(trailKey{}).(*notes)
	if !ok {
		return ""
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, a := range n.attrs {
		if a.Key == name {
			return a.Value.String()
		}
	}
	return ""
}

// Tracer makes spans.
type Tracer interface {
	// Start begins a span below that of the context, if there is one. Where
	// the span is recorded, the context it answers is made by Active.
	Start(ctx context.Context, name string, attrs ...slog.Attr) (context.Context, Span)
}

// Span is a step at work.
type Span interface {
	// End ends it; of an error only the kind is kept.
	End(err error)
}

type (
	idleKey   struct{}
	activeKey struct{}
)

// WithTracer has the work traced that begins on the context with Root.
func WithTracer(ctx context.Context, t Tracer) context.Context {
	return context.WithValue(ctx, idleKey{}, t)
}

// Active has the steps traced that are begun on the context.
func Active(ctx context.Context, t Tracer) context.Context {
	return context.WithValue(ctx, activeKey{}, t)
}

// Root begins a piece of work that is a trace of its own.
func Root(ctx context.Context, name string, attrs ...slog.Attr) (context.Context, Span) {
	t, ok := ctx.Value(idleKey{}).(Tracer)
	if !ok {
		return ctx, nothing{}
	}
	return t.Start(ctx, name, attrs...)
}

// Start begins a step of the work that is traced. Where none is, the context
// is the same and the span does nothing.
func Start(ctx context.Context, name string, attrs ...slog.Attr) (context.Context, Span) {
	t, ok := ctx.Value(activeKey{}).(Tracer)
	if !ok {
		return ctx, nothing{}
	}
	return t.Start(ctx, name, attrs...)
}

// Traced reports whether steps are traced: for what costs something.
func Traced(ctx context.Context) bool { return ctx.Value(activeKey{}) != nil }

type nothing struct{}

func (nothing) End(error) {}
