package site

import (
	"net/http"

	"rmp/internal/secret"
	"rmp/internal/webauth"
)

const (
	ssoPath   = "/signin/sso"
	ssoCookie = "rmp_sso"
	ssoTime   = 600 // seconds
)

// callback is where the provider sends people back to.
func (s *Site) callback(r *http.Request) string {
	base := s.PublicURL
	if base == "" {
		scheme := "http"
		if webauth.Secure(r, s.Proxies) {
			scheme = "https"
		}
		base = scheme + "://" + r.Host
	}
	return base + ssoPath + "/callback"
}

func (s *Site) keep(w http.ResponseWriter, r *http.Request, value string, age int) {
	// Lax: it must come along when the provider leads back here.
	http.SetCookie(w, &http.Cookie{Name: ssoCookie, Value: value, Path: ssoPath, MaxAge: age, HttpOnly: true,
		Secure: webauth.Secure(r, s.Proxies), SameSite: http.SameSiteLaxMode})
}

// startSignOn sends the browser to the provider of the address.
func (s *Site) startSignOn(w http.ResponseWriter, r *http.Request) {
	d, ok := s.posted(w, r)
	if !ok {
		return
	}
	page, kept, err := s.SignOn.Start(r.Context(), d.Email, s.callback(r), d.Next)
	if err != nil {
		s.refuse(w, r, d, err, wordsFor(r).noSignOn)
		return
	}
	s.keep(w, r, kept.Reveal(), ssoTime)
	// Not by a redirect: the policy lets a form lead to this site only, and
	// browsers hold that for where it redirects to, too.
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	_ = leavePage.Execute(w, leaveData{wordsFor(r), page}) // the client may be gone
}

type leaveData struct {
	Words words
	To    string
}

// finishSignOn is where the provider leads back to.
func (s *Site) finishSignOn(w http.ResponseWriter, r *http.Request) {
	s.keep(w, r, "", -1)
	var kept secret.Text
	if c, err := r.Cookie(ssoCookie); err == nil {
		kept = secret.Text(c.Value)
	}
	from := webauth.Address(r, s.Proxies)
	wrong := wordsFor(r).wrongSignOn
	id, email, next, err := s.SignOn.Finish(r.Context(), kept, r.URL.Query(), s.callback(r))
	if err != nil {
		s.refuse(w, r, signinData{Next: "/"}, err, wrong)
		return
	}
	t, err := s.Gatekeeper.Admit(r.Context(), id, email, from)
	s.Audit(r.Context(), from, "single-sign-on", email, t, err)
	if err != nil {
		s.refuse(w, r, signinData{Next: "/", Email: email}, err, wrong)
		return
	}
	s.enter(w, r, t, localPath(next))
}
