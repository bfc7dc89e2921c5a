package gatekeeper

import (
	"context"
	"errors"
	"fmt"
	"net/mail"
	"strings"
	"unicode"
	"unicode/utf8"

	"rmp/internal/fault"
	"rmp/internal/secret"
	"rmp/internal/tenant"
)

// Person is what an administrator sets of a user.
type Person struct {
	Email       string
	Name        string
	Role        tenant.Role
	CGPDomain   string       // empty: that of the address
	Password    secret.Text  // empty: as it is; for a new user none, who then signs in with OpenID Connect only
	Hash        string       // instead of Password, from an import
	CGPPassword *secret.Text // nil: as it is; empty: none of its own
	Active      bool
}

// ErrNotYours is wrapped when an administrator may not do that to a user.
var ErrNotYours = errors.New("beyond the administrator's role")

// Check normalises, and says what is wrong.
func (n *Person) Check(t tenant.Tenant) error {
	var bad fault.Fields
	n.Email = strings.ToLower(strings.TrimSpace(n.Email))
	a, err := mail.ParseAddress(n.Email)
	switch {
	case err != nil || a.Address != n.Email || len(n.Email) > 254 || strings.ContainsFunc(n.Email, unicode.IsControl):
		bad.Add("/email", "is not an address such as anna@%s", t.Domain)
	case !t.Owns(n.Email):
		bad.Add("/email", "is not in the domain %s or one below it", t.Domain)
	}
	n.Name = strings.TrimSpace(n.Name)
	if n.Name == "" || utf8.RuneCountInString(n.Name) > 200 || !utf8.ValidString(n.Name) || strings.ContainsFunc(n.Name, unicode.IsControl) {
		bad.Add("/realName", "must have 1 to 200 characters, none of them a control character")
	}
	if !n.Role.Valid() {
		bad.Add("/role", "is not one of user, manager, admin, super_admin")
	}
	if n.CGPDomain = strings.ToLower(strings.TrimSpace(n.CGPDomain)); n.CGPDomain == "" {
		_, n.CGPDomain, _ = strings.Cut(n.Email, "@")
	}
	if n.CGPDomain != "" && !t.Owns("x@"+n.CGPDomain) {
		bad.Add("/domain", "is not %s or a domain below it", t.Domain)
	}
	if n.Hash != "" {
		if err := CheckHash(n.Hash); err != nil {
			bad.Add("/passwordHash", "%s", err.Error())
		}
	}
	if n.CGPPassword != nil && len(*n.CGPPassword) > maxPassword {
		bad.Add("/cgproPassword", "is longer than %d bytes", maxPassword)
	}
	return bad.Err()
}

// Users answers a tenant's users.
func (g *Gatekeeper) Users(ctx context.Context, t tenant.ID, f UserFilter) ([]User, error) {
	list, err := g.store.Users(ctx, t, f)
	if err != nil {
		return nil, fmt.Errorf("list users: %w", err)
	}
	return list, nil
}

// UserOf answers a user of the tenant by address.
func (g *Gatekeeper) UserOf(ctx context.Context, t tenant.ID, email string) (User, error) {
	u, err := g.store.UserByEmail(ctx, strings.ToLower(email))
	if errors.Is(err, ErrNoUser) || err == nil && u.Tenant != t {
		return User{}, fault.New(fault.NotFound, "there is no such user")
	}
	if err != nil {
		return User{}, fmt.Errorf("read user: %w", err)
	}
	return u, nil
}

// within reports whether the administrator's role reaches that of a user:
// nobody makes, changes or removes one above their own.
func within(by tenant.Principal, r tenant.Role) error {
	if by.Role.AtLeast(r) {
		return nil
	}
	return fault.Wrap(ErrNotYours, fault.Forbidden, "only a %s may do that to a %s", r, r)
}

// CreateUser adds a user.
func (g *Gatekeeper) CreateUser(ctx context.Context, by tenant.Principal, n Person) (User, error) {
	t, err := g.store.Tenant(ctx, by.Tenant)
	if err != nil {
		return User{}, fmt.Errorf("create user: %w", err)
	}
	if err := n.Check(t); err != nil {
		return User{}, err
	}
	if err := within(by, n.Role); err != nil {
		return User{}, err
	}
	u := User{Tenant: t.ID}
	if err := n.apply(&u); err != nil {
		return User{}, err
	}
	return u, g.save(ctx, &u, t)
}

// ChangeUser changes a user of the version, or of any if it is 0. Whoever is
// switched off, gets another password or another role is signed out
// everywhere.
func (g *Gatekeeper) ChangeUser(ctx context.Context, by tenant.Principal, email string, version int64, n Person) (User, error) {
	u, err := g.UserOf(ctx, by.Tenant, email)
	if err != nil {
		return User{}, err
	}
	if version != 0 && version != u.Version {
		return User{}, staleUser(nil)
	}
	t, err := g.store.Tenant(ctx, by.Tenant)
	if err != nil {
		return User{}, fmt.Errorf("change user: %w", err)
	}
	if n.Email == "" {
		n.Email = u.Email
	}
	if err := n.Check(t); err != nil {
		return User{}, err
	}
	for _, r := range []tenant.Role{u.Role, n.Role} {
		if err := within(by, r); err != nil {
			return User{}, err
		}
	}
	if u.ID == by.UserID && (!n.Active || n.Role != u.Role) {
		return User{}, fault.New(fault.Forbidden, "you cannot switch yourself off or change your own role; another administrator can")
	}
	old := u
	if err := n.apply(&u); err != nil {
		return User{}, err
	}
	if err := g.save(ctx, &u, t); err != nil {
		return User{}, err
	}
	if old.PasswordHash != u.PasswordHash || !u.Active || old.Role != u.Role || old.Email != u.Email {
		if err := g.store.RevokeSessions(ctx, u.ID); err != nil {
			return User{}, fmt.Errorf("change user: %w", err)
		}
	}
	return u, nil
}

// DeleteUser removes a user with their sign-ins and tokens. Their bookings
// stay.
func (g *Gatekeeper) DeleteUser(ctx context.Context, by tenant.Principal, email string) error {
	u, err := g.UserOf(ctx, by.Tenant, email)
	if err != nil {
		return err
	}
	if err := within(by, u.Role); err != nil {
		return err
	}
	if u.ID == by.UserID {
		return fault.New(fault.Forbidden, "you cannot remove yourself; another administrator can")
	}
	if err := g.store.DeleteUser(ctx, by.Tenant, u.ID); err != nil {
		return fmt.Errorf("delete user: %w", err)
	}
	return nil
}

func (n Person) apply(u *User) error {
	u.Email, u.Name, u.Role, u.CGPDomain, u.Active = n.Email, n.Name, n.Role, n.CGPDomain, n.Active
	if n.CGPPassword != nil {
		u.CGPPassword = *n.CGPPassword
	}
	switch {
	case n.Password != "":
		hash, err := HashPassword(n.Password)
		if err != nil {
			return err
		}
		u.PasswordHash = hash
	case n.Hash != "":
		u.PasswordHash = n.Hash
	}
	return nil
}

func staleUser(err error) error {
	return fault.Wrap(err, fault.Stale, "the user has changed since you read it; read it again")
}

func (g *Gatekeeper) save(ctx context.Context, u *User, t tenant.Tenant) error {
	err := g.store.SaveUser(ctx, u, t.Settings.Limits.Users)
	switch {
	case errors.Is(err, ErrTaken):
		return fault.Wrap(err, fault.Invalid, "there is a user with this address already")
	case errors.Is(err, ErrFull):
		return fault.Wrap(err, fault.Invalid, "the organisation may have %d users, and has them", t.Settings.Limits.Users)
	case errors.Is(err, ErrStale):
		return staleUser(err)
	case err != nil:
		return fmt.Errorf("save user: %w", err)
	}
	return nil
}
