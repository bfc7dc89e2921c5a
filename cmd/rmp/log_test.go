package main

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

// logs: every line that is written for a request has its id and whose it is.
func logs(t *testing.T, s *program) {
	var made struct{ ID string }
	id := s.call(t, http.MethodPost, "/api/v2/bookings", http.StatusCreated, booking(1), &made).Get("X-Request-Id")
	line := map[string]any{}
	if err := json.Unmarshal([]byte(s.log.find(t, id)), &line); err != nil {
		t.Fatal(err)
	}
	for k, want := range map[string]any{"msg": "request", "requestId": id, "booking": made.ID, "operation": "POST /api/v2/bookings", "status": float64(http.StatusCreated)} {
		if line[k] != want {
			t.Errorf("%s is %v, want %v", k, line[k], want)
		}
	}
	if tenant, _ := line["tenant"].(string); tenant == "" {
		t.Errorf("no tenant in %v", line)
	}
	wrong := s.call(t, http.MethodPost, "/api/v2/auth/login", http.StatusUnauthorized, map[string]any{"email": "anna@example.test", "password": "not this one"}, nil).Get("X-Request-Id")
	s.log.find(t, wrong)
	s.log.mu.Lock()
	defer s.log.mu.Unlock()
	for text := range strings.Lines(s.log.text.String()) {
		if !json.Valid([]byte(text)) {
			t.Errorf("a line is not JSON: %s", text)
		}
	}
	for _, secret := range []string{"rmp-demo", "not this one", s.token} {
		if strings.Contains(s.log.text.String(), secret) {
			t.Error("the log holds a secret")
		}
	}
}
