// Package trail carries through a context what log lines and spans of one
// piece of work have in common: the request, the tenant, the booking, and the
// tracer that records its spans. Without any of it everything here does
// nothing. It knows no technology: the tracer is an interface.
package trail

import (
	"context"
	"log/slog"
	"slices"
)

type attrsKey struct{}

// With adds an attribute to all log lines below the context.
func With(ctx context.Context, key, value string) context.Context {
	have, _ := ctx.Value(attrsKey{}).([]slog.Attr)
	return context.WithValue(ctx, attrsKey{}, append(slices.Clip(have), slog.String(key, value)))
}

// Handler adds what a context carries to each line. A key that a line has
// itself is not repeated.
type Handler struct{ slog.Handler }

// Handle implements slog.Handler.
func (h Handler) Handle(ctx context.Context, r slog.Record) error {
	carried, _ := ctx.Value(attrsKey{}).([]slog.Attr)
	if len(carried) == 0 {
		return h.Handler.Handle(ctx, r)
	}
	own := map[string]bool{}
	r.Attrs(func(a slog.Attr) bool {
		own[a.Key] = true
		return true
	})
	r = r.Clone()
	for _, a := range carried {
		if !own[a.Key] {
			r.AddAttrs(a)
		}
	}
	return h.Handler.Handle(ctx, r)
}

// WithAttrs implements slog.Handler.
func (h Handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return Handler{h.Handler.WithAttrs(attrs)}
}

// WithGroup implements slog.Handler.
func (h Handler) WithGroup(name string) slog.Handler { return Handler{h.Handler.WithGroup(name)} }

// Tracer records spans.
type Tracer interface {
	// Start begins a span below that of the context; the function ends it.
	Start(ctx context.Context, name string, attrs ...slog.Attr) (context.Context, func(err error))
	// Remote continues the trace that a caller names in a W3C traceparent.
	Remote(ctx context.Context, traceparent string) context.Context
}

type tracerKey struct{}

// WithTracer has spans below the context recorded. A nil tracer records none.
func WithTracer(ctx context.Context, t Tracer) context.Context {
	if t == nil {
		return ctx
	}
	return context.WithValue(ctx, tracerKey{}, t)
}

// Span begins a span, and answers how it ends. Attributes must not be about
// persons: no names, addresses or titles.
func Span(ctx context.Context, name string, attrs ...slog.Attr) (context.Context, func(err error)) {
	t, ok := ctx.Value(tracerKey{}).(Tracer)
	if !ok {
		return ctx, func(error) {}
	}
	return t.Start(ctx, name, attrs...)
}
