// Package gatekeeper decides who may enter: it checks the person's row and
// password, then CommuniGate Pro, and issues and renews the tokens.
//
// Both layers must say yes, the gatekeeper first; the answer to a wrong login
// never says which of the two refused, neither by its words nor by its time:
// refusals are answered at the same moment after the question. Each try is
// counted before the password is looked at, by account and by address, so
// that tries made at once count as well as tries made one after another.
//
// Files: login.go (the two layers), throttle.go (wrong tries), password.go
// (hashes), keys.go (signing keys), tokens.go (access and refresh tokens),
// apitokens.go (tokens of scripts), people.go (administration).
package gatekeeper

import (
	"context"
	"errors"
	"time"

	"rmp/internal/secret"
	"rmp/internal/tenant"
)

// User is a person who may enter.
type User struct {
	ID           string
	Tenant       tenant.ID
	Email        string // in lower case; unique in the installation
	Name         string
	Role         tenant.Role
	CGPDomain    string      // the CommuniGate domain of the account
	PasswordHash string      // bcrypt or argon2id, with its parameters; empty: no password opens
	CGPPassword  secret.Text // separate CommuniGate password, or empty; sealed in storage
	Active       bool
	LastLogin    time.Time
	Version      int64 // grows with each change; the ETag
}

// Session is one sign-in: a family of refresh tokens of which only the
// newest is alive.
type Session struct {
	Handle    string // the opaque handle in the tokens
	Tenant    tenant.ID
	UserID    string
	RefreshID string // hash of the refresh token that is alive
	CreatedAt time.Time
	ExpiresAt time.Time
	Revoked   bool
	Address   string // of the network, at the sign-in
	// CGPPassword lets RMP enter CommuniGate Pro again for the person as
	// long as they are signed in. Sealed in storage, forgotten at the end.
	CGPPassword secret.Text
}

// Entry is a sign-in or a script's token with whom it belongs to.
type Entry struct {
	Session      Session
	User         User
	TenantActive bool
	Manages      []string // addresses of the resources that a manager runs
}

// Errors of a Store.
var (
	ErrNoUser    = errors.New("no such user")
	ErrNoSession = errors.New("no such session")
	ErrNoToken   = errors.New("no such token")
	// ErrTaken is answered when another user has the address.
	ErrTaken = errors.New("the address is taken")
	// ErrStale is answered when somebody changed the user meanwhile.
	ErrStale = errors.New("the user has changed")
	// ErrFull is answered when the tenant has as many as it may.
	ErrFull = errors.New("the tenant's limit is reached")
	// ErrReused is answered when a refresh token that is no longer alive is
	// presented; the whole session has been revoked.
	ErrReused = errors.New("refresh token was used before")
)

// UserFilter chooses users of a tenant, in the order of their addresses.
type UserFilter struct {
	Query string // in address or name
	Role  tenant.Role
	After string // cursor: an address
	Limit int
}

// Store keeps users, sign-ins and keys of all tenants: a login comes before
// the tenant is known.
type Store interface {
	UserByEmail(ctx context.Context, email string) (User, error)
	User(ctx context.Context, id string) (User, error)
	Users(ctx context.Context, t tenant.ID, f UserFilter) ([]User, error)
	// SaveUser inserts a user without an ID, or else changes the one of the
	// Version. most bounds the number of users of the tenant; 0 does not.
	SaveUser(ctx context.Context, u *User, most int) error
	DeleteUser(ctx context.Context, t tenant.ID, id string) error
	Tenant(ctx context.Context, id tenant.ID) (tenant.Tenant, error)
	TenantByDomain(ctx context.Context, domain string) (tenant.Tenant, error)
	NoteLogin(ctx context.Context, userID string, at time.Time) error
	SetPasswordHash(ctx context.Context, userID, hash string) error

	// TakeTry counts a try in all places, or answers until when one of them
	// is closed and counts none.
	TakeTry(ctx context.Context, places []Place, now time.Time) (closedUntil time.Time, err error)
	// ForgiveTry takes one try back, or all.
	ForgiveTry(ctx context.Context, place string, all bool) error

	CreateSession(ctx context.Context, s Session) error
	Session(ctx context.Context, handle string) (Entry, error)
	// RotateRefresh replaces the refresh token oldID by newID in one step.
	// If oldID is known for the handle but not the live one, it revokes the
	// session and answers ErrReused.
	RotateRefresh(ctx context.Context, handle, oldID, newID string, expires time.Time) error
	RevokeSession(ctx context.Context, handle string) error
	RevokeSessions(ctx context.Context, userID string) error

	CreateAPIToken(ctx context.Context, k APIToken, hash string) error
	// APIToken answers a token, its hash, and whom it belongs to.
	APIToken(ctx context.Context, id string) (APIToken, string, Entry, error)
	APITokens(ctx context.Context, userID string) ([]APIToken, error)
	DeleteAPIToken(ctx context.Context, userID, id string) error
	TouchAPIToken(ctx context.Context, id string, at time.Time) error

	// SigningKeys answers the keys, newest first.
	SigningKeys(ctx context.Context) ([]SigningKey, error)
	// AddSigningKey stores a key and drops those beyond keep.
	AddSigningKey(ctx context.Context, k SigningKey, keep int) error
	// FirstSigningKey stores a key if there is none.
	FirstSigningKey(ctx context.Context, k SigningKey) error
}
