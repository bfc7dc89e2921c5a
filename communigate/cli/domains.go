package cli

import (
	"context"
	"fmt"

	"rmp/communigate/dataformat"
)

// ListDomains answers the names of the server's domains.
func (c *Conn) ListDomains(ctx context.Context) ([]string, error) {
	v, err := c.Raw(ctx, "LISTDOMAINS")
	return asStrings("LISTDOMAINS", v, err)
}

// MainDomainName answers the name of the server's main domain.
func (c *Conn) MainDomainName(ctx context.Context) (string, error) {
	v, err := c.Raw(ctx, "MAINDOMAINNAME")
	return as[string]("MAINDOMAINNAME", v, err)
}

// CreateDomain makes a secondary domain. ErrExists.
func (c *Conn) CreateDomain(ctx context.Context, name string, settings dataformat.Dict) error {
	args := []any{name}
	if len(settings) > 0 {
		args = append(args, settings)
	}
	_, err := c.Raw(ctx, "CREATEDOMAIN", args...)
	return err
}

// DeleteDomain removes a domain; with force also one that has accounts.
func (c *Conn) DeleteDomain(ctx context.Context, name string, force bool) error {
	args := []any{name}
	if force {
		args = append(args, Word("FORCE"))
	}
	_, err := c.Raw(ctx, "DELETEDOMAIN", args...)
	return err
}

// DomainSettings answers what is set explicitly for a domain.
func (c *Conn) DomainSettings(ctx context.Context, name string) (dataformat.Dict, error) {
	v, err := c.Raw(ctx, "GETDOMAINSETTINGS", name)
	return as[dataformat.Dict]("GETDOMAINSETTINGS", v, err)
}

// DomainEffectiveSettings answers a domain's settings with the defaults.
func (c *Conn) DomainEffectiveSettings(ctx context.Context, name string) (dataformat.Dict, error) {
	v, err := c.Raw(ctx, "GETDOMAINEFFECTIVESETTINGS", name)
	return as[dataformat.Dict]("GETDOMAINEFFECTIVESETTINGS", v, err)
}

// UpdateDomainSettings changes the named settings; the value "default"
// removes one.
func (c *Conn) UpdateDomainSettings(ctx context.Context, name string, settings dataformat.Dict) error {
	_, err := c.Raw(ctx, "UPDATEDOMAINSETTINGS", name, settings)
	return err
}

// ListAccounts answers the names of a domain's accounts, without the domain.
func (c *Conn) ListAccounts(ctx context.Context, domain string) ([]string, error) {
	v, err := c.Raw(ctx, "LISTACCOUNTS", domain)
	d, err := as[dataformat.Dict]("LISTACCOUNTS", v, err)
	names := make([]string, 0, len(d))
	for n := range d {
		names = append(names, n)
	}
	return names, err
}

func as[T any](command string, v dataformat.Value, err error) (T, error) {
	t, ok := v.(T)
	if err == nil && !ok {
		err = fmt.Errorf("%s: %w", command, &ProtocolError{fmt.Sprintf("a %T where a %T was expected", v, t)})
	}
	return t, err
}

func asStrings(command string, v dataformat.Value, err error) ([]string, error) {
	a, err := as[dataformat.Array](command, v, err)
	return a.Strings(), err
}
