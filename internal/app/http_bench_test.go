package app

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"
	"time"

	"rmp/internal/api"
	"rmp/internal/doctor"
	"rmp/internal/events"
	"rmp/internal/gatekeeper"
	"rmp/internal/groupware"
	"rmp/internal/telemetry"
	"rmp/internal/tenant"
)

// served is the API over a rig, signed in as anna.
type served struct {
	*rig
	url, token string
	client     *http.Client
}

const password = "good enough"

func serve(b testing.TB) *served {
	b.Helper()
	return serveOn(b, filepath.Join(b.TempDir(), "rmp.db"))
}

func serveOn(b testing.TB, target string) *served {
	b.Helper()
	r := newRig(b, target)
	r.worker.Wait = 0
	keeper := gatekeeper.New(r.db, r.gw, time.Now)
	hash, err := gatekeeper.HashPassword(password)
	if err != nil {
		b.Fatal(err)
	}
	u := gatekeeper.User{Tenant: "a", Email: anna, Name: "Anna", Role: tenant.User, CGPDomain: "a.test", PasswordHash: hash, CGPPassword: "pw", Active: true}
	if err := r.db.SaveUser(b.Context(), &u, 0); err != nil {
		b.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	a := api.New(api.Deps{Gatekeeper: keeper, Bookings: r.service, Availability: r.availability, Resources: r.resources, Tenants: r.db, Events: events.NewHub(r.db, log, time.Second),
		Upkeep: func(t tenant.ID) api.Upkeep { return upkeep{r.db.For(t), func() {}} }, Idempotency: func(t tenant.ID) api.Idempotency { return idempotency{r.db.For(t)} }, People: newPeople(r.engine), Feeds: func(t tenant.ID) api.Feeds { return feeds{r.db.For(t)} }, FeedOwner: feedOwner(r.db), Feed: groupware.Feed,
		Doctor:    doctors{doctor.New(doctor.Deps{DB: r.db, Groupware: r.gw, Now: time.Now, Log: log})},
		Console:   consoles{r.gw},
		Provision: provision{r.db, r.gw, time.Now}, Audit: r.db, Installation: installation{r.db, r.gw, true}, Log: log, Now: time.Now})
	m := telemetry.NewMetrics("test")
	a.Observe, a.SignedIn = m.Request, m.SignedIn
	srv := httptest.NewServer(telemetry.Requests{Log: log, Metrics: m, Slow: time.Minute}.Handler(a.Handler()))
	b.Cleanup(srv.Close)
	s := &served{rig: r, url: srv.URL, client: srv.Client()}
	login := s.call(b, http.MethodPost, "/api/v2/auth/login", http.StatusOK, map[string]string{"email": anna, "password": password})
	var answer struct{ Token string }
	if err := json.Unmarshal(login, &answer); err != nil {
		b.Fatal(err)
	}
	s.token = answer.Token
	return s
}

func (s *served) call(b testing.TB, method, path string, status int, body any) []byte {
	j, err := json.Marshal(body)
	if err != nil {
		b.Fatal(err)
	}
	req, err := http.NewRequestWithContext(b.Context(), method, s.url+path, bytes.NewReader(j))
	if err != nil {
		b.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+s.token)
	resp, err := s.client.Do(req)
	if err != nil {
		b.Fatal(err)
	}
	defer resp.Body.Close() //nolint:errcheck // read to its end
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != status {
		b.Fatalf("%d %s %v", resp.StatusCode, text, err)
	}
	return text
}

// BenchmarkCreateOverHTTP is a booking with all that a request passes through.
func BenchmarkCreateOverHTTP(b *testing.B) {
	s := serve(b)
	n := 0
	for b.Loop() {
		start := at(0, 0).Add(time.Duration(n) * 15 * time.Minute)
		n++
		s.call(b, http.MethodPost, "/api/v2/bookings", http.StatusCreated, map[string]any{"title": "Bench", "start": start, "end": start.Add(15 * time.Minute), "resources": []string{room}})
	}
}

// BenchmarkSlotsOverHTTP is a search with everything in memory, as a multiple
// of who am I, which does nothing but check the sign-in.
func BenchmarkSlotsOverHTTP(b *testing.B) {
	s := serve(b)
	users := []string{}
	for i := range 50 {
		users = append(users, fmt.Sprintf("person-%d@a.test", i))
		if err := s.gw.EnsurePerson(b.Context(), s.rig.tenant, users[i], users[i], "pw"); err != nil {
			b.Fatal(err)
		}
	}
	question := map[string]any{"users": users, "anyOf": map[string]any{"type": "conference-room", "minCapacity": 2}, "duration": 60, "from": at(0, 0), "till": at(30, 0)}
	s.call(b, http.MethodPost, "/api/v2/availability/slots", http.StatusOK, question)
	var search, trivial time.Duration
	for b.Loop() {
		began := time.Now()
		s.call(b, http.MethodPost, "/api/v2/availability/slots", http.StatusOK, question)
		middle := time.Now()
		s.call(b, http.MethodGet, "/api/v2/auth/me", http.StatusOK, nil)
		search, trivial = search+middle.Sub(began), trivial+time.Since(middle)
	}
	b.ReportMetric(float64(search)/float64(trivial), "x-trivial")
	b.ReportMetric(float64(search.Microseconds())/float64(b.N), "search-us")
}
