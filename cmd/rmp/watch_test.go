package main

import (
	"net/http/httptest"
	"path/filepath"
	"testing"

	"rmp/internal/app"
)

// TestWatchedProgram runs the program with all that watches it, and looks at
// what an operator sees.
func TestWatchedProgram(t *testing.T) {
	t.Setenv("OTEL_BSP_SCHEDULE_DELAY", "50") // ms
	in := &receiver{t: t, more: make(chan struct{}, 1)}
	collector := httptest.NewServer(in)
	t.Cleanup(collector.Close)
	dir := filepath.Join(t.TempDir(), "slow")
	s := serve(t, app.Program{Version: "v1.2.3", Exporter: exporter}, "--log-format", "json", "--log-level", "debug", "--cgp.timeout", "20s",
		"--telemetry.otlp-endpoint", collector.URL, "--trusted-proxies", "127.0.0.0/8", "--flight-recorder", dir, "--slow-request", slowRequest.String())
	t.Run("logs", func(t *testing.T) { logs(t, s) })
	t.Run("traces", func(t *testing.T) { traces(t, s, in) })
	t.Run("slow", func(t *testing.T) { slow(t, s, dir) })
	t.Run("metrics", func(t *testing.T) { metrics(t, s) })
}
