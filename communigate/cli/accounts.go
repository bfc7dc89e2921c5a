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

// RenameAccount gives an account another name.
func (c *Conn) RenameAccount(ctx context.Context, old, into string) error {
	return c.do(ctx, "RENAMEACCOUNT", old, Word("INTO"), into)
}

// SetAccountType changes the type of an account: MultiMailbox, AGrade, …
func (c *Conn) SetAccountType(ctx context.Context, account string, kind string) error {
	return c.do(ctx, "SETACCOUNTTYPE", account, kind)
}

// AccountEffectiveSettings answers an account's settings with the defaults.
func (c *Conn) AccountEffectiveSettings(ctx context.Context, account string) (dataformat.Dict, error) {
	return c.dict(ctx, "GETACCOUNTEFFECTIVESETTINGS", account)
}

// SetAccountSettings replaces all settings of an account.
func (c *Conn) SetAccountSettings(ctx context.Context, account string, settings dataformat.Dict) error {
	return c.do(ctx, "SETACCOUNTSETTINGS", account, settings)
}

// VerifyPassword checks the password of an account. ErrBadLogin.
func (c *Conn) VerifyPassword(ctx context.Context, account string, password string) error {
	return c.do(ctx, "VERIFYACCOUNTPASSWORD", account, Word("PASSWORD"), password)
}

// PlainPassword answers the password of an account, where it is stored in the clear.
func (c *Conn) PlainPassword(ctx context.Context, account string) (string, error) {
	return c.str(ctx, "GETACCOUNTPLAINPASSWORD", account)
}

// AccountAliases answers the other names of an account.
func (c *Conn) AccountAliases(ctx context.Context, account string) ([]string, error) {
	return c.list(ctx, "GETACCOUNTALIASES", account)
}

// SetAccountAliases replaces the other names of an account.
func (c *Conn) SetAccountAliases(ctx context.Context, account string, aliases []string) error {
	return c.do(ctx, "SETACCOUNTALIASES", account, strs(aliases))
}

// AccountTelnums answers the telephone numbers of an account.
func (c *Conn) AccountTelnums(ctx context.Context, account string) ([]string, error) {
	return c.list(ctx, "GETACCOUNTTELNUMS", account)
}

// SetAccountTelnums replaces the telephone numbers of an account.
func (c *Conn) SetAccountTelnums(ctx context.Context, account string, numbers []string) error {
	return c.do(ctx, "SETACCOUNTTELNUMS", account, strs(numbers))
}

// ModifyAccountTelnums adds, deletes or takes a telephone number: {op=add|del|pop;telnum=…;}.
func (c *Conn) ModifyAccountTelnums(ctx context.Context, account string, change dataformat.Dict) (dataformat.Dict, error) {
	return c.dict(ctx, "MODIFYACCOUNTTELNUMS", account, change)
}

// AccountRights answers an account's rights over the server.
func (c *Conn) AccountRights(ctx context.Context, account string) ([]string, error) {
	return c.list(ctx, "GETACCOUNTRIGHTS", account)
}

// SetAccountRights replaces an account's rights over the server.
func (c *Conn) SetAccountRights(ctx context.Context, account string, rights []string) error {
	return c.do(ctx, "SETACCOUNTRIGHTS", account, strs(rights))
}

// AccountInfo answers what the server knows of an account, such as LastLogin.
func (c *Conn) AccountInfo(ctx context.Context, account string, keys []string) (dataformat.Dict, error) {
	return c.dict(ctx, "GETACCOUNTINFO", account, strs(keys))
}

// AccountLocation answers the path of an account's storage.
func (c *Conn) AccountLocation(ctx context.Context, account string) (string, error) {
	return c.str(ctx, "GETACCOUNTLOCATION", account)
}

// AccountPresence answers (status,message), a status, or null.
func (c *Conn) AccountPresence(ctx context.Context, account string) (dataformat.Value, error) {
	return c.value(ctx, "GETACCOUNTPRESENCE", account)
}

// AccountPrefs answers an account's preferences.
func (c *Conn) AccountPrefs(ctx context.Context, account string) (dataformat.Dict, error) {
	return c.dict(ctx, "GETACCOUNTPREFS", account)
}

// SetAccountPrefs replaces an account's preferences.
func (c *Conn) SetAccountPrefs(ctx context.Context, account string, value dataformat.Dict) error {
	return c.do(ctx, "SETACCOUNTPREFS", account, value)
}

// UpdateAccountPrefs changes an account's preferences; the value "default" removes an entry.
func (c *Conn) UpdateAccountPrefs(ctx context.Context, account string, value dataformat.Dict) error {
	return c.do(ctx, "UPDATEACCOUNTPREFS", account, value)
}

// AccountEffectivePrefs answers an account's preferences with the defaults.
func (c *Conn) AccountEffectivePrefs(ctx context.Context, account string) (dataformat.Dict, error) {
	return c.dict(ctx, "GETACCOUNTEFFECTIVEPREFS", account)
}

// AccountRPOPs answers the mailboxes elsewhere that an account polls.
func (c *Conn) AccountRPOPs(ctx context.Context, account string) (dataformat.Dict, error) {
	return c.dict(ctx, "GETACCOUNTRPOPS", account)
}

// SetAccountRPOPs replaces the mailboxes elsewhere that an account polls.
func (c *Conn) SetAccountRPOPs(ctx context.Context, account string, value dataformat.Dict) error {
	return c.do(ctx, "SETACCOUNTRPOPS", account, value)
}

// UpdateAccountRPOPs changes the mailboxes elsewhere that an account polls; the value "default" removes an entry.
func (c *Conn) UpdateAccountRPOPs(ctx context.Context, account string, value dataformat.Dict) error {
	return c.do(ctx, "UPDATEACCOUNTRPOPS", account, value)
}

// AccountRSIPs answers the registrations elsewhere of an account.
func (c *Conn) AccountRSIPs(ctx context.Context, account string) (dataformat.Dict, error) {
	return c.dict(ctx, "GETACCOUNTRSIPS", account)
}

// SetAccountRSIPs replaces the registrations elsewhere of an account.
func (c *Conn) SetAccountRSIPs(ctx context.Context, account string, value dataformat.Dict) error {
	return c.do(ctx, "SETACCOUNTRSIPS", account, value)
}

// UpdateAccountRSIPs changes the registrations elsewhere of an account; the value "default" removes an entry.
func (c *Conn) UpdateAccountRSIPs(ctx context.Context, account string, value dataformat.Dict) error {
	return c.do(ctx, "UPDATEACCOUNTRSIPS", account, value)
}

// AccountACL answers who may do what for an account.
func (c *Conn) AccountACL(ctx context.Context, account string) (dataformat.Dict, error) {
	return c.dict(ctx, "GETACCOUNTACL", account)
}

// SetAccountACL changes who may do what for an account, as SetMailboxACL does.
func (c *Conn) SetAccountACL(ctx context.Context, account string, acl dataformat.Dict) error {
	return c.do(ctx, "SETACCOUNTACL", account, acl)
}

// AccountACLRights answers the letters of what auth may do for an account.
func (c *Conn) AccountACLRights(ctx context.Context, account string, auth string) (string, error) {
	return c.str(ctx, "GETACCOUNTACLRIGHTS", account, Word("AUTH"), auth)
}

// AccountStat answers the counters of an account.
func (c *Conn) AccountStat(ctx context.Context, account string) (dataformat.Dict, error) {
	return c.dict(ctx, "GETACCOUNTSTAT", account)
}

// ResetAccountStat sets the counters of an account to zero.
func (c *Conn) ResetAccountStat(ctx context.Context, account string) error {
	return c.do(ctx, "RESETACCOUNTSTAT", account)
}
