package cli

import (
	"context"

	"rmp/communigate/dataformat"
)

// CreateAccount makes an account with settings (Password, RealName, …).
// ErrExists; ErrNotFound for the domain.
func (c *Conn) CreateAccount(ctx context.Context, name string, settings dataformat.Dict) error {
	args := []any{name, Word("MultiMailbox")}
	if len(settings) > 0 {
		args = append(args, settings)
	}
	_, err := c.Raw(ctx, "CREATEACCOUNT", args...)
	return err
}

// DeleteAccount removes an account with all it holds.
func (c *Conn) DeleteAccount(ctx context.Context, name string) error {
	_, err := c.Raw(ctx, "DELETEACCOUNT", name)
	return err
}

// AccountSettings answers what is set explicitly for an account.
func (c *Conn) AccountSettings(ctx context.Context, name string) (dataformat.Dict, error) {
	v, err := c.Raw(ctx, "GETACCOUNTSETTINGS", name)
	return as[dataformat.Dict]("GETACCOUNTSETTINGS", v, err)
}

// UpdateAccountSettings changes the named settings; the value "default"
// removes one.
func (c *Conn) UpdateAccountSettings(ctx context.Context, name string, settings dataformat.Dict) error {
	_, err := c.Raw(ctx, "UPDATEACCOUNTSETTINGS", name, settings)
	return err
}

// SetAccountPassword replaces the password.
func (c *Conn) SetAccountPassword(ctx context.Context, name, password string) error {
	_, err := c.Raw(ctx, "SETACCOUNTPASSWORD", name, Word("PASSWORD"), password)
	return err
}

// SetAccountMailRules replaces the account's mail rules.
func (c *Conn) SetAccountMailRules(ctx context.Context, name string, rules dataformat.Array) error {
	_, err := c.Raw(ctx, "SETACCOUNTMAILRULES", name, rules)
	return err
}

// AccountMailRules answers the account's mail rules.
func (c *Conn) AccountMailRules(ctx context.Context, name string) (dataformat.Array, error) {
	v, err := c.Raw(ctx, "GETACCOUNTMAILRULES", name)
	return as[dataformat.Array]("GETACCOUNTMAILRULES", v, err)
}

// UpdateAccountPrefs changes the named preferences.
func (c *Conn) UpdateAccountPrefs(ctx context.Context, name string, prefs dataformat.Dict) error {
	_, err := c.Raw(ctx, "UPDATEACCOUNTPREFS", name, prefs)
	return err
}

// Noop does nothing, and shows that the server answers.
func (c *Conn) Noop(ctx context.Context) error {
	_, err := c.Raw(ctx, "NOOP")
	return err
}
