// Package oidc signs people in with the OpenID Connect provider of their
// organisation: the authorization code flow with PKCE, state and nonce
// (OpenID Connect Core 1.0 section 3.1, RFC 7636).
//
// What must survive the way to the provider and back is in the browser's
// cookie, sealed, so that any process can finish what another began. Who may
// enter is decided by the gatekeeper: this package only learns the address.
package oidc

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"rmp/internal/fault"
	"rmp/internal/secret"
	"rmp/internal/tenant"
)

// Tenants finds the tenant of an address.
type Tenants interface {
	Tenant(ctx context.Context, id tenant.ID) (tenant.Tenant, error)
	TenantOf(ctx context.Context, email string) (tenant.Tenant, error)
}

// Way is how long a person may take at the provider.
const Way = 10 * time.Minute

const (
	timeout      = 10 * time.Second // of one request to a provider
	providerKept = 10 * time.Minute // what is known of one
	sealPlace    = "oidc"
)

// SignIn leads to the providers and back.
type SignIn struct {
	tenants Tenants
	sealer  *secret.Sealer
	now     func() time.Time
	client  *http.Client

	mu        sync.Mutex
	providers map[string]known // by issuer
}

type known struct {
	*oidc.Provider
	at time.Time
}

// New makes it.
func New(tenants Tenants, sealer *secret.Sealer, now func() time.Time) *SignIn {
	return &SignIn{tenants: tenants, sealer: sealer, now: now, client: &http.Client{Timeout: timeout}, providers: map[string]known{}}
}

// trip is what the cookie holds.
type trip struct {
	Tenant   tenant.ID `json:"t"`
	State    string    `json:"s"`
	Nonce    string    `json:"n"`
	Verifier string    `json:"v"`
	Next     string    `json:"x"`
	Till     time.Time `json:"e"`
}

var errNone = fault.New(fault.Invalid, "the organisation of this address has no single sign-on; use the password")

// Start answers the provider's page for an address, and what the browser is to
// keep meanwhile.
func (s *SignIn) Start(ctx context.Context, email, callback, next string) (string, secret.Text, error) {
	t, err := s.tenants.TenantOf(ctx, email)
	if err != nil || !t.Active || t.Settings.OIDC.Issuer == "" {
		return "", "", errNone
	}
	conf, _, err := s.config(ctx, t, callback)
	if err != nil {
		return "", "", err
	}
	w := trip{Tenant: t.ID, State: rand.Text(), Nonce: rand.Text(), Verifier: oauth2.GenerateVerifier(), Next: next, Till: s.now().Add(Way)}
	j, err := json.Marshal(w)
	if err != nil {
		return "", "", err
	}
	options := []oauth2.AuthCodeOption{oidc.Nonce(w.Nonce), oauth2.S256ChallengeOption(w.Verifier)}
	if email != "" {
		options = append(options, oauth2.SetAuthURLParam("login_hint", email))
	}
	return conf.AuthCodeURL(w.State, options...), secret.Text(s.sealer.Seal(secret.Text(j), sealPlace)), nil
}

var errRefused = fault.New(fault.Unauthenticated, "the single sign-on was not accepted; try again")

// Finish reads what the provider answered, and says who it was and where they
// wanted to go.
func (s *SignIn) Finish(ctx context.Context, cookie secret.Text, answer url.Values, callback string) (id tenant.ID, email, next string, err error) {
	j, err := s.sealer.Open(cookie.Reveal(), sealPlace)
	var w trip
	if err == nil {
		err = json.Unmarshal([]byte(j.Reveal()), &w)
	}
	if err != nil || s.now().After(w.Till) || subtle.ConstantTimeCompare([]byte(answer.Get("state")), []byte(w.State)) != 1 || answer.Get("code") == "" {
		return "", "", "", fault.Wrap(err, fault.Unauthenticated, "the single sign-on was not accepted, or took too long; try again")
	}
	t, err := s.tenants.Tenant(ctx, w.Tenant)
	if err != nil {
		return "", "", "", err
	}
	conf, provider, err := s.config(ctx, t, callback)
	if err != nil {
		return "", "", "", err
	}
	ctx = oidc.ClientContext(ctx, s.client)
	token, err := conf.Exchange(ctx, answer.Get("code"), oauth2.VerifierOption(w.Verifier))
	if err != nil {
		var refused *oauth2.RetrieveError
		if errors.As(err, &refused) && refused.Response.StatusCode < 500 {
			return "", "", "", fault.Wrap(err, fault.Unauthenticated, "%s", errRefused.Text)
		}
		return "", "", "", unreachable(err)
	}
	raw, _ := token.Extra("id_token").(string)
	idToken, err := provider.VerifierContext(ctx, &oidc.Config{ClientID: conf.ClientID, Now: s.now}).Verify(ctx, raw)
	if err != nil {
		return "", "", "", fault.Wrap(err, fault.Unauthenticated, "%s", errRefused.Text)
	}
	if subtle.ConstantTimeCompare([]byte(idToken.Nonce), []byte(w.Nonce)) != 1 {
		return "", "", "", errRefused
	}
	var claims struct {
		Email    string `json:"email"`
		Verified *bool  `json:"email_verified"`
	}
	if err := idToken.Claims(&claims); err != nil {
		return "", "", "", fault.Wrap(err, fault.Unauthenticated, "%s", errRefused.Text)
	}
	if claims.Email == "" { // some providers tell it at the userinfo endpoint only
		info, err := provider.UserInfo(ctx, oauth2.StaticTokenSource(token))
		if err != nil {
			return "", "", "", unreachable(err)
		}
		if info.Subject != idToken.Subject {
			return "", "", "", errRefused
		}
		if err := info.Claims(&claims); err != nil {
			return "", "", "", fault.Wrap(err, fault.Unauthenticated, "%s", errRefused.Text)
		}
	}
	// A provider that says nothing of verification is the organisation's own
	// directory.
	if claims.Email == "" || claims.Verified != nil && !*claims.Verified || !t.Owns(claims.Email) {
		return "", "", "", fault.New(fault.Unauthenticated, "the single sign-on tells no verified address of %s", t.Domain)
	}
	return t.ID, strings.ToLower(claims.Email), w.Next, nil
}

func unreachable(err error) error {
	return fault.Wrap(err, fault.Unavailable, "the organisation's single sign-on cannot be reached; try again soon")
}

func (s *SignIn) config(ctx context.Context, t tenant.Tenant, callback string) (*oauth2.Config, *oidc.Provider, error) {
	c := t.Settings.OIDC
	s.mu.Lock()
	k, ok := s.providers[c.Issuer]
	s.mu.Unlock()
	if !ok || s.now().Sub(k.at) > providerKept {
		// The provider keeps the context for reading its keys later.
		p, err := oidc.NewProvider(oidc.ClientContext(context.WithoutCancel(ctx), s.client), c.Issuer)
		if err != nil {
			return nil, nil, fmt.Errorf("read %s: %w", c.Issuer, unreachable(err))
		}
		k = known{p, s.now()}
		s.mu.Lock()
		s.providers[c.Issuer] = k
		s.mu.Unlock()
	}
	return &oauth2.Config{ClientID: c.ClientID, ClientSecret: c.ClientSecret.Reveal(), Endpoint: k.Endpoint(), RedirectURL: callback,
		Scopes: []string{oidc.ScopeOpenID, "email", "profile"}}, k.Provider, nil
}
