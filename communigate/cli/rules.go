package cli

import (
	"context"

	"rmp/communigate/dataformat"
)

// AccountMailRules answers an account's mail rules, each (priority,name,conditions,actions,comment).
func (c *Conn) AccountMailRules(ctx context.Context, account string) (dataformat.Array, error) {
	return c.array(ctx, "GETACCOUNTMAILRULES", account)
}

// SetAccountMailRules replaces an account's mail rules, each (priority,name,conditions,actions,comment).
func (c *Conn) SetAccountMailRules(ctx context.Context, account string, value dataformat.Array) error {
	return c.do(ctx, "SETACCOUNTMAILRULES", account, value)
}

// UpdateAccountMailRule stores a mail rule in the place of the one of its name; one of fewer than four elements changes the priority only.
func (c *Conn) UpdateAccountMailRule(ctx context.Context, account string, rule dataformat.Array) error {
	return c.do(ctx, "UPDATEACCOUNTMAILRULE", account, rule)
}

// DeleteAccountMailRule removes a mail rule; one that is not there is no error.
func (c *Conn) DeleteAccountMailRule(ctx context.Context, account string, name string) error {
	return c.do(ctx, "UPDATEACCOUNTMAILRULE", account, Word("DELETE"), name)
}

// AccountSignalRules answers an account's signal rules.
func (c *Conn) AccountSignalRules(ctx context.Context, account string) (dataformat.Array, error) {
	return c.array(ctx, "GETACCOUNTSIGNALRULES", account)
}

// SetAccountSignalRules replaces an account's signal rules.
func (c *Conn) SetAccountSignalRules(ctx context.Context, account string, value dataformat.Array) error {
	return c.do(ctx, "SETACCOUNTSIGNALRULES", account, value)
}

// UpdateAccountSignalRule stores a signal rule in the place of the one of its name.
func (c *Conn) UpdateAccountSignalRule(ctx context.Context, account string, rule dataformat.Array) error {
	return c.do(ctx, "UPDATEACCOUNTSIGNALRULE", account, rule)
}

// DomainMailRules answers a domain's mail rules.
func (c *Conn) DomainMailRules(ctx context.Context, domain string) (dataformat.Array, error) {
	return c.array(ctx, "GETDOMAINMAILRULES", domain)
}

// SetDomainMailRules replaces a domain's mail rules.
func (c *Conn) SetDomainMailRules(ctx context.Context, domain string, value dataformat.Array) error {
	return c.do(ctx, "SETDOMAINMAILRULES", domain, value)
}

// DomainSignalRules answers a domain's signal rules.
func (c *Conn) DomainSignalRules(ctx context.Context, domain string) (dataformat.Array, error) {
	return c.array(ctx, "GETDOMAINSIGNALRULES", domain)
}

// SetDomainSignalRules replaces a domain's signal rules.
func (c *Conn) SetDomainSignalRules(ctx context.Context, domain string, value dataformat.Array) error {
	return c.do(ctx, "SETDOMAINSIGNALRULES", domain, value)
}
