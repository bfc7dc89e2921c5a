package trail

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
)

func TestLinesCarryWhatTheContextHas(t *testing.T) {
	var out bytes.Buffer
	log := slog.New(Handler{slog.NewJSONHandler(&out, nil)}).With("process", "one")
	ctx := With(With(context.Background(), "requestId", "r1"), "tenant", "a")
	log.InfoContext(ctx, "hello", "tenant", "b")
	log.Info("outside")
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if !strings.Contains(lines[0], `"requestId":"r1"`) || strings.Count(lines[0], `"tenant"`) != 1 || !strings.Contains(lines[0], `"tenant":"b"`) || !strings.Contains(lines[0], `"process":"one"`) {
		t.Error(lines[0])
	}
	if strings.Contains(lines[1], "requestId") {
		t.Error(lines[1])
	}
	// Two contexts from one do not write into each other.
	one, two := With(ctx, "booking", "1"), With(ctx, "booking", "2")
	out.Reset()
	log.InfoContext(one, "x")
	if !strings.Contains(out.String(), `"booking":"1"`) {
		t.Error(out.String())
	}
	_ = two
}

type recorder struct{ spans []string }

func (r *recorder) Start(ctx context.Context, name string, _ ...slog.Attr) (context.Context, func(error)) {
	return ctx, func(err error) {
		if err != nil {
			name += " " + err.Error()
		}
		r.spans = append(r.spans, name)
	}
}

func (r *recorder) Remote(ctx context.Context, _ string) context.Context { return ctx }

func TestSpans(t *testing.T) {
	_, end := Span(context.Background(), "nobody listens")
	end(nil)
	r := &recorder{}
	_, end = Span(WithTracer(context.Background(), r), "one")
	end(errors.New("failed"))
	if len(r.spans) != 1 || r.spans[0] != "one failed" {
		t.Error(r.spans)
	}
}
