package app

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/netip"
	"os"
	"os/signal"
	"syscall"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"rmp/internal/api"
	"rmp/internal/config"
	"rmp/internal/fault"
	"rmp/internal/gatekeeper"
	"rmp/internal/groupware"
	"rmp/internal/store"
	"rmp/internal/telemetry"
	"rmp/internal/trail"
)

// Program is what the main package brings along.
type Program struct {
	Version string
	// Exporter makes the exporter of spans; it is large, and so is brought by
	// the program that wants it.
	Exporter func(ctx context.Context, endpoint string) (sdktrace.SpanExporter, error)
	// LogLevel reads the level anew, from the configuration as it is now.
	LogLevel func() (string, error)
}

// observed is all that watches a process.
type observed struct {
	metrics  *telemetry.Metrics
	tracer   trail.Tracer // nil: none
	recorder *telemetry.Recorder
	close    func(ctx context.Context) error
}

// observe begins to watch. What it begins, close ends.
func observe(ctx context.Context, c config.Serve, p Program, log *slog.Logger) (observed, error) {
	o := observed{metrics: telemetry.NewMetrics(p.Version), close: func(context.Context) error { return nil }}
	if c.OTLPEndpoint != "" && p.Exporter != nil {
		if c.TraceShare < 0 || c.TraceShare > 1 {
			return o, errors.New("trace-share: is not from 0 to 1")
		}
		e, err := p.Exporter(ctx, c.OTLPEndpoint)
		if err != nil {
			return o, errors.Join(errors.New("otlp-endpoint"), err)
		}
		spans := telemetry.NewSpans(e, c.TraceShare, p.Version)
		o.tracer, o.close = spans, spans.Close
	}
	if c.FlightRecorder != "" {
		r, err := telemetry.NewRecorder(c.FlightRecorder, c.SlowRequest, log, o.metrics.Recorded)
		if err != nil {
			return o, err
		}
		o.recorder = r
		end := o.close
		o.close = func(ctx context.Context) error {
			r.Close()
			return end(ctx)
		}
	}
	return o, nil
}

// request is told of each request that was answered.
func (o observed) request(id, operation string, status int, took time.Duration) {
	o.metrics.Request(operation, status, took)
	if o.recorder != nil && operation != "GET /api/v2/events" { // a stream is long, not slow
		o.recorder.Request(id, operation, took, time.Now())
	}
}

// signIn wraps the record of sign-ins by the page.
func (o observed) signIn(record func(ctx context.Context, from netip.Addr, action, email string, t gatekeeper.Tokens, err error)) func(context.Context, netip.Addr, string, string, gatekeeper.Tokens, error) {
	statuses := map[fault.Code]int{fault.TooMany: 429, fault.Unavailable: 503, fault.Timeout: 504, fault.BadGateway: 502, fault.Internal: 500}
	return func(ctx context.Context, from netip.Addr, action, email string, t gatekeeper.Tokens, err error) {
		status := 200
		if err != nil {
			status = 401
			if s, ok := statuses[fault.CodeOf(err)]; ok {
				status = s
			}
		}
		o.metrics.SignIn(status)
		record(ctx, from, action, email, t, err)
	}
}

// watch shows what is read when the metrics are.
func (o observed) watch(db *store.DB, gw *groupware.Groupware, e *engine, a *api.API) {
	o.metrics.Watch(telemetry.Sources{Backlog: db.Backlog, Checks: db.OldestCheck, Database: db.Stats, Groupware: gw.Stats, Cache: e.availability.Kept, API: a.Load, Now: time.Now})
}

// onHangUp does what operators expect of the signal HUP: the log level is read
// again, and the certificate.
func onHangUp(ctx context.Context, level *slog.LevelVar, read func() (string, error), certificate *certificate, log *slog.Logger) {
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	defer signal.Stop(hup)
	for {
		select {
		case <-ctx.Done():
			return
		case <-hup:
		}
		if read != nil {
			if text, err := read(); err != nil {
				log.ErrorContext(ctx, "the configuration cannot be read again; the log level stays", "err", err)
			} else if l, err := parseLevel(text); err == nil {
				level.Set(l)
				log.Log(ctx, l, "the configuration was read again", "logLevel", text)
			}
		}
		if certificate != nil {
			if err := certificate.load(); err != nil {
				log.ErrorContext(ctx, "the certificate cannot be read again; the former one goes on serving", "err", err)
			}
		}
	}
}

func parseLevel(text string) (l slog.Level, err error) { return l, l.UnmarshalText([]byte(text)) }

// logger is that of the tools: lines of text.
func logger(level string) *slog.Logger {
	l, err := parseLevel(level)
	if err != nil {
		l = slog.LevelInfo
	}
	return telemetry.NewLog(io.Writer(os.Stderr), "text", l)
}
