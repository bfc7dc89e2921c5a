package api

import (
	"context"
	"encoding/json"
	"net/http"
	"sync"
	"time"
)

// probeTime bounds one readiness probe.
const probeTime = 2 * time.Second

// registerHealth serves liveness, readiness and the metrics.
func (a *API) registerHealth() {
	a.mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"status":"ok"}` + "\n")) // the client may be gone
	})
	a.mux.HandleFunc("GET /readyz", a.ready)
	if a.Metrics != nil {
		a.mux.Handle("GET /metrics", a.Metrics)
	}
}

type readiness struct {
	Status string            `json:"status"`
	Checks map[string]string `json:"checks"`
}

// ready names each dependency. The reason of a failure goes to the log: who
// asks here is not signed in.
func (a *API) ready(w http.ResponseWriter, r *http.Request) {
	out := readiness{Status: "ready", Checks: map[string]string{}}
	var (
		mu sync.Mutex
		wg sync.WaitGroup
	)
	for _, c := range a.Checks {
		wg.Go(func() {
			ctx, cancel := context.WithTimeout(r.Context(), probeTime)
			defer cancel()
			err := c.Probe(ctx)
			mu.Lock()
			defer mu.Unlock()
			out.Checks[c.Name] = "ok"
			if err != nil {
				out.Checks[c.Name] = "failed"
				if c.Required {
					out.Status = "not ready"
				} else if out.Status == "ready" {
					out.Status = "degraded"
				}
				a.log.WarnContext(ctx, "not ready", "check", c.Name, "err", err)
			}
		})
	}
	wg.Wait()
	if a.Ending != nil && a.Ending() {
		out.Status = "not ready"
		out.Checks["process"] = "ending"
	}
	w.Header().Set("Content-Type", "application/json")
	if out.Status == "not ready" {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	_ = json.NewEncoder(w).Encode(out) // the client may be gone
}
