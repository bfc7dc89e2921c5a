package groupware

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"rmp/internal/fault"
	"rmp/internal/gatekeeper"
	"rmp/internal/tenant"
)

// TestHostileServer: a server that answers with what breaks parsers, reads
// files or fills memory is an error within the time of one request, and
// learns nothing.
func TestHostileServer(t *testing.T) {
	lol := `<!DOCTYPE x [<!ENTITY a "aaaaaaaaaaaaaaaaaaaa">`
	for c := 'b'; c < 'n'; c++ {
		lol += fmt.Sprintf(`<!ENTITY %c "%s">`, c, strings.Repeat(fmt.Sprintf("&%c;", c-1), 20))
	}
	var reached []string
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		reached = append(reached, r.Method+" "+r.URL.String())
	}))
	defer other.Close()
	write := func(text string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/xml")
			_, _ = w.Write([]byte(text))
		}
	}
	for name, h := range map[string]http.HandlerFunc{
		"entity bomb":       write(lol + `]><XIMSS><session urlID="&m;"/></XIMSS>`),
		"external entity":   write(`<!DOCTYPE x [<!ENTITY e SYSTEM "` + other.URL + `/xxe">]><XIMSS><session urlID="&e;"/></XIMSS>`),
		"parameter entity":  write(`<!DOCTYPE x [<!ENTITY % e SYSTEM "` + other.URL + `/pxxe"> %e;]><XIMSS/>`),
		"external DTD":      write(`<!DOCTYPE x SYSTEM "` + other.URL + `/dtd"><XIMSS/>`),
		"deep":              write("<XIMSS>" + strings.Repeat("<a>", 1_000_000)),
		"many attributes":   write("<XIMSS><session " + strings.Repeat(`a="b" `, 500_000) + "/></XIMSS>"),
		"half":              write(`<XIMSS><session urlID="`),
		"not XML":           write("\x00\xff\xfe garbage"),
		"nothing":           write(""),
		"another language":  write(`<html><body>Sign in here</body></html>`),
		"invalid character": write("<XIMSS><session urlID=\"a\x01b\"/></XIMSS>"),
		"redirect": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, other.URL+"/stolen", http.StatusTemporaryRedirect)
		},
		"error": func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusInternalServerError) },
		"without end": func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				if _, err := w.Write([]byte("<XIMSS>" + strings.Repeat(" ", 1<<16))); err != nil {
					return
				}
			}
		},
		"silence": func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body) // else the end of the connection is not noticed
			<-r.Context().Done()
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := httptest.NewServer(h)
			defer s.Close()
			of := tenant.Tenant{ID: "a", Domain: "a.test", ServicePassword: "its-password"}
			g := New(Config{URL: s.URL, CLIAddr: "127.0.0.1:1", Sessions: 1, Timeout: time.Second}, only{of}, slog.New(slog.DiscardHandler))
			defer g.Close(t.Context())
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			started := time.Now()
			err := g.CheckLogin(t.Context(), of, "anna@a.test", "secret-of-anna")
			switch code := fault.CodeOf(err); {
			case err == nil, errors.Is(err, gatekeeper.ErrRefused):
				t.Errorf("taken for an answer: %v", err)
			case code != fault.BadGateway && code != fault.Unavailable && code != fault.Timeout:
				t.Errorf("%s: %v", code, err)
			case strings.Contains(err.Error(), "secret-of-anna"):
				t.Errorf("the error holds the password: %v", err)
			}
			if took := time.Since(started); took > 5*time.Second {
				t.Errorf("it took %v", took)
			}
			runtime.ReadMemStats(&after)
			if n := (after.TotalAlloc - before.TotalAlloc) >> 20; n > 512 {
				t.Errorf("%d MB were allocated", n)
			}
		})
	}
	if len(reached) > 0 {
		t.Errorf("another server was asked: %v", reached)
	}
}

// only is an installation of one tenant.
type only struct{ t tenant.Tenant }

func (o only) Tenant(context.Context, tenant.ID) (tenant.Tenant, error) { return o.t, nil }
func (o only) Tenants(context.Context) ([]tenant.Tenant, error)         { return []tenant.Tenant{o.t}, nil }
