// Package webauth carries a sign-in over HTTP: as a bearer token for
// programs, as HttpOnly cookies for the browser app. It is shared by the ways
// in that face the web.
package webauth

import (
	"context"
	"net/http"
	"net/netip"
	"slices"
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

// Secure reports whether the browser reached us over TLS, here or at a trusted
// proxy in front.
func Secure(r *http.Request, proxies []netip.Prefix) bool {
	return r.TLS != nil || trusted(peer(r), proxies) && strings.EqualFold(r.Header.Get("X-Forwarded-Proto"), "https")
}

// Address is the network address of the client: of the connection, or what
// trusted proxies in front say. Of X-Forwarded-For only what trusted proxies
// have added counts: the last entry that is not one of them.
func Address(r *http.Request, proxies []netip.Prefix) netip.Addr {
	at := peer(r)
	list := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(list) - 1; i >= 0 && trusted(at, proxies); i-- {
		next, err := netip.ParseAddr(strings.TrimSpace(list[i]))
		if err != nil {
			break
		}
		at = next.Unmap()
	}
	return at
}

// FromProxy reports whether a trusted proxy in front has sent the request.
func FromProxy(r *http.Request, proxies []netip.Prefix) bool { return trusted(peer(r), proxies) }

func peer(r *http.Request) netip.Addr {
	a, _ := netip.ParseAddrPort(r.RemoteAddr) // none where there is no network, as in tests
	return a.Addr().Unmap()
}

func trusted(a netip.Addr, proxies []netip.Prefix) bool {
	return slices.ContainsFunc(proxies, func(p netip.Prefix) bool { return p.Contains(a.WithZone("")) })
}

// Headers are those that every answer carries.
func Headers(h http.Header, secure bool) {
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()")
	if secure {
		h.Set("Strict-Transport-Security", "max-age=31536000")
	}
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
