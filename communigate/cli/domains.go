package cli

import (
	"context"
	"fmt"
	"strconv"

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

// ListAdminDomains answers the domains that the account may administer.
func (c *Conn) ListAdminDomains(ctx context.Context) ([]string, error) {
	return c.list(ctx, "LISTADMINDOMAINS")
}

// RenameDomain gives a domain another name.
func (c *Conn) RenameDomain(ctx context.Context, old, into string) error {
	return c.do(ctx, "RENAMEDOMAIN", old, Word("INTO"), into)
}

// SetDomainSettings replaces all settings of a domain.
func (c *Conn) SetDomainSettings(ctx context.Context, name string, settings dataformat.Dict) error {
	return c.do(ctx, "SETDOMAINSETTINGS", name, settings)
}

// DomainDefaults answers the server's defaults for domains.
func (c *Conn) DomainDefaults(ctx context.Context) (dataformat.Dict, error) {
	return c.dict(ctx, "GETDOMAINDEFAULTS")
}

// SetDomainDefaults replaces the server's defaults for domains.
func (c *Conn) SetDomainDefaults(ctx context.Context, settings dataformat.Dict) error {
	return c.do(ctx, "SETDOMAINDEFAULTS", settings)
}

// UpdateDomainDefaults changes the server's defaults for domains.
func (c *Conn) UpdateDomainDefaults(ctx context.Context, settings dataformat.Dict) error {
	return c.do(ctx, "UPDATEDOMAINDEFAULTS", settings)
}

// ClusterDomainDefaults answers the cluster's defaults for domains.
func (c *Conn) ClusterDomainDefaults(ctx context.Context) (dataformat.Dict, error) {
	return c.dict(ctx, "GETCLUSTERDOMAINDEFAULTS")
}

// SetClusterDomainDefaults replaces the cluster's defaults for domains.
func (c *Conn) SetClusterDomainDefaults(ctx context.Context, settings dataformat.Dict) error {
	return c.do(ctx, "SETCLUSTERDOMAINDEFAULTS", settings)
}

// UpdateClusterDomainDefaults changes the cluster's defaults for domains.
func (c *Conn) UpdateClusterDomainDefaults(ctx context.Context, settings dataformat.Dict) error {
	return c.do(ctx, "UPDATECLUSTERDOMAINDEFAULTS", settings)
}

// DomainAliases answers the other names of a domain.
func (c *Conn) DomainAliases(ctx context.Context, domain string) ([]string, error) {
	return c.list(ctx, "GETDOMAINALIASES", domain)
}

// SetDomainAliases replaces the other names of a domain.
func (c *Conn) SetDomainAliases(ctx context.Context, domain string, aliases []string) error {
	return c.do(ctx, "SETDOMAINALIASES", domain, strs(aliases))
}

// DomainLocation answers the path of a domain's storage.
func (c *Conn) DomainLocation(ctx context.Context, domain string) (string, error) {
	return c.str(ctx, "GETDOMAINLOCATION", domain)
}

// SuspendDomain suspends a domain.
func (c *Conn) SuspendDomain(ctx context.Context, domain string) error {
	return c.do(ctx, "SUSPENDDOMAIN", domain)
}

// ResumeDomain ends the suspension of a domain.
func (c *Conn) ResumeDomain(ctx context.Context, domain string) error {
	return c.do(ctx, "RESUMEDOMAIN", domain)
}

// AccountDefaults answers a domain's defaults for accounts.
func (c *Conn) AccountDefaults(ctx context.Context, domain string) (dataformat.Dict, error) {
	return c.dict(ctx, "GETACCOUNTDEFAULTS", domain)
}

// SetAccountDefaults replaces a domain's defaults for accounts.
func (c *Conn) SetAccountDefaults(ctx context.Context, domain string, settings dataformat.Dict) error {
	return c.do(ctx, "SETACCOUNTDEFAULTS", domain, settings)
}

// UpdateAccountDefaults changes a domain's defaults for accounts.
func (c *Conn) UpdateAccountDefaults(ctx context.Context, domain string, settings dataformat.Dict) error {
	return c.do(ctx, "UPDATEACCOUNTDEFAULTS", domain, settings)
}

// AccountTemplate answers what a domain's new accounts begin with.
func (c *Conn) AccountTemplate(ctx context.Context, domain string) (dataformat.Dict, error) {
	return c.dict(ctx, "GETACCOUNTTEMPLATE", domain)
}

// SetAccountTemplate replaces what a domain's new accounts begin with.
func (c *Conn) SetAccountTemplate(ctx context.Context, domain string, settings dataformat.Dict) error {
	return c.do(ctx, "SETACCOUNTTEMPLATE", domain, settings)
}

// UpdateAccountTemplate changes what a domain's new accounts begin with.
func (c *Conn) UpdateAccountTemplate(ctx context.Context, domain string, settings dataformat.Dict) error {
	return c.do(ctx, "UPDATEACCOUNTTEMPLATE", domain, settings)
}

// ServerAccountDefaults answers the server's defaults for accounts.
func (c *Conn) ServerAccountDefaults(ctx context.Context) (dataformat.Dict, error) {
	return c.dict(ctx, "GETSERVERACCOUNTDEFAULTS")
}

// SetServerAccountDefaults replaces the server's defaults for accounts.
func (c *Conn) SetServerAccountDefaults(ctx context.Context, settings dataformat.Dict) error {
	return c.do(ctx, "SETSERVERACCOUNTDEFAULTS", settings)
}

// UpdateServerAccountDefaults changes the server's defaults for accounts.
func (c *Conn) UpdateServerAccountDefaults(ctx context.Context, settings dataformat.Dict) error {
	return c.do(ctx, "UPDATESERVERACCOUNTDEFAULTS", settings)
}

// ClusterAccountDefaults answers the cluster's defaults for accounts.
func (c *Conn) ClusterAccountDefaults(ctx context.Context) (dataformat.Dict, error) {
	return c.dict(ctx, "GETCLUSTERACCOUNTDEFAULTS")
}

// SetClusterAccountDefaults replaces the cluster's defaults for accounts.
func (c *Conn) SetClusterAccountDefaults(ctx context.Context, settings dataformat.Dict) error {
	return c.do(ctx, "SETCLUSTERACCOUNTDEFAULTS", settings)
}

// UpdateClusterAccountDefaults changes the cluster's defaults for accounts.
func (c *Conn) UpdateClusterAccountDefaults(ctx context.Context, settings dataformat.Dict) error {
	return c.do(ctx, "UPDATECLUSTERACCOUNTDEFAULTS", settings)
}

// DomainObjects is a page of what is in a domain.
type DomainObjects struct {
	Objects                       dataformat.Dict // name to "macnt", (owner) of an alias, or ((address)) of a forwarder
	Accounts, Aliases, Forwarders int64           // how many there are in all
	Cookie                        string          // of the next page; empty: this was the last
}

// ListDomainObjects answers a page of at most limit names of a domain that
// contain filter: accounts, aliases and forwarders. The cookie of the first
// page is empty.
func (c *Conn) ListDomainObjects(ctx context.Context, domain, filter string, limit int, cookie string) (DomainObjects, error) {
	args := []any{domain}
	if filter != "" {
		args = append(args, Word("FILTER"), filter)
	}
	args = append(args, strconv.Itoa(limit), Word("ACCOUNTS"), Word("ALIASES"), Word("FORWARDERS"), Word("COOKIE"), cookie)
	a, err := c.array(ctx, "LISTDOMAINOBJECTS", args...)
	if err != nil {
		return DomainObjects{}, err
	}
	var out DomainObjects
	ok := len(a) >= 4
	if ok {
		out.Objects, ok = a[1].(dataformat.Dict)
		counts := dataformat.Dict{"accounts": a[0], "aliases": a[2], "forwarders": a[3]}
		out.Accounts, _ = counts.Int("accounts")
		out.Aliases, _ = counts.Int("aliases")
		out.Forwarders, _ = counts.Int("forwarders")
	}
	if len(a) > 4 {
		out.Cookie, _ = a[4].(string)
	}
	if !ok {
		return out, fmt.Errorf("LISTDOMAINOBJECTS: %w", &ProtocolError{"not a list of objects"})
	}
	return out, nil
}
