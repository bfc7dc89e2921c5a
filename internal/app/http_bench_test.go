package app

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"
	"time"

	"rmp/internal/api"
	"rmp/internal/events"
	"rmp/internal/gatekeeper"
	"rmp/internal/tenant"
)

// BenchmarkCreateOverHTTP is a booking with all that a request passes through.
func BenchmarkCreateOverHTTP(b *testing.B) {
	r := newRig(b, filepath.Join(b.TempDir(), "rmp.db"))
	r.worker.Wait = 0
	keeper, err := gatekeeper.New(r.db, r.gw, make([]byte, 32), time.Now)
	if err != nil {
		b.Fatal(err)
	}
	hash, err := gatekeeper.HashPassword("pw")
	if err != nil {
		b.Fatal(err)
	}
	u := gatekeeper.User{Tenant: "a", Email: anna, Name: "Anna", Role: tenant.User, CGPDomain: "a.test", PasswordHash: hash, Active: true}
	if err := r.db.SaveUser(b.Context(), &u); err != nil {
		b.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	a := api.New(api.Deps{Gatekeeper: keeper, Bookings: r.service, Availability: r.availability, Resources: r.resources, Tenants: r.db, Events: events.NewHub(r.db, log, time.Second),
		Upkeep: func(t tenant.ID) api.Upkeep { return upkeep{r.db.For(t), func() {}} }, Idempotency: func(t tenant.ID) api.Idempotency { return idempotency{r.db.For(t)} }, Log: log, Now: time.Now})
	srv := httptest.NewServer(a.Handler())
	defer srv.Close()
	token := ""
	post := func(path string, body any) (int, map[string]any) {
		j, err := json.Marshal(body)
		if err != nil {
			b.Fatal(err)
		}
		req, err := http.NewRequestWithContext(b.Context(), http.MethodPost, srv.URL+path, bytes.NewReader(j))
		if err != nil {
			b.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Authorization", "Bearer "+token)
		resp, err := srv.Client().Do(req)
		if err != nil {
			b.Fatal(err)
		}
		defer resp.Body.Close() //nolint:errcheck // read to its end
		var answer map[string]any
		if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
			b.Fatal(err)
		}
		return resp.StatusCode, answer
	}
	status, login := post("/api/v2/auth/login", map[string]string{"email": anna, "password": "pw"})
	if status != http.StatusOK {
		b.Fatal(status, login)
	}
	token = fmt.Sprint(login["token"])
	n := 0
	for b.Loop() {
		start := at(0, 0).Add(time.Duration(n) * 15 * time.Minute)
		n++
		if status, answer := post("/api/v2/bookings", map[string]any{"title": "Bench", "start": start, "end": start.Add(15 * time.Minute), "resources": []string{room}}); status != http.StatusCreated {
			b.Fatal(status, answer)
		}
	}
}
