package gatekeeper

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"golang.org/x/crypto/bcrypt"
	"golang.org/x/sync/semaphore"

	"rmp/internal/fault"
	"rmp/internal/secret"
	"rmp/internal/tenant"
)

// Lifetimes of the tokens, and the lock after wrong tries.
const (
	AccessLifetime  = 15 * time.Minute
	RefreshLifetime = 30 * 24 * time.Hour
	maxTries        = 10              // wrong tries in a row before the account is locked
	lockTime        = 5 * time.Minute // for so long
	maxPassword     = 72              // bytes; bcrypt ignores what is beyond
)

// CommuniGate is the second layer: whether CommuniGate Pro accepts a login.
type CommuniGate interface {
	// CheckLogin answers nil if CommuniGate accepts the password, ErrRefused
	// if it refuses it, and a fault of code Unavailable, Timeout or
	// BadGateway if it cannot be asked.
	CheckLogin(ctx context.Context, account string, password secret.Text) error
}

// ErrRefused is what CommuniGate says to a wrong password.
var ErrRefused = errors.New("CommuniGate Pro refused the login")

// Gatekeeper signs people in and checks their tokens.
type Gatekeeper struct {
	store   Store
	cgp     CommuniGate
	signKey []byte
	now     func() time.Time
	hashing *semaphore.Weighted // bounds the memory and CPU of a login storm
	decoy   []byte              // hash that an unknown person's password is compared with
}

// New makes a gatekeeper. signKey signs the access tokens (HS256) and must be
// the same in every process.
func New(store Store, cgp CommuniGate, signKey []byte, now func() time.Time) (*Gatekeeper, error) {
	if len(signKey) < 32 {
		return nil, errors.New("gatekeeper: the signing key must have at least 32 bytes")
	}
	decoy, err := bcrypt.GenerateFromPassword([]byte(rand.Text()), bcrypt.DefaultCost)
	if err != nil {
		return nil, fmt.Errorf("gatekeeper: %w", err)
	}
	return &Gatekeeper{store: store, cgp: cgp, signKey: signKey, now: now,
		hashing: semaphore.NewWeighted(int64(runtime.NumCPU())), decoy: decoy}, nil
}

// HashPassword makes the hash that a user row holds.
func HashPassword(password secret.Text) (string, error) {
	if len(password) > maxPassword {
		return "", fault.InvalidField("/password", "longer than %d bytes", maxPassword)
	}
	h, err := bcrypt.GenerateFromPassword([]byte(password.Reveal()), bcrypt.DefaultCost)
	return string(h), err
}

// Tokens is what a sign-in or a renewal gives.
type Tokens struct {
	Access    secret.Text
	Refresh   secret.Text
	ExpiresIn time.Duration // of the access token
	Session   string        // opaque handle
	User      User
}

// Credentials is what a person gives to sign in.
type Credentials struct {
	Email       string
	Password    secret.Text
	CGPPassword secret.Text // when CommuniGate has another one; empty: the same
}

var errWrongLogin = fault.New(fault.Unauthenticated, "wrong address or password")

// Login checks both layers and starts a session.
func (g *Gatekeeper) Login(ctx context.Context, c Credentials) (Tokens, error) {
	email := strings.ToLower(strings.TrimSpace(c.Email))
	user, err := g.store.UserByEmail(ctx, email)
	known := err == nil
	if err != nil && !errors.Is(err, ErrNoUser) {
		return Tokens{}, fmt.Errorf("login: %w", err)
	}
	if known && g.now().Before(user.LockedUntil) {
		return Tokens{}, &fault.Error{Code: fault.TooMany, Text: "too many wrong tries; wait before the next one",
			RetryAfter: user.LockedUntil.Sub(g.now())}
	}
	hash := g.decoy
	if known {
		hash = []byte(user.PasswordHash)
	}
	right, err := g.compare(ctx, hash, c.Password)
	if err != nil {
		return Tokens{}, err
	}
	if !known {
		return Tokens{}, errWrongLogin
	}
	t, err := g.store.Tenant(ctx, user.Tenant)
	if err != nil {
		return Tokens{}, fmt.Errorf("login: %w", err)
	}
	if !right || !user.Active || !t.Active {
		return Tokens{}, g.refuse(ctx, user)
	}
	password := c.CGPPassword
	if password == "" {
		password = user.CGPPassword
	}
	if password == "" {
		password = c.Password
	}
	if err := g.cgp.CheckLogin(ctx, user.Email, password); err != nil {
		if errors.Is(err, ErrRefused) {
			return Tokens{}, g.refuse(ctx, user)
		}
		return Tokens{}, fmt.Errorf("login: %w", err)
	}
	if err := g.store.NoteLogin(ctx, user.ID, true, g.now(), time.Time{}); err != nil {
		return Tokens{}, fmt.Errorf("login: %w", err)
	}
	return g.begin(ctx, user)
}

// compare checks a password against a hash, a bounded number at a time.
func (g *Gatekeeper) compare(ctx context.Context, hash []byte, password secret.Text) (bool, error) {
	if err := g.hashing.Acquire(ctx, 1); err != nil {
		return false, fault.Wrap(err, fault.Unavailable, "too many people are signing in; try again")
	}
	defer g.hashing.Release(1)
	p := []byte(password.Reveal())
	if len(p) > maxPassword {
		p = p[:0] // bcrypt would refuse it without spending the time
	}
	return bcrypt.CompareHashAndPassword(hash, p) == nil, nil
}

// refuse counts a wrong try and gives the one answer.
func (g *Gatekeeper) refuse(ctx context.Context, u User) error {
	var lock time.Time
	if (u.FailedTries+1)%maxTries == 0 {
		lock = g.now().Add(lockTime)
	}
	if err := g.store.NoteLogin(ctx, u.ID, false, g.now(), lock); err != nil {
		return fmt.Errorf("login: %w", err)
	}
	return errWrongLogin
}

func (g *Gatekeeper) begin(ctx context.Context, u User) (Tokens, error) {
	now := g.now()
	handle := rand.Text()
	refresh := newRefresh(handle)
	err := g.store.CreateSession(ctx, Session{Handle: handle, Tenant: u.Tenant, UserID: u.ID,
		RefreshID: refreshID(refresh), CreatedAt: now, ExpiresAt: now.Add(RefreshLifetime)})
	if err != nil {
		return Tokens{}, fmt.Errorf("login: %w", err)
	}
	return g.tokens(u, handle, refresh)
}

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

func (g *Gatekeeper) tokens(u User, handle string, refresh secret.Text) (Tokens, error) {
	now := g.now()
	access, err := jwt.NewWithClaims(jwt.SigningMethodHS256, claims{
		RegisteredClaims: jwt.RegisteredClaims{Subject: u.ID, ID: rand.Text(),
			IssuedAt: jwt.NewNumericDate(now), ExpiresAt: jwt.NewNumericDate(now.Add(AccessLifetime))},
		Email: u.Email, Name: u.Name, Role: string(u.Role), Session: handle,
		Domain: u.CGPDomain, Tenant: string(u.Tenant),
	}).SignedString(g.signKey)
	if err != nil {
		return Tokens{}, fmt.Errorf("sign access token: %w", err)
	}
	return Tokens{Access: secret.Text(access), Refresh: refresh, ExpiresIn: AccessLifetime, Session: handle, User: u}, nil
}

var errNotSignedIn = fault.New(fault.Unauthenticated, "not signed in, or the sign-in has ended")

// Verify answers who an access token speaks for.
func (g *Gatekeeper) Verify(ctx context.Context, access secret.Text) (tenant.Principal, error) {
	var c claims
	_, err := jwt.ParseWithClaims(access.Reveal(), &c, func(*jwt.Token) (any, error) { return g.signKey, nil },
		jwt.WithValidMethods([]string{jwt.SigningMethodHS256.Alg()}), jwt.WithExpirationRequired(), jwt.WithTimeFunc(g.now))
	if err != nil {
		return tenant.Principal{}, errNotSignedIn
	}
	s, err := g.store.Session(ctx, c.Session)
	switch {
	case errors.Is(err, ErrNoSession):
		return tenant.Principal{}, errNotSignedIn
	case err != nil:
		return tenant.Principal{}, fmt.Errorf("verify token: %w", err)
	case s.Revoked || string(s.Tenant) != c.Tenant || s.UserID != c.Subject:
		return tenant.Principal{}, errNotSignedIn
	}
	role := tenant.Role(c.Role)
	if !role.Valid() {
		return tenant.Principal{}, errNotSignedIn
	}
	return tenant.Principal{Tenant: s.Tenant, Domain: c.Domain, Email: c.Email, Name: c.Name, Role: role, Session: c.Session}, nil
}

// Refresh renews a pair of tokens; the old refresh token dies. A refresh
// token that was used before ends the whole session, because one of the two
// who have it is a thief.
func (g *Gatekeeper) Refresh(ctx context.Context, refresh secret.Text) (Tokens, error) {
	handle, _, ok := strings.Cut(refresh.Reveal(), ".")
	if !ok {
		return Tokens{}, errNotSignedIn
	}
	s, err := g.store.Session(ctx, handle)
	switch {
	case errors.Is(err, ErrNoSession):
		return Tokens{}, errNotSignedIn
	case err != nil:
		return Tokens{}, fmt.Errorf("refresh: %w", err)
	case s.Revoked || !g.now().Before(s.ExpiresAt):
		return Tokens{}, errNotSignedIn
	}
	next := newRefresh(handle)
	err = g.store.RotateRefresh(ctx, handle, refreshID(refresh), refreshID(next), g.now().Add(RefreshLifetime))
	switch {
	case errors.Is(err, ErrReused), errors.Is(err, ErrNoSession):
		return Tokens{}, errNotSignedIn
	case err != nil:
		return Tokens{}, fmt.Errorf("refresh: %w", err)
	}
	u, err := g.store.User(ctx, s.UserID)
	if err != nil {
		return Tokens{}, fmt.Errorf("refresh: %w", err)
	}
	t, err := g.store.Tenant(ctx, u.Tenant)
	if err != nil {
		return Tokens{}, fmt.Errorf("refresh: %w", err)
	}
	if !u.Active || !t.Active {
		return Tokens{}, errNotSignedIn
	}
	return g.tokens(u, handle, next)
}

// Logout ends a session: both of its tokens are dead from then on.
func (g *Gatekeeper) Logout(ctx context.Context, handle string) error {
	if err := g.store.RevokeSession(ctx, handle); err != nil && !errors.Is(err, ErrNoSession) {
		return fmt.Errorf("logout: %w", err)
	}
	return nil
}
