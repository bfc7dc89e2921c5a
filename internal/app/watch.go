package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"os"
	"os/signal"
	"syscall"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"rmp/internal/config"
	"rmp/internal/telemetry"
	"rmp/internal/trail"
	"rmp/internal/webauth"
)

// Program is what the command brings along.
type Program struct {
	Version string
	Log     io.Writer // nil: the standard error
	// Exporter makes what sends traces to an endpoint, or where the standard
	// variables of OpenTelemetry say; nil: none can be sent.
	Exporter func(ctx context.Context, endpoint string) (sdktrace.SpanExporter, error)
	// Reload reads the configuration again; nil: it cannot be.
	Reload func() (config.Serve, error)
}

// watch is how the program is watched while it serves.
type watch struct {
	log     *slog.Logger
	level   *slog.LevelVar
	metrics *telemetry.Metrics
	reload  func() (config.Serve, error)
	hangup  chan os.Signal
	tracing *telemetry.Tracing // nil: nothing is traced
	slow    time.Duration
	flight  *telemetry.Recorder // nil: nothing is recorded
}

// newWatch takes SIGHUP from now on, which would end the process otherwise.
func newWatch(ctx context.Context, c *config.Serve, p Program) (*watch, error) {
	level, err := telemetry.ParseLevel(c.LogLevel)
	if err != nil {
		return nil, err
	}
	w := &watch{level: &slog.LevelVar{}, metrics: telemetry.NewMetrics(p.Version), reload: p.Reload, hangup: make(chan os.Signal, 1), slow: c.SlowRequest}
	w.level.Set(level)
	if p.Log == nil {
		p.Log = os.Stderr
	}
	w.log = w.metrics.CountLines(telemetry.NewLog(p.Log, c.LogFormat, w.level))
	if set, file := telemetry.LimitMemory(os.DirFS("/")); set > 0 {
		w.log.Info("Go keeps to nine tenths of the memory that the control group allows", "bytes", set, "file", file)
	}
	if c.Telemetry.OTLPEndpoint != "" || standardEndpoint() {
		if p.Exporter == nil {
			return nil, errors.New("telemetry.otlp-endpoint: this program is built without the exporter")
		}
		exporter, err := p.Exporter(ctx, c.Telemetry.OTLPEndpoint)
		if err != nil {
			return nil, fmt.Errorf("telemetry.otlp-endpoint: %w", err)
		}
		if w.tracing, err = telemetry.NewTracing(ctx, exporter, c.Telemetry.SampleRatio, p.Version, w.metrics, w.log); err != nil {
			return nil, err
		}
	}
	if c.FlightRecorder != "" && c.SlowRequest > 0 {
		if w.flight, err = telemetry.NewRecorder(c.FlightRecorder, c.SlowRequest, w.metrics, w.log); err != nil {
			w.close(ctx)
			return nil, err
		}
	}
	signal.Notify(w.hangup, syscall.SIGHUP)
	return w, nil
}

// standardEndpoint reports whether OpenTelemetry's own variables name one.
func standardEndpoint() bool {
	return os.Getenv("OTEL_SDK_DISABLED") != "true" && (os.Getenv("OTEL_EXPORTER_OTLP_ENDPOINT") != "" || os.Getenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") != "")
}

// lastSpans is how long the end waits for the last spans to be sent.
const lastSpans = 3 * time.Second

func (w *watch) close(ctx context.Context) {
	signal.Stop(w.hangup)
	if w.flight != nil {
		w.flight.Close()
	}
	if w.tracing != nil {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastSpans)
		defer cancel()
		if err := w.tracing.Close(ctx); err != nil {
			w.log.WarnContext(ctx, "the last traces could not be sent", "err", err)
		}
	}
}

// background is the context of what runs beside requests.
func (w *watch) background(ctx context.Context) context.Context {
	if w.tracing == nil {
		return ctx
	}
	return trail.WithTracer(ctx, w.tracing)
}

// hangups reads the level of the log and the certificate again at each SIGHUP.
func (w *watch) hangups(ctx context.Context, c *certificate) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-w.hangup:
		}
		if c != nil {
			c.look(ctx, true)
		}
		if w.reload == nil {
			continue
		}
		fresh, err := w.reload()
		var level slog.Level
		if err == nil {
			level, err = telemetry.ParseLevel(fresh.LogLevel)
		}
		if err != nil {
			w.log.ErrorContext(ctx, "the configuration cannot be read again; it stays as it was", "err", err)
			continue
		}
		before := w.level.Level()
		w.level.Set(min(level, slog.LevelInfo)) // whoever asked for silence is told this last
		w.log.InfoContext(ctx, "the configuration was read again: the level of the log counts at once, all else at the next start", "now", level.String(), "before", before.String())
		w.level.Set(level)
	}
}

// requests watches the requests of all ways in.
func (w *watch) requests(h http.Handler, proxies []netip.Prefix) http.Handler {
	return telemetry.Requests{Log: w.log, Metrics: w.metrics, Tracing: w.tracing, Slow: w.slow, Recorder: w.flight,
		Trusted: func(r *http.Request) bool { return webauth.FromProxy(r, proxies) }}.Handler(h)
}
