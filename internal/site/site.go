// Package site serves the browser app and the plain sign-in page.
//
// The sign-in page is server-rendered HTML without script: an old tablet must
// do. It sets the tokens as HttpOnly cookies, so that no script of the app
// ever holds one. Everything else that is not the API is the app: a file of
// the build, or its index page, which routes by itself.
package site

import (
	"context"
	"embed"
	"errors"
	"html/template"
	"io/fs"
	"log/slog"
	"math"
	"net/http"
	"net/netip"
	"net/url"
	"path"
	"regexp"
	"strconv"
	"strings"

	"rmp/internal/fault"
	"rmp/internal/gatekeeper"
	"rmp/internal/secret"
	"rmp/internal/tenant"
	"rmp/internal/webauth"
)

//go:embed signin.html leave.html
var pages embed.FS

var (
	signinPage = template.Must(template.ParseFS(pages, "signin.html"))
	leavePage  = template.Must(template.ParseFS(pages, "leave.html"))
)

// SingleSignOn leads people to their organisation's OpenID Connect provider
// and back.
type SingleSignOn interface {
	// Start answers the provider's page for an address, and what the browser
	// is to keep meanwhile.
	Start(ctx context.Context, email, callback, next string) (page string, keep secret.Text, err error)
	// Finish says who it was and where they wanted to go.
	Finish(ctx context.Context, kept secret.Text, answer url.Values, callback string) (t tenant.ID, email, next string, err error)
}

// Site serves the web interface.
type Site struct {
	Gatekeeper *gatekeeper.Gatekeeper
	SignOn     SingleSignOn
	HasSignOn  func(ctx context.Context) bool // whether a tenant has one
	Audit      func(ctx context.Context, from netip.Addr, action, email string, t gatekeeper.Tokens, err error)
	App        fs.FS // the build of the browser app
	Built      bool  // whether there is one
	Demo       bool  // show the demo logins
	PublicURL  string
	Proxies    []netip.Prefix
	Log        *slog.Logger

	styles []string
}

const (
	maxForm = 16 << 10
	// The app's own scripts and styles, and nothing from elsewhere.
	policy = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'; object-src 'none'"
)

// stylesheets finds the app's own in its index page: the sign-in page looks
// like the app, and what it loads is there already when the app begins.
func (s *Site) stylesheets() (out []string) {
	page, err := fs.ReadFile(s.App, "index.html")
	if err != nil { // not built
		return nil
	}
	for _, m := range stylesheet.FindAllSubmatch(page, -1) {
		out = append(out, string(m[1]))
	}
	return out
}

var stylesheet = regexp.MustCompile(`href="(/assets/index-[A-Za-z0-9_-]+\.css)"`)

// Handler serves everything outside of the API.
func (s *Site) Handler() http.Handler {
	s.styles = s.stylesheets()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /signin", s.form)
	mux.HandleFunc("POST /signin", s.signin)
	mux.HandleFunc("POST "+ssoPath, s.startSignOn)
	mux.HandleFunc("GET "+ssoPath+"/callback", s.finishSignOn)
	mux.HandleFunc("GET /", s.file)
	protection := http.NewCrossOriginProtection()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		webauth.Headers(w.Header(), webauth.Secure(r, s.Proxies))
		w.Header().Set("Content-Security-Policy", policy)
		protection.Handler(mux).ServeHTTP(w, r)
	})
}

type signinData struct {
	Next, Email, Error string
	Demo, SignOn       bool
	Words              words
	Others             []words
	Styles             []string
}

func (s *Site) form(w http.ResponseWriter, r *http.Request) {
	s.page(w, r, http.StatusOK, signinData{Next: localPath(r.URL.Query().Get("next"))})
}

func (s *Site) page(w http.ResponseWriter, r *http.Request, status int, d signinData) {
	d.Demo, d.SignOn, d.Words, d.Styles = s.Demo, s.HasSignOn(r.Context()), wordsFor(r), s.styles
	for _, w := range languages {
		if w.Lang != d.Words.Lang {
			d.Others = append(d.Others, w)
		}
	}
	w.Header().Set("Content-Language", d.Words.Lang)
	w.Header().Set("Vary", "Accept-Language")
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = signinPage.Execute(w, d) // the client may be gone
}

// posted reads the form.
func (s *Site) posted(w http.ResponseWriter, r *http.Request) (d signinData, ok bool) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		s.page(w, r, http.StatusBadRequest, signinData{Next: "/", Error: wordsFor(r).unreadable})
		return d, false
	}
	return signinData{Next: localPath(r.PostForm.Get("next")), Email: r.PostForm.Get("email")}, true
}

func (s *Site) signin(w http.ResponseWriter, r *http.Request) {
	d, ok := s.posted(w, r)
	if !ok {
		return
	}
	from := webauth.Address(r, s.Proxies)
	t, err := s.Gatekeeper.Login(r.Context(), gatekeeper.Credentials{Email: d.Email, Password: secret.Text(r.PostForm.Get("password")), Address: from})
	s.Audit(r.Context(), from, "login", d.Email, t, err)
	if err != nil {
		s.refuse(w, r, d, err, wordsFor(r).wrong)
		return
	}
	s.enter(w, r, t, d.Next)
}

// enter sets the cookies of a sign-in and goes on.
func (s *Site) enter(w http.ResponseWriter, r *http.Request, t gatekeeper.Tokens, next string) {
	for _, c := range webauth.Cookies(t, webauth.Secure(r, s.Proxies)) {
		http.SetCookie(w, c)
	}
	http.Redirect(w, r, next, http.StatusSeeOther) //nolint:gosec // it is a path of this site
}

// refuse shows the page again, with the reason.
func (s *Site) refuse(w http.ResponseWriter, r *http.Request, d signinData, err error, wrong string) {
	status := http.StatusServiceUnavailable
	var f *fault.Error
	errors.As(err, &f)
	switch fault.CodeOf(err) {
	case fault.Unauthenticated:
		status, d.Error = http.StatusUnauthorized, wrong
	case fault.Invalid:
		status, d.Error = http.StatusUnprocessableEntity, wrong
	case fault.TooMany:
		status, d.Error = http.StatusTooManyRequests, wordsFor(r).tries
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(f.RetryAfter.Seconds()))))
	default:
		s.Log.ErrorContext(r.Context(), "sign-in failed", "err", err)
		d.Error = wordsFor(r).later
	}
	s.page(w, r, status, d)
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
