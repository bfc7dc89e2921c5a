// Package gatekeeper decides who may enter: it checks the person's row and
// password, then CommuniGate Pro, and issues and renews the tokens.
//
// Both layers must say yes, the gatekeeper first; the answer to a wrong login
// never says which of the two refused.
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
	PasswordHash string      // bcrypt or argon2id, with its parameters
	CGPPassword  secret.Text // separate CommuniGate password, or empty; sealed in storage
	Active       bool
	FailedTries  int
	LockedUntil  time.Time
	LastLogin    time.Time
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
}

// Errors of a Store.
var (
	ErrNoUser    = errors.New("no such user")
	ErrNoSession = errors.New("no such session")
	// ErrReused is answered when a refresh token that is no longer alive is
	// presented; the whole session has been revoked.
	ErrReused = errors.New("refresh token was used before")
)

// Store keeps users and sign-ins of all tenants: a login comes before the
// tenant is known.
type Store interface {
	UserByEmail(ctx context.Context, email string) (User, error)
	User(ctx context.Context, id string) (User, error)
	SaveUser(ctx context.Context, u *User) error
	Tenant(ctx context.Context, id tenant.ID) (tenant.Tenant, error)
	// NoteLogin stores the outcome of a try: on success it resets the count
	// and stores the time; on failure it counts and may lock.
	NoteLogin(ctx context.Context, userID string, ok bool, at, lockedUntil time.Time) error
	SetPasswordHash(ctx context.Context, userID, hash string) error

	CreateSession(ctx context.Context, s Session) error
	Session(ctx context.Context, handle string) (Session, error)
	// RotateRefresh replaces the refresh token oldID by newID in one step.
	// If oldID is known for the handle but not the live one, it revokes the
	// session and answers ErrReused.
	RotateRefresh(ctx context.Context, handle, oldID, newID string, expires time.Time) error
	RevokeSession(ctx context.Context, handle string) error
}
