package gatekeeper

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"rmp/internal/fault"
	"rmp/internal/secret"
	"rmp/internal/tenant"
)

// CommuniGate is the second layer: whether CommuniGate Pro accepts a login.
type CommuniGate interface {
	// CheckLogin answers nil if the tenant's CommuniGate accepts the
	// password, ErrRefused if it refuses it, and a fault of code Unavailable,
	// Timeout or BadGateway if it cannot be asked.
	CheckLogin(ctx context.Context, t tenant.Tenant, account string, password secret.Text) error
	// End ends what is open in CommuniGate for a sign-in.
	End(ctx context.Context, session string)
}

// ErrRefused is what CommuniGate says to a wrong password.
var ErrRefused = errors.New("CommuniGate Pro refused the login")

// refusalStep is when refusals are answered: at the next full step after the
// question. The hash of a password, a decoy and the question to CommuniGate
// take different times, which so do not show.
const refusalStep = 400 * time.Millisecond

// Gatekeeper signs people in and checks their tokens.
type Gatekeeper struct {
	store  Store
	cgp    CommuniGate
	now    func() time.Time
	hasher *hasher
	keys   *keyring
	step   time.Duration // see refusalStep
}

// New makes a gatekeeper.
func New(store Store, cgp CommuniGate, now func() time.Time) *Gatekeeper {
	return &Gatekeeper{store: store, cgp: cgp, now: now, hasher: newHasher(), keys: &keyring{store: store, now: now}, step: refusalStep}
}

// Credentials is what a person gives to sign in.
type Credentials struct {
	Email       string
	Password    secret.Text
	CGPPassword secret.Text // when CommuniGate has another one; empty: the same
	Address     netip.Addr  // from where
}

var errWrongLogin = fault.New(fault.Unauthenticated, "wrong address or password")

// refusedBy says the same to everybody, and to the operator what refused.
func refusedBy(layer string) error {
	return &fault.Error{Code: errWrongLogin.Code, Text: errWrongLogin.Text, Hint: layer, Err: errWrongLogin}
}

// Login checks both layers and starts a session. A refusal of somebody known
// still names their tenant, and nothing else.
func (g *Gatekeeper) Login(ctx context.Context, c Credentials) (Tokens, error) {
	started := time.Now()
	t, err := g.login(ctx, c)
	if errors.Is(err, errWrongLogin) {
		g.delay(ctx, started)
	}
	return t, err
}

// delay waits until the next full step.
func (g *Gatekeeper) delay(ctx context.Context, started time.Time) {
	took := time.Since(started)
	wait := time.NewTimer(took.Truncate(g.step) + g.step - took)
	defer wait.Stop()
	select {
	case <-wait.C:
	case <-ctx.Done():
	}
}

func (g *Gatekeeper) login(ctx context.Context, c Credentials) (Tokens, error) {
	email := strings.ToLower(strings.TrimSpace(c.Email))
	places := placesOf(email, c.Address)
	if err := g.take(ctx, places); err != nil {
		return Tokens{}, err
	}
	user, err := g.store.UserByEmail(ctx, email)
	known := err == nil
	if err != nil && !errors.Is(err, ErrNoUser) {
		return Tokens{}, fmt.Errorf("login: %w", err)
	}
	right, err := g.hasher.compare(ctx, user.PasswordHash, c.Password)
	if err != nil {
		return Tokens{}, err
	}
	refused := Tokens{User: User{Tenant: user.Tenant}} // for the audit log
	switch {
	case !known:
		return refused, refusedBy("nobody has the address")
	case !user.Active:
		return refused, refusedBy("the person is switched off")
	case !right:
		return refused, refusedBy("the password is not that of RMP")
	}
	t, err := g.store.Tenant(ctx, user.Tenant)
	if err != nil {
		return Tokens{}, fmt.Errorf("login: %w", err)
	}
	if !t.Active {
		return refused, refusedBy("the organisation is switched off")
	}
	password := c.CGPPassword
	if password == "" {
		password = user.CGPPassword
	}
	if password == "" {
		password = c.Password
	}
	if err := g.cgp.CheckLogin(ctx, t, user.Email, password); err != nil {
		if errors.Is(err, ErrRefused) {
			return refused, refusedBy("CommuniGate Pro refused the password, or the account")
		}
		_ = g.forgive(ctx, places) // it was no wrong try; that it counts is the lesser evil
		return Tokens{}, fmt.Errorf("login: %w", err)
	}
	if err := g.forgive(ctx, places); err != nil {
		return Tokens{}, err
	}
	if outdated(user.PasswordHash) && len(c.Password) >= minPassword {
		if err := g.store.SetPasswordHash(ctx, user.ID, argonHash(c.Password)); err != nil {
			return Tokens{}, fmt.Errorf("login: %w", err)
		}
	}
	return g.begin(ctx, user, password, c.Address)
}

// Admit starts a session for a person whom their organisation's OpenID
// Connect provider has recognised. The gatekeeper's row still decides;
// CommuniGate is then reached by the service account.
func (g *Gatekeeper) Admit(ctx context.Context, id tenant.ID, email string, address netip.Addr) (Tokens, error) {
	user, err := g.store.UserByEmail(ctx, strings.ToLower(email))
	switch {
	case errors.Is(err, ErrNoUser):
		return Tokens{}, errWrongLogin
	case err != nil:
		return Tokens{}, fmt.Errorf("login: %w", err)
	}
	t, err := g.store.Tenant(ctx, user.Tenant)
	switch {
	case err != nil:
		return Tokens{}, fmt.Errorf("login: %w", err)
	case user.Tenant != id, !user.Active, !t.Active:
		return Tokens{}, errWrongLogin
	}
	return g.begin(ctx, user, "", address)
}

func (g *Gatekeeper) begin(ctx context.Context, u User, cgp secret.Text, address netip.Addr) (Tokens, error) {
	now := g.now()
	if err := g.store.NoteLogin(ctx, u.ID, now); err != nil {
		return Tokens{}, fmt.Errorf("login: %w", err)
	}
	handle := newHandle()
	refresh := newRefresh(handle)
	from := ""
	if address.IsValid() {
		from = address.String()
	}
	err := g.store.CreateSession(ctx, Session{Handle: handle, Tenant: u.Tenant, UserID: u.ID, RefreshID: refreshID(refresh),
		CreatedAt: now, ExpiresAt: now.Add(RefreshLifetime), CGPPassword: cgp, Address: from})
	if err != nil {
		return Tokens{}, fmt.Errorf("login: %w", err)
	}
	return g.tokens(ctx, u, handle, refresh)
}

// Logout ends a session: both of its tokens are dead from then on, and what
// was open in CommuniGate for it is closed.
func (g *Gatekeeper) Logout(ctx context.Context, handle string) error {
	if err := g.store.RevokeSession(ctx, handle); err != nil && !errors.Is(err, ErrNoSession) {
		return fmt.Errorf("logout: %w", err)
	}
	g.cgp.End(ctx, handle)
	return nil
}
