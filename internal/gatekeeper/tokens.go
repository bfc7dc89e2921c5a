package gatekeeper

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"rmp/internal/fault"
	"rmp/internal/secret"
	"rmp/internal/tenant"
)

// Lifetimes of the tokens.
const (
	AccessLifetime  = 15 * time.Minute
	RefreshLifetime = 30 * 24 * time.Hour
)

// issuer is who the access tokens say has made them.
const issuer = "rmp"

// Tokens is what a sign-in or a renewal gives.
type Tokens struct {
	Access    secret.Text
	Refresh   secret.Text
	ExpiresIn time.Duration // of the access token
	Session   string        // opaque handle
	User      User
}

func newHandle() string { return rand.Text() }

func newRefresh(handle string) secret.Text {
	return secret.Text(handle + "." + secret.Random().Reveal())
}

func refreshID(t secret.Text) string {
	sum := sha256.Sum256([]byte(t.Reveal()))
	return hex.EncodeToString(sum[:])
}

// claims are those that docs/architecture.md names.
type claims struct {
	jwt.RegisteredClaims
	Email   string `json:"email"`
	Name    string `json:"name,omitempty"`
	Role    string `json:"gatekeeper_role"`
	Session string `json:"cgpro_session"`
	Domain  string `json:"cgpro_domain"`
	Tenant  string `json:"tenant"`
}

func (g *Gatekeeper) tokens(ctx context.Context, u User, handle string, refresh secret.Text) (Tokens, error) {
	now := g.now()
	key, err := g.keys.signing(ctx)
	if err != nil {
		return Tokens{}, err
	}
	token := jwt.NewWithClaims(jwt.SigningMethodHS256, claims{
		RegisteredClaims: jwt.RegisteredClaims{Issuer: issuer, Subject: u.ID, ID: rand.Text(),
			IssuedAt: jwt.NewNumericDate(now), ExpiresAt: jwt.NewNumericDate(now.Add(AccessLifetime))},
		Email: u.Email, Name: u.Name, Role: string(u.Role), Session: handle,
		Domain: u.CGPDomain, Tenant: string(u.Tenant),
	})
	token.Header["kid"] = key.ID
	access, err := token.SignedString([]byte(key.Secret.Reveal()))
	if err != nil {
		return Tokens{}, fmt.Errorf("sign access token: %w", err)
	}
	return Tokens{Access: secret.Text(access), Refresh: refresh, ExpiresIn: AccessLifetime, Session: handle, User: u}, nil
}

var errNotSignedIn = fault.New(fault.Unauthenticated, "not signed in, or the sign-in has ended")

// Verify answers who an access token, or a script's token, speaks for. What
// the person may is read from their row: a token outlives no change of it.
func (g *Gatekeeper) Verify(ctx context.Context, access secret.Text) (tenant.Principal, error) {
	if strings.HasPrefix(access.Reveal(), apiTokenMark) {
		return g.verifyAPIToken(ctx, access)
	}
	var c claims
	var keyErr error
	_, err := jwt.ParseWithClaims(access.Reveal(), &c, func(t *jwt.Token) (any, error) {
		id, _ := t.Header["kid"].(string)
		k, err := g.keys.byID(ctx, id)
		if err != nil && !errors.Is(err, errNoKey) {
			keyErr = err
		}
		return []byte(k.Secret.Reveal()), err
	}, jwt.WithValidMethods([]string{jwt.SigningMethodHS256.Alg()}), jwt.WithIssuer(issuer), jwt.WithExpirationRequired(), jwt.WithTimeFunc(g.now))
	if keyErr != nil {
		return tenant.Principal{}, keyErr
	}
	if err != nil {
		return tenant.Principal{}, errNotSignedIn
	}
	e, err := g.store.Session(ctx, c.Session)
	switch {
	case errors.Is(err, ErrNoSession):
		return tenant.Principal{}, errNotSignedIn
	case err != nil:
		return tenant.Principal{}, fmt.Errorf("verify token: %w", err)
	case e.Session.Revoked || !e.alive() || string(e.Session.Tenant) != c.Tenant || e.User.ID != c.Subject:
		return tenant.Principal{}, errNotSignedIn
	}
	p := e.principal()
	p.Session = e.Session.Handle
	return p, nil
}

func (e Entry) alive() bool { return e.User.Active && e.TenantActive && e.User.Role.Valid() }

func (e Entry) principal() tenant.Principal {
	u := e.User
	return tenant.Principal{Tenant: u.Tenant, UserID: u.ID, Domain: u.CGPDomain, Email: u.Email, Name: u.Name, Role: u.Role, Manages: e.Manages}
}

// Refresh renews a pair of tokens; the old refresh token dies. A refresh
// token that was used before ends the whole session, because one of the two
// who have it is a thief.
func (g *Gatekeeper) Refresh(ctx context.Context, refresh secret.Text) (Tokens, error) {
	handle, _, ok := strings.Cut(refresh.Reveal(), ".")
	if !ok {
		return Tokens{}, errNotSignedIn
	}
	e, err := g.store.Session(ctx, handle)
	switch {
	case errors.Is(err, ErrNoSession):
		return Tokens{}, errNotSignedIn
	case err != nil:
		return Tokens{}, fmt.Errorf("refresh: %w", err)
	case e.Session.Revoked, !e.alive(), !g.now().Before(e.Session.ExpiresAt):
		return Tokens{}, errNotSignedIn
	}
	next := newRefresh(handle)
	err = g.store.RotateRefresh(ctx, handle, refreshID(refresh), refreshID(next), g.now().Add(RefreshLifetime))
	switch {
	case errors.Is(err, ErrReused), errors.Is(err, ErrNoSession):
		g.cgp.End(ctx, handle)
		return Tokens{}, errNotSignedIn
	case err != nil:
		return Tokens{}, fmt.Errorf("refresh: %w", err)
	}
	return g.tokens(ctx, e.User, handle, next)
}
