package telemetry

import (
	"context"
	"log/slog"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"rmp/internal/trail"
)

// Spans records spans of OpenTelemetry.
type Spans struct {
	provider *sdk.TracerProvider
	tracer   trace.Tracer
}

var _ trail.Tracer = (*Spans)(nil)

// NewSpans records a share (0 to 1) of the traces that begin here, and those
// that a caller records.
func NewSpans(exporter sdk.SpanExporter, share float64, version string) *Spans {
	p := sdk.NewTracerProvider(sdk.WithBatcher(exporter), sdk.WithSampler(sdk.ParentBased(sdk.TraceIDRatioBased(share))),
		sdk.WithResource(resource.NewSchemaless(attribute.String("service.name", "rmp"), attribute.String("service.version", version))))
	return &Spans{p, p.Tracer("rmp")}
}

// Close sends what is recorded.
func (s *Spans) Close(ctx context.Context) error { return s.provider.Shutdown(ctx) }

// Start implements trail.Tracer.
func (s *Spans) Start(ctx context.Context, name string, attrs ...slog.Attr) (context.Context, func(error)) {
	ctx, span := s.tracer.Start(ctx, name)
	for _, a := range attrs {
		span.SetAttributes(attribute.String(a.Key, a.Value.String()))
	}
	return ctx, func(err error) {
		if err != nil {
			span.SetStatus(codes.Error, err.Error())
		}
		span.End()
	}
}

// Remote implements trail.Tracer.
func (s *Spans) Remote(ctx context.Context, traceparent string) context.Context {
	return propagation.TraceContext{}.Extract(ctx, propagation.MapCarrier{"traceparent": traceparent})
}
