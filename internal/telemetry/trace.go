package telemetry

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"rmp/internal/booking"
	"rmp/internal/fault"
	"rmp/internal/trail"
)

// Tracing makes spans of OpenTelemetry of the steps on a trail, and hands
// them to an exporter in the background. Where the exporter is slower than
// the work, spans are left out; nothing waits.
type Tracing struct {
	provider *sdktrace.TracerProvider
	tracer   trace.Tracer
}

// NewTracing begins it. ratio says which part of the work is traced.
func NewTracing(ctx context.Context, exporter sdktrace.SpanExporter, ratio float64, version string, m *Metrics, log *slog.Logger) (*Tracing, error) {
	if ratio < 0 || ratio > 1 {
		return nil, fmt.Errorf("telemetry.sample-ratio: %v is not between 0 and 1", ratio)
	}
	what, err := resource.New(ctx, resource.WithAttributes(attribute.String("service.name", "rmp"), attribute.String("service.version", version),
		attribute.String("service.instance.id", rand.Text())), resource.WithFromEnv())
	if err != nil {
		return nil, fmt.Errorf("traces: %w", err)
	}
	p := sdktrace.NewTracerProvider(sdktrace.WithBatcher(&watched{SpanExporter: exporter, log: log, spans: m.spans}), sdktrace.WithResource(what),
		sdktrace.WithSampler(sdktrace.ParentBased(sdktrace.TraceIDRatioBased(ratio))))
	return &Tracing{provider: p, tracer: p.Tracer("rmp")}, nil
}

// Close sends what is left, as far as there is time.
func (t *Tracing) Close(ctx context.Context) error { return t.provider.Shutdown(ctx) }

// watched tells the log, now and then, that spans cannot be sent.
type watched struct {
	sdktrace.SpanExporter
	log   *slog.Logger
	spans *prometheus.CounterVec
	told  atomic.Int64
}

const tellEvery = time.Minute

// ExportSpans implements sdktrace.SpanExporter.
func (w *watched) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	err := w.SpanExporter.ExportSpans(ctx, spans)
	if err == nil {
		w.spans.WithLabelValues("sent").Add(float64(len(spans)))
		return nil
	}
	w.spans.WithLabelValues("failed").Add(float64(len(spans)))
	now, last := time.Now().UnixNano(), w.told.Load()
	if now-last >= int64(tellEvery) && w.told.CompareAndSwap(last, now) {
		w.log.WarnContext(ctx, "traces cannot be sent", "err", err)
	}
	return nil // it is told here; OpenTelemetry would write to the standard error
}

// Start implements trail.Tracer.
func (t *Tracing) Start(ctx context.Context, name string, attrs ...slog.Attr) (context.Context, trail.Span) {
	return t.start(ctx, name, trace.WithAttributes(attributes(attrs)...))
}

func (t *Tracing) start(ctx context.Context, name string, options ...trace.SpanStartOption) (context.Context, *span) {
	ctx, s := t.tracer.Start(ctx, name, options...)
	if s.IsRecording() {
		ctx = trail.Active(ctx, t)
	}
	return ctx, &span{ctx, s}
}

type span struct {
	ctx context.Context
	trace.Span
}

// End implements trail.Span.
func (s *span) End(err error) {
	if !s.IsRecording() {
		return
	}
	for _, name := range []string{trail.Tenant, trail.Booking, trail.Job} {
		if v := trail.Get(s.ctx, name); v != "" {
			s.SetAttributes(attribute.String("rmp."+name, v))
		}
	}
	if err != nil {
		outcome := outcomeOf(err)
		s.SetAttributes(attribute.String("rmp.outcome", outcome))
		if !refusals[outcome] {
			s.SetStatus(codes.Error, outcome)
		}
	}
	s.Span.End()
}

// refusals are outcomes that are answers, no failures.
var refusals = map[string]bool{booking.OutcomeConflict: true, booking.OutcomePolicy: true, "exists": true, "no-account": true, "denied": true,
	string(fault.Invalid): true, string(fault.Malformed): true, string(fault.Unauthenticated): true, string(fault.Forbidden): true, string(fault.NotFound): true,
	string(fault.Stale): true, string(fault.TooLarge): true, string(fault.TooMany): true}

// outcomeOf is the kind of an error. Its text may hold addresses.
func outcomeOf(err error) string {
	if o := booking.OutcomeOf(err); o != string(fault.Internal) {
		return o
	}
	if k := kindOf(err); k != "refused" {
		return k
	}
	return string(fault.Internal)
}

func attributes(attrs []slog.Attr) []attribute.KeyValue {
	out := make([]attribute.KeyValue, 0, len(attrs))
	for _, a := range attrs {
		switch a.Value.Kind() {
		case slog.KindInt64:
			out = append(out, attribute.Int64(a.Key, a.Value.Int64()))
		case slog.KindBool:
			out = append(out, attribute.Bool(a.Key, a.Value.Bool()))
		default:
			out = append(out, attribute.String(a.Key, a.Value.String()))
		}
	}
	return out
}

// request begins the span of a request. A trusted caller's traceparent is what
// it belongs to; that of anybody else is noted as a link, so that a stranger
// can neither have everything traced nor write into the traces of others.
func (t *Tracing) request(ctx context.Context, r *http.Request, trusted bool) (context.Context, *span) {
	options := []trace.SpanStartOption{trace.WithSpanKind(trace.SpanKindServer), trace.WithAttributes(attribute.String("http.request.method", method(r)))}
	from := propagation.TraceContext{}.Extract(ctx, propagation.HeaderCarrier(r.Header))
	if caller := trace.SpanContextFromContext(from); caller.IsValid() {
		if trusted {
			ctx = from
		} else {
			options = append(options, trace.WithLinks(trace.Link{SpanContext: caller}))
		}
	}
	ctx, s := t.start(ctx, method(r), options...)
	if s.IsRecording() {
		trail.Note(ctx, trail.TraceID, s.SpanContext().TraceID().String())
	}
	return ctx, s
}

// answered ends the span of a request.
func (s *span) answered(status int) {
	if !s.IsRecording() {
		return
	}
	s.SetAttributes(attribute.Int("http.response.status_code", status), attribute.String("rmp.request_id", trail.Get(s.ctx, trail.RequestID)))
	if operation := trail.Get(s.ctx, trail.Operation); operation != "" {
		s.SetName(operation)
		s.SetAttributes(attribute.String("http.route", operation))
	}
	if status >= http.StatusInternalServerError {
		s.SetStatus(codes.Error, http.StatusText(status))
	}
	s.End(nil)
}

// method is one of the usual ones; what else a client sends is its own.
func method(r *http.Request) string {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return r.Method
	}
	return "_OTHER"
}
