package app

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"syscall"

	"rmp/internal/config"
	"rmp/internal/telemetry"
)

// Program is what the command brings along.
type Program struct {
	Version string
	Log     io.Writer // nil: the standard error
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
}

// newWatch takes SIGHUP from now on, which would end the process otherwise.
func newWatch(c *config.Serve, p Program) (*watch, error) {
	level, err := telemetry.ParseLevel(c.LogLevel)
	if err != nil {
		return nil, err
	}
	w := &watch{level: &slog.LevelVar{}, metrics: telemetry.NewMetrics(p.Version), reload: p.Reload, hangup: make(chan os.Signal, 1)}
	w.level.Set(level)
	if p.Log == nil {
		p.Log = os.Stderr
	}
	w.log = w.metrics.CountLines(telemetry.NewLog(p.Log, c.LogFormat, w.level))
	if set, file := telemetry.LimitMemory(os.DirFS("/")); set > 0 {
		w.log.Info("Go keeps to nine tenths of the memory that the control group allows", "bytes", set, "file", file)
	}
	signal.Notify(w.hangup, syscall.SIGHUP)
	return w, nil
}

func (w *watch) close() { signal.Stop(w.hangup) }

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
		w.log.InfoContext(ctx, "the configuration was read again: the level of the log counts at once, all else at the next start", "level", level.String(), "before", before.String())
		w.level.Set(level)
	}
}

// requests watches the requests of all ways in.
func (w *watch) requests(h http.Handler) http.Handler {
	return telemetry.Requests{Log: w.log}.Handler(h)
}
