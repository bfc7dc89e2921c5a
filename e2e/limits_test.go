//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// TestGuessing: guesses over HTTP slow down, and say for how long.
func TestGuessing(t *testing.T) {
	p := start(t, running, "serve", "--listen", "127.0.0.1:0", "--data", t.TempDir())
	var wg sync.WaitGroup
	var mu sync.Mutex
	passed := map[int]int{}
	for i := range 60 {
		wg.Go(func() {
			status, _, err := p.try("POST", "/api/v2/auth/login", "", map[string]string{"email": "ben@example.test", "password": fmt.Sprint("guess", i)})
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			passed[status]++
		})
	}
	wg.Wait()
	if passed[401] > 12 || passed[429] < 40 || passed[401]+passed[429] != 60 {
		t.Errorf("%v", passed)
	}
	resp, err := http.Post(p.url+"/api/v2/auth/login", "application/json", strings.NewReader(`{"email":"ben@example.test","password":"rmp-demo"}`))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if s, err := strconv.Atoi(resp.Header.Get("Retry-After")); resp.StatusCode != 429 || err != nil || s < 1 {
		t.Errorf("%d, Retry-After %q", resp.StatusCode, resp.Header.Get("Retry-After"))
	}
	p.login(t, "anna@example.test") // others are not locked out
}

// TestLimits: requests beyond a person's share are sent away, and others'
// are not.
func TestLimits(t *testing.T) {
	p := start(t, running, "serve", "--listen", "127.0.0.1:0", "--data", t.TempDir(), "--limits.user", "60", "--limits.user-streams", "2", "--limits.address", "120")
	anna, ben := p.login(t, "anna@example.test"), p.login(t, "ben@example.test")
	counts := map[int]int{}
	for range 40 {
		status, _ := p.call(t, "GET", "/api/v2/auth/me", anna, nil)
		counts[status]++
	}
	if counts[200] < 10 || counts[429] < 20 {
		t.Errorf("%v", counts)
	}
	if status, _ := p.call(t, "GET", "/api/v2/auth/me", ben, nil); status != 200 {
		t.Errorf("another person: %d", status)
	}
	open := 0
	for range 4 {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.url+"/api/v2/events", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+ben)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = resp.Body.Close() }()
		if resp.StatusCode == 200 {
			open++
		}
	}
	if open != 2 {
		t.Errorf("%d streams of one person", open)
	}
}
