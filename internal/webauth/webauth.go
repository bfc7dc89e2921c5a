// Package webauth carries a sign-in over HTTP: as a bearer token for
// programs, as HttpOnly cookies for the browser app. It is shared by the ways
// in that face the web.
package webauth

import (
	"context"
	"net/http"
	"strings"

	"rmp/internal/gatekeeper"
	"rmp/internal/secret"
	"rmp/internal/tenant"
)

// Names of the cookies. The refresh token goes only where it is needed.
const (
	AccessCookie  = "rmp_access"
	RefreshCookie = "rmp_refresh"
	refreshPath   = "/api/v2/auth"
)

// AccessToken answers the access token of a request, and whether it came in
// a cookie.
func AccessToken(r *http.Request) (token secret.Text, cookie bool) {
	if h := r.Header.Get("Authorization"); h != "" {
		scheme, t, _ := strings.Cut(h, " ")
		if strings.EqualFold(scheme, "Bearer") {
			return secret.Text(strings.TrimSpace(t)), false
		}
		return "", false
	}
	if c, err := r.Cookie(AccessCookie); err == nil {
		return secret.Text(c.Value), true
	}
	return "", false
}

// Cookies are the cookies that carry a sign-in.
func Cookies(t gatekeeper.Tokens, secure bool) []*http.Cookie {
	return []*http.Cookie{
		{Name: AccessCookie, Value: t.Access.Reveal(), Path: "/", MaxAge: int(t.ExpiresIn.Seconds()),
			HttpOnly: true, Secure: secure, SameSite: http.SameSiteStrictMode},
		{Name: RefreshCookie, Value: t.Refresh.Reveal(), Path: refreshPath, MaxAge: int(gatekeeper.RefreshLifetime.Seconds()),
			HttpOnly: true, Secure: secure, SameSite: http.SameSiteStrictMode},
	}
}

// NoCookies are the cookies that end a sign-in in the browser.
func NoCookies() []*http.Cookie {
	return []*http.Cookie{
		{Name: AccessCookie, Path: "/", MaxAge: -1, HttpOnly: true, SameSite: http.SameSiteStrictMode},
		{Name: RefreshCookie, Path: refreshPath, MaxAge: -1, HttpOnly: true, SameSite: http.SameSiteStrictMode},
	}
}

// Secure reports whether the browser reached us over TLS, here or at a proxy
// in front.
func Secure(r *http.Request) bool {
	return r.TLS != nil || strings.EqualFold(r.Header.Get("X-Forwarded-Proto"), "https")
}

type principalKey struct{}

// WithPrincipal notes who is asking.
func WithPrincipal(ctx context.Context, p tenant.Principal) context.Context {
	return context.WithValue(ctx, principalKey{}, p)
}

// Principal answers who is asking, if they are signed in.
func Principal(ctx context.Context) (tenant.Principal, bool) {
	p, ok := ctx.Value(principalKey{}).(tenant.Principal)
	return p, ok
}
