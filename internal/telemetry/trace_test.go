package telemetry

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"rmp/communigate/ximss"
	"rmp/internal/booking"
	"rmp/internal/fault"
	"rmp/internal/trail"
)

func tracing(t *testing.T, to sdktrace.SpanExporter, ratio float64, m *Metrics, log *slog.Logger) *Tracing {
	t.Helper()
	x, err := NewTracing(t.Context(), to, ratio, "test", m, log)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// A stranger's traceparent is linked to; a proxy's is what the span belongs to.
func TestWhoseTraceARequestBelongsTo(t *testing.T) {
	out := tracetest.NewInMemoryExporter()
	x := tracing(t, out, 1, NewMetrics("test"), slog.New(slog.DiscardHandler))
	const id = "0af7651916cd43dd8448eb211c80319c"
	ask := func(trusted bool, flags string) {
		r := httptest.NewRequest("GET", "/api/v2/bookings", nil)
		r.Header.Set("Traceparent", "00-"+id+"-b7ad6b7169203331-"+flags)
		Requests{Log: slog.New(slog.DiscardHandler), Tracing: x, Trusted: func(*http.Request) bool { return trusted }}.Handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})).
			ServeHTTP(httptest.NewRecorder(), r)
		if err := x.provider.ForceFlush(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	ask(true, "01")
	ask(true, "00") // the proxy has decided against it
	ask(false, "00")
	got := out.GetSpans()
	if len(got) != 2 {
		t.Fatalf("%d spans", len(got))
	}
	if got[0].SpanContext.TraceID().String() != id || !got[0].Parent.IsRemote() || len(got[0].Links) != 0 {
		t.Errorf("of a proxy: %+v", got[0])
	}
	if got[1].SpanContext.TraceID().String() == id || got[1].Parent.IsValid() || len(got[1].Links) != 1 || got[1].Links[0].SpanContext.TraceID().String() != id {
		t.Errorf("of a stranger: %+v", got[1])
	}
}

func TestSpansTellKindsOfErrorsOnly(t *testing.T) {
	out := tracetest.NewInMemoryExporter()
	x := tracing(t, out, 1, NewMetrics("test"), slog.New(slog.DiscardHandler))
	ctx, root := trail.Root(trail.WithTracer(t.Context(), x), "job test")
	for _, err := range []error{nil, &booking.ConflictError{}, fault.New(fault.Unknown, "anna@example.test"), fmt.Errorf("calendar of anna@example.test: %w", ximss.ErrSlow),
		&ximss.Error{Num: 500, Text: "anna@example.test"}, errors.New("anna@example.test")} {
		_, s := trail.Start(ctx, "step", slog.Int("n", 1))
		s.End(err)
	}
	root.End(nil)
	if err := x.provider.ForceFlush(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := []struct {
		outcome string
		code    codes.Code
	}{{"", codes.Unset}, {"conflict", codes.Unset}, {"unknown", codes.Error}, {"slow", codes.Error}, {"internal", codes.Error}, {"internal", codes.Error}}
	for i, s := range out.GetSpans()[:len(want)] {
		outcome := ""
		for _, a := range s.Attributes {
			if a.Key == "rmp.outcome" {
				outcome = a.Value.AsString()
			}
		}
		if outcome != want[i].outcome || s.Status.Code != want[i].code || strings.Contains(fmt.Sprint(s), "anna") {
			t.Errorf("%d: %q %v: %v", i, outcome, s.Status, s)
		}
	}
}

func TestWhatIsNotSampledCostsNoSpans(t *testing.T) {
	out := tracetest.NewInMemoryExporter()
	x := tracing(t, out, 0, NewMetrics("test"), slog.New(slog.DiscardHandler))
	ctx, _ := trail.Root(trail.WithTracer(t.Context(), x), "job test")
	if trail.Traced(ctx) {
		t.Error("steps of what is not sampled are traced")
	}
	if inner, _ := trail.Start(ctx, "step"); inner != ctx {
		t.Error("a step of nothing made a context")
	}
	if _, err := NewTracing(t.Context(), out, 1.5, "", NewMetrics("test"), nil); err == nil {
		t.Error("a ratio above 1 is taken")
	}
}

// away is a collector that cannot be reached.
type away struct{}

func (away) ExportSpans(context.Context, []sdktrace.ReadOnlySpan) error { return errors.New("refused") }

func (away) Shutdown(context.Context) error { return nil }

func TestACollectorThatIsAwayIsToldOnce(t *testing.T) {
	var text bytes.Buffer
	m := NewMetrics("test")
	x := tracing(t, away{}, 1, m, NewLog(&text, Text, slog.LevelInfo))
	for range 3 {
		_, s := trail.Root(trail.WithTracer(t.Context(), x), "job test")
		s.End(nil)
		if err := x.provider.ForceFlush(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if n := strings.Count(text.String(), "traces cannot be sent"); n != 1 {
		t.Errorf("told %d times: %s", n, text.String())
	}
	wants(t, scrape(t, m), `rmp_trace_spans_total{result="failed"} 3`)
}
