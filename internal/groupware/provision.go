package groupware

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"rmp/communigate/cli"
	"rmp/communigate/dataformat"
	"rmp/internal/directory"
	"rmp/internal/secret"
	"rmp/internal/tenant"
)

const (
	calendarMailbox = "Calendar"
	calendarClass   = "IPF.Appointment"
	calendarRights  = "lrswipkxtea"
)

// ifNew lets a step be repeated: what exists already is as good as made.
func ifNew(err error) error {
	if errors.Is(err, cli.ErrExists) {
		return nil
	}
	return err
}

// ErrNoDomain is the error of a main domain that the server does not have.
var ErrNoDomain = errors.New("the server has no such domain; make it there, with the people's accounts, first")

// HasDomain looks whether the server has the main domain of a tenant.
func (g *Groupware) HasDomain(ctx context.Context, t tenant.Tenant) error {
	return g.serverOf(t).cli.With(ctx, func(c *cli.Conn) error {
		names, err := c.ListDomains(ctx)
		if err == nil && !slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, t.Domain) }) {
			err = fmt.Errorf("%s: %w", t.Domain, ErrNoDomain)
		}
		return err
	})
}

// EnsureTenant implements demo.CommuniGate: the sub-domains of all resource
// types with their services, and the service account with the central
// calendar. createMain makes the main domain too, which on a real server is
// there.
func (g *Groupware) EnsureTenant(ctx context.Context, t tenant.Tenant, createMain bool) error {
	services := dataformat.Array{}
	for _, x := range ResourceServices {
		services = append(services, x)
	}
	return g.serverOf(t).cli.With(ctx, func(c *cli.Conn) error {
		if createMain {
			if err := ifNew(c.CreateDomain(ctx, t.Domain, nil)); err != nil {
				return err
			}
		}
		for _, kind := range directory.TypesOf(t) {
			domain := kind.Domain(t.Domain)
			if err := ifNew(c.CreateDomain(ctx, domain, nil)); err != nil {
				return fmt.Errorf("domain %s: %w", domain, err)
			}
			if err := c.UpdateDomainSettings(ctx, domain, dataformat.Dict{"DomainAccessModes": services}); err != nil {
				return fmt.Errorf("domain %s: %w", domain, err)
			}
		}
		err := c.CreateAccount(ctx, t.ServiceAccount(), dataformat.Dict{"Password": t.ServicePassword.Reveal(), "RealName": "Bookings"})
		if errors.Is(err, cli.ErrExists) {
			err = c.SetAccountPassword(ctx, t.ServiceAccount(), t.ServicePassword.Reveal())
		}
		if err != nil {
			return fmt.Errorf("service account: %w", err)
		}
		return ensureCalendar(ctx, c, t, t.ServiceAccount())
	})
}

// EnsureResource implements demo.CommuniGate: the account, its calendar, its
// settings, the rule by which it accepts invitations, and the right of the
// service account.
func (g *Groupware) EnsureResource(ctx context.Context, t tenant.Tenant, r directory.Resource) error {
	return g.serverOf(t).cli.With(ctx, func(c *cli.Conn) error {
		if err := ifNew(c.CreateAccount(ctx, r.Email, dataformat.Dict{"Password": secret.Random().Reveal(), "RealName": r.Name})); err != nil {
			return err
		}
		if err := ensureCalendar(ctx, c, t, r.Email); err != nil {
			return err
		}
		if err := c.UpdateAccountSettings(ctx, r.Email, ResourceSettings(r)); err != nil {
			return err
		}
		if err := c.UpdateAccountPrefs(ctx, r.Email, dataformat.Dict{"TimeZone": r.TimeZone}); err != nil {
			return err
		}
		return c.SetAccountMailRules(ctx, r.Email, ResourceRules())
	})
}

// EnsurePerson implements demo.CommuniGate: an account with a folder for
// contacts, and a calendar that the service account may write into.
func (g *Groupware) EnsurePerson(ctx context.Context, t tenant.Tenant, email, name string, password secret.Text) error {
	return g.serverOf(t).cli.With(ctx, func(c *cli.Conn) error {
		err := ifNew(c.CreateAccount(ctx, email, dataformat.Dict{"Password": password.Reveal(), "RealName": name}))
		if err != nil {
			return err
		}
		err = c.CreateMailbox(ctx, email, ContactsMailbox)
		if err == nil {
			err = c.SetMailboxClass(ctx, email, ContactsMailbox, ContactsClass)
		}
		if err := ifNew(err); err != nil {
			return err
		}
		return ensureCalendar(ctx, c, t, email)
	})
}

// EnsureCalendar makes an account's calendar and the service account's right
// to it, where one of them is missing.
func (g *Groupware) EnsureCalendar(ctx context.Context, t tenant.Tenant, account string) error {
	return g.serverOf(t).cli.With(ctx, func(c *cli.Conn) error { return ensureCalendar(ctx, c, t, account) })
}

func ensureCalendar(ctx context.Context, c *cli.Conn, t tenant.Tenant, account string) error {
	err := c.CreateMailbox(ctx, account, calendarMailbox)
	if err == nil {
		err = c.SetMailboxClass(ctx, account, calendarMailbox, calendarClass)
	}
	if err := ifNew(err); err != nil {
		return fmt.Errorf("calendar of %s: %w", account, err)
	}
	if account == t.ServiceAccount() {
		return nil
	}
	if err := c.SetMailboxACL(ctx, account, calendarMailbox, dataformat.Dict{t.ServiceAccount(): calendarRights}); err != nil {
		return fmt.Errorf("rights to the calendar of %s: %w", account, err)
	}
	return nil
}

// ResourceAccount is an account in a sub-domain for resources.
type ResourceAccount struct {
	Email, Name string
	Type        directory.Type
}

// ResourceAccounts answers the accounts that are in the tenant's sub-domains
// for resources. A sub-domain that is not there has none.
func (g *Groupware) ResourceAccounts(ctx context.Context, t tenant.Tenant) ([]ResourceAccount, error) {
	var out []ResourceAccount
	err := g.serverOf(t).cli.With(ctx, func(c *cli.Conn) error {
		for _, kind := range directory.TypesOf(t) {
			domain := kind.Domain(t.Domain)
			names, err := c.ListAccounts(ctx, domain)
			var refused *cli.Error
			if errors.As(err, &refused) {
				continue
			}
			if err != nil {
				return err
			}
			for _, n := range names {
				a := ResourceAccount{Email: strings.ToLower(n) + "@" + domain, Name: n, Type: kind}
				if s, err := c.AccountEffectiveSettings(ctx, a.Email); err == nil {
					if name, ok := s["RealName"].(string); ok && strings.TrimSpace(name) != "" {
						a.Name = name
					}
				}
				out = append(out, a)
			}
		}
		return nil
	})
	return out, cliFault(err, "there is no such domain")
}

// RemoveAccount removes an account with all that is in it.
func (g *Groupware) RemoveAccount(ctx context.Context, t tenant.Tenant, account string) error {
	err := g.serverOf(t).cli.With(ctx, func(c *cli.Conn) error { return c.DeleteAccount(ctx, account) })
	if errors.Is(err, cli.ErrNotFound) {
		return nil
	}
	return cliFault(err, "there is no such account")
}
