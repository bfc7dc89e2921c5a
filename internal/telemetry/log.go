package telemetry

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"slices"

	"rmp/internal/trail"
)

// Formats of the log.
const (
	Text = "text"
	JSON = "json"
)

// NewLog makes a log whose lines carry what is known of the work they are
// about: requestId, tenant, booking, job. The level may be changed while it
// is in use.
func NewLog(w io.Writer, format string, level slog.Leveler) *slog.Logger {
	options := &slog.HandlerOptions{Level: level}
	if format == JSON {
		return slog.New(named{slog.NewJSONHandler(w, options)})
	}
	return slog.New(named{slog.NewTextHandler(w, options)})
}

// ParseLevel reads a level of the configuration.
func ParseLevel(s string) (slog.Level, error) {
	var l slog.Level
	if err := l.UnmarshalText([]byte(s)); err != nil {
		return l, fmt.Errorf("log-level: %q is not debug, info, warn or error", s)
	}
	return l, nil
}

// named adds the names of the context's trail to records. What a line says
// itself comes before what the trail knows.
type named struct{ slog.Handler }

// Handle implements slog.Handler.
func (h named) Handle(ctx context.Context, r slog.Record) error {
	noted := trail.Noted(ctx)
	if len(noted) == 0 {
		return h.Handler.Handle(ctx, r)
	}
	said := make([]string, 0, 8)
	r.Attrs(func(a slog.Attr) bool {
		said = append(said, a.Key)
		return true
	})
	r = r.Clone()
	for _, a := range noted {
		if !slices.Contains(said, a.Key) {
			r.AddAttrs(a)
		}
	}
	return h.Handler.Handle(ctx, r)
}

// WithAttrs implements slog.Handler.
func (h named) WithAttrs(attrs []slog.Attr) slog.Handler { return named{h.Handler.WithAttrs(attrs)} }

// WithGroup implements slog.Handler.
func (h named) WithGroup(name string) slog.Handler { return named{h.Handler.WithGroup(name)} }

// CountLines has the lines of a log counted by their level.
func (m *Metrics) CountLines(log *slog.Logger) *slog.Logger {
	return slog.New(counted{log.Handler(), m})
}

type counted struct {
	slog.Handler
	m *Metrics
}

// Handle implements slog.Handler.
func (h counted) Handle(ctx context.Context, r slog.Record) error {
	h.m.lines.WithLabelValues(levelName(r.Level)).Inc()
	return h.Handler.Handle(ctx, r)
}

// WithAttrs implements slog.Handler.
func (h counted) WithAttrs(attrs []slog.Attr) slog.Handler {
	return counted{h.Handler.WithAttrs(attrs), h.m}
}

// WithGroup implements slog.Handler.
func (h counted) WithGroup(name string) slog.Handler { return counted{h.Handler.WithGroup(name), h.m} }

func levelName(l slog.Level) string {
	switch {
	case l >= slog.LevelError:
		return "ERROR"
	case l >= slog.LevelWarn:
		return "WARN"
	case l >= slog.LevelInfo:
		return "INFO"
	}
	return "DEBUG"
}
