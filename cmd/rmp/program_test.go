package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"rmp/internal/app"
)

// program is rmp serve with its stand-in and demo, in this process.
type program struct {
	url   string
	log   *lines
	out   *lines
	data  string
	token string
}

// lines are what was written so far, and tell who waits of more.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
	more chan struct{} // closed at the next write
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.more != nil {
		close(l.more)
		l.more = nil
	}
	return l.text.Write(b)
}

// find waits for a line with the text.
func (l *lines) find(t *testing.T, text string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
	defer cancel()
	for {
		l.mu.Lock()
		all := l.text.String()
		if l.more == nil {
			l.more = make(chan struct{})
		}
		more := l.more
		l.mu.Unlock()
		for line := range strings.Lines(all) {
			if strings.Contains(line, text) && strings.HasSuffix(line, "\n") {
				return strings.TrimSpace(line)
			}
		}
		select {
		case <-more:
		case <-ctx.Done():
			t.Fatalf("no line with %q in:\n%s", text, all)
		}
	}
}

// serve runs rmp serve until the test ends.
func serve(t *testing.T, p app.Program, args ...string) *program {
	t.Helper()
	s := &program{log: &lines{}, out: &lines{}, data: t.TempDir()}
	p.Log = s.log
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() {
		ended <- run(ctx, append([]string{"serve", "--listen", "127.0.0.1:0", "--data", s.data}, args...), s.out, p)
	}()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("rmp serve ended: %v", err)
		}
	})
	_, s.url, _ = strings.Cut(s.out.find(t, "RMP is running at "), "at ")
	var answer struct{ Token string }
	s.call(t, http.MethodPost, "/api/v2/auth/login", http.StatusOK, map[string]any{"email": "anna@example.test", "password": "rmp-demo"}, &answer)
	s.token = answer.Token
	return s
}

// call makes a request and reads the answer into a value.
func (s *program) call(t *testing.T, method, path string, status int, body, into any, header ...string) http.Header {
	t.Helper()
	j, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), method, s.url+path, bytes.NewReader(j))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	if s.token != "" {
		req.Header.Set("Authorization", "Bearer "+s.token)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close() //nolint:errcheck // read to its end
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != status {
		t.Fatalf("%s %s: %d %s %v", method, path, resp.StatusCode, text, err)
	}
	switch v := into.(type) {
	case nil:
	case *string:
		*v = string(text)
	default:
		if err := json.Unmarshal(text, v); err != nil {
			t.Fatalf("%s %s: %v in %s", method, path, err, text)
		}
	}
	return resp.Header
}

const room = "geneva@confroom.resources.example.test"

// booking is a request for the room in n hours from a Monday far ahead.
func booking(n int) map[string]any {
	start := time.Now().UTC().Truncate(24*time.Hour).AddDate(0, 0, 30).Add(time.Duration(n) * time.Hour)
	return map[string]any{"title": "Quarterly numbers", "start": start, "end": start.Add(30 * time.Minute), "resources": []string{room}, "attendees": []string{"ben@example.test"}}
}
