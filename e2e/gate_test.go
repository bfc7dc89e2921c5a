//go:build e2e

package e2e

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"rmp/communigate/cli"
	"rmp/communigate/dataformat"
)

// gate stands between rmp and the stand-in's HTTP port and can cut the way.
type gate struct {
	addr string

	mu     sync.Mutex
	closed bool
	last   string // the request to let through before closing
}

func newGate(t *testing.T, target string) *gate {
	t.Helper()
	g := &gate{}
	base := &url.URL{Scheme: "http", Host: target}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || !g.pass(body) {
			panic(http.ErrAbortHandler) // the connection breaks without an answer
		}
		out, err := http.NewRequestWithContext(r.Context(), r.Method, base.String()+r.URL.RequestURI(), bytes.NewReader(body))
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		out.Header = r.Header
		resp, err := http.DefaultTransport.RoundTrip(out)
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		defer func() { _ = resp.Body.Close() }()
		w.WriteHeader(resp.StatusCode)
		_, _ = io.Copy(w, resp.Body)
	}))
	t.Cleanup(s.Close)
	g.addr = strings.TrimPrefix(s.URL, "http://")
	return g
}

func (g *gate) pass(body []byte) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed && g.last != "" && bytes.Contains(body, []byte("<"+g.last)) {
		g.last = ""
		return true
	}
	return !g.closed || g.last != ""
}

// closeAfter lets one batch with the named request through, and all that
// comes before it, and then nothing; "" closes at once.
func (g *gate) closeAfter(request string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed, g.last = true, request
}

func (g *gate) open() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed = false
}

// allow gives a person all rights to a resource's calendar, as an
// administrator of the mail server would.
func allow(t *testing.T, addr, resource, person string) {
	t.Helper()
	c, err := cli.Dial(t.Context(), cli.Config{Addr: addr, User: "boss", Password: "secret word"})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close() //nolint:errcheck // the test is over
	if err := c.SetMailboxACL(t.Context(), resource, "Calendar", dataformat.Dict{person: "lrswipkxtea"}); err != nil {
		t.Fatal(err)
	}
}
