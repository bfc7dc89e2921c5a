package app

import (
	"io"
	"log/slog"
	"net/http"
	"os"

	"rmp/internal/config"
	"rmp/internal/telemetry"
)

// Program is what the command brings along.
type Program struct {
	Version string
	Log     io.Writer // nil: the standard error
}

// watch is how the program is watched while it serves.
type watch struct {
	log     *slog.Logger
	level   *slog.LevelVar
	metrics *telemetry.Metrics
}

func newWatch(c *config.Serve, p Program) (*watch, error) {
	level, err := telemetry.ParseLevel(c.LogLevel)
	if err != nil {
		return nil, err
	}
	w := &watch{level: &slog.LevelVar{}, metrics: telemetry.NewMetrics(p.Version)}
	w.level.Set(level)
	if p.Log == nil {
		p.Log = os.Stderr
	}
	w.log = w.metrics.CountLines(telemetry.NewLog(p.Log, c.LogFormat, w.level))
	return w, nil
}

// requests watches the requests of all ways in.
func (w *watch) requests(h http.Handler) http.Handler {
	return telemetry.Requests{Log: w.log}.Handler(h)
}
