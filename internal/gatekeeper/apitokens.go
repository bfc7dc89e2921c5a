package gatekeeper

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"rmp/internal/fault"
	"rmp/internal/secret"
	"rmp/internal/tenant"
)

// APIToken lets a script act for a person, within scopes, until it ends.
type APIToken struct {
	ID        string
	Tenant    tenant.ID
	UserID    string
	Name      string
	Scopes    []tenant.Scope
	CreatedAt time.Time
	ExpiresAt time.Time
	LastUsed  time.Time // to the minute
}

const (
	apiTokenMark   = "rmp_"
	mostAPITokens  = 50
	mostTokenLife  = 366 * 24 * time.Hour
	touchAPITokens = time.Minute
)

// CreateAPIToken makes a token for the person and answers its text, which is
// not kept: only its hash is.
func (g *Gatekeeper) CreateAPIToken(ctx context.Context, p tenant.Principal, name string, scopes []tenant.Scope, expires time.Time) (APIToken, secret.Text, error) {
	if p.Session == "" {
		return APIToken{}, "", fault.New(fault.Forbidden, "a token cannot make tokens; sign in for it")
	}
	now := g.now()
	var bad fault.Fields
	if name = strings.TrimSpace(name); name == "" || utf8.RuneCountInString(name) > 100 {
		bad.Add("/name", "must have 1 to 100 characters")
	}
	if len(scopes) == 0 {
		bad.Add("/scopes", "names none; there are %v", tenant.Scopes)
	}
	for i, s := range scopes {
		if !slices.Contains(tenant.Scopes, s) {
			bad.Add(fmt.Sprintf("/scopes/%d", i), "is not a scope; there are %v", tenant.Scopes)
		}
	}
	switch {
	case !expires.After(now):
		bad.Add("/expiresAt", "is over already")
	case expires.Sub(now) > mostTokenLife:
		bad.Add("/expiresAt", "is more than a year away")
	}
	if err := bad.Err(); err != nil {
		return APIToken{}, "", err
	}
	have, err := g.store.APITokens(ctx, p.UserID)
	if err != nil {
		return APIToken{}, "", fmt.Errorf("create token: %w", err)
	}
	if len(have) >= mostAPITokens {
		return APIToken{}, "", fault.New(fault.Invalid, "you have %d tokens; delete one first", len(have))
	}
	k := APIToken{ID: rand.Text()[:16], Tenant: p.Tenant, UserID: p.UserID, Name: name, Scopes: slices.Compact(slices.Sorted(slices.Values(scopes))), CreatedAt: now, ExpiresAt: expires}
	text := secret.Text(apiTokenMark + k.ID + "_" + secret.Random().Reveal())
	if err := g.store.CreateAPIToken(ctx, k, refreshID(text)); err != nil {
		return APIToken{}, "", fmt.Errorf("create token: %w", err)
	}
	return k, text, nil
}

// APITokens answers the person's tokens.
func (g *Gatekeeper) APITokens(ctx context.Context, p tenant.Principal) ([]APIToken, error) {
	list, err := g.store.APITokens(ctx, p.UserID)
	if err != nil {
		return nil, fmt.Errorf("list tokens: %w", err)
	}
	return list, nil
}

// DeleteAPIToken ends a token of the person at once.
func (g *Gatekeeper) DeleteAPIToken(ctx context.Context, p tenant.Principal, id string) error {
	err := g.store.DeleteAPIToken(ctx, p.UserID, id)
	if errors.Is(err, ErrNoToken) {
		return fault.Wrap(err, fault.NotFound, "there is no such token")
	}
	return err
}

func (g *Gatekeeper) verifyAPIToken(ctx context.Context, text secret.Text) (tenant.Principal, error) {
	id, _, _ := strings.Cut(strings.TrimPrefix(text.Reveal(), apiTokenMark), "_")
	k, hash, e, err := g.store.APIToken(ctx, id)
	now := g.now()
	switch {
	case errors.Is(err, ErrNoToken):
		return tenant.Principal{}, errNotSignedIn
	case err != nil:
		return tenant.Principal{}, fmt.Errorf("verify token: %w", err)
	case subtle.ConstantTimeCompare([]byte(hash), []byte(refreshID(text))) != 1, !now.Before(k.ExpiresAt), !e.alive():
		return tenant.Principal{}, errNotSignedIn
	}
	if now.Sub(k.LastUsed) > touchAPITokens {
		if err := g.store.TouchAPIToken(ctx, k.ID, now); err != nil {
			return tenant.Principal{}, fmt.Errorf("verify token: %w", err)
		}
	}
	p := e.principal()
	p.Token, p.Scopes = k.ID, k.Scopes
	return p, nil
}
