// Package site serves the browser app and the plain sign-in page.
//
// The sign-in page is server-rendered HTML without script: an old tablet must
// do. It sets the tokens as HttpOnly cookies, so that no script of the app
// ever holds one. Everything else that is not the API is the app: a file of
// the build, or its index page, which routes by itself.
package site

import (
	"embed"
	"errors"
	"html/template"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"path"
	"strings"

	"rmp/internal/fault"
	"rmp/internal/gatekeeper"
	"rmp/internal/secret"
	"rmp/internal/webauth"
)

//go:embed signin.html
var pages embed.FS

var signinPage = template.Must(template.ParseFS(pages, "signin.html"))

// Site serves the web interface.
type Site struct {
	Gatekeeper *gatekeeper.Gatekeeper
	App        fs.FS // the build of the browser app
	Built      bool  // whether there is one
	Demo       bool  // show the demo logins
	Log        *slog.Logger
}

const (
	maxForm = 16 << 10
	// The app's own scripts and styles, and nothing from elsewhere.
	policy = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'; object-src 'none'"
)

// Handler serves everything outside of the API.
func (s *Site) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /signin", s.form)
	mux.HandleFunc("POST /signin", s.signin)
	mux.HandleFunc("GET /", s.file)
	protection := http.NewCrossOriginProtection()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("X-Frame-Options", "DENY")
		protection.Handler(mux).ServeHTTP(w, r)
	})
}

type signinData struct {
	Next, Email, Error string
	Demo               bool
}

func (s *Site) form(w http.ResponseWriter, r *http.Request) {
	s.page(w, http.StatusOK, signinData{Next: localPath(r.URL.Query().Get("next")), Demo: s.Demo})
}

func (s *Site) page(w http.ResponseWriter, status int, d signinData) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = signinPage.Execute(w, d) // the client may be gone
}

func (s *Site) signin(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		s.page(w, http.StatusBadRequest, signinData{Demo: s.Demo, Error: "The form could not be read. Please try again."})
		return
	}
	d := signinData{Next: localPath(r.PostForm.Get("next")), Email: r.PostForm.Get("email"), Demo: s.Demo}
	t, err := s.Gatekeeper.Login(r.Context(), gatekeeper.Credentials{Email: d.Email, Password: secret.Text(r.PostForm.Get("password"))})
	if err != nil {
		status := http.StatusServiceUnavailable
		var f *fault.Error
		switch errors.As(err, &f); fault.CodeOf(err) {
		case fault.Unauthenticated:
			status, d.Error = http.StatusUnauthorized, "Wrong address or password."
		case fault.TooMany:
			status, d.Error = http.StatusTooManyRequests, "Too many wrong tries. Please wait some minutes before the next one."
		default:
			s.Log.ErrorContext(r.Context(), "sign-in failed", "err", err)
			d.Error = "Signing in is not possible at the moment, because the mail server cannot be asked. Please try again soon."
		}
		s.page(w, status, d)
		return
	}
	for _, c := range webauth.Cookies(t, webauth.Secure(r)) {
		http.SetCookie(w, c)
	}
	http.Redirect(w, r, d.Next, http.StatusSeeOther)
}

// localPath keeps a redirect on this site: a path that begins with one slash.
func localPath(next string) string {
	u, err := url.Parse(next)
	if err != nil || u.Scheme != "" || u.Host != "" || !strings.HasPrefix(next, "/") || strings.HasPrefix(next, "//") ||
		strings.ContainsAny(next, "\\\r\n\t") || strings.HasPrefix(next, "/signin") {
		return "/"
	}
	return next
}

func (s *Site) file(w http.ResponseWriter, r *http.Request) {
	if !s.Built {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.WriteHeader(http.StatusNotFound)
		_, _ = w.Write([]byte("The web interface is not built into this program. Run `make web` and build again.\nThe API is at /api/v2/docs.\n"))
		return
	}
	name := strings.TrimPrefix(path.Clean(r.URL.Path), "/")
	if info, err := fs.Stat(s.App, name); name == "" || err != nil || info.IsDir() {
		if strings.HasPrefix(name, "assets/") {
			http.NotFound(w, r)
			return
		}
		name = "index.html"
	}
	if strings.HasPrefix(name, "assets/") {
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable") // names carry a hash
	} else {
		w.Header().Set("Cache-Control", "no-cache")
	}
	http.ServeFileFS(w, r, s.App, name)
}
