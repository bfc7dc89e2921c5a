package cli

import (
	"context"

	"rmp/communigate/dataformat"
)

// ListMailboxes answers the account's mailboxes; see the Guide for the forms
// of the values.
func (c *Conn) ListMailboxes(ctx context.Context, account, filter string) (dataformat.Dict, error) {
	v, err := c.Raw(ctx, "LISTMAILBOXES", account, Word("FILTER"), filter)
	return as[dataformat.Dict]("LISTMAILBOXES", v, err)
}

// CreateMailbox makes a mailbox. ErrExists.
func (c *Conn) CreateMailbox(ctx context.Context, account, mailbox string) error {
	_, err := c.Raw(ctx, "CREATEMAILBOX", account, Word("MAILBOX"), mailbox)
	return err
}

// DeleteMailbox removes a mailbox.
func (c *Conn) DeleteMailbox(ctx context.Context, account, mailbox string) error {
	_, err := c.Raw(ctx, "DELETEMAILBOX", account, Word("MAILBOX"), mailbox)
	return err
}

// SetMailboxClass sets the class: IPF.Appointment for a calendar.
func (c *Conn) SetMailboxClass(ctx context.Context, account, mailbox, class string) error {
	_, err := c.Raw(ctx, "SETMAILBOXCLASS", account, Word("MAILBOX"), mailbox, Word("CLASS"), class)
	return err
}

// MailboxACL answers the access rights: identifier to letters.
func (c *Conn) MailboxACL(ctx context.Context, account, mailbox string) (dataformat.Dict, error) {
	v, err := c.Raw(ctx, "GETMAILBOXACL", account, Word("MAILBOX"), mailbox)
	return as[dataformat.Dict]("GETMAILBOXACL", v, err)
}

// SetMailboxACL changes the rights of the named identifiers: letters replace,
// with + in front they are added, with - removed. Others stay.
func (c *Conn) SetMailboxACL(ctx context.Context, account, mailbox string, acl dataformat.Dict) error {
	_, err := c.Raw(ctx, "SETMAILBOXACL", account, Word("MAILBOX"), mailbox, acl)
	return err
}

// DeleteMailboxes removes a mailbox and all below it.
func (c *Conn) DeleteMailboxes(ctx context.Context, account, mailbox string) error {
	return c.do(ctx, "DELETEMAILBOX", account, Word("MAILBOXES"), mailbox)
}

// RenameMailbox gives a mailbox another name.
func (c *Conn) RenameMailbox(ctx context.Context, account, mailbox, into string) error {
	return c.do(ctx, "RENAMEMAILBOX", account, Word("MAILBOX"), mailbox, Word("INTO"), into)
}

// RenameMailboxes gives a mailbox and all below it another name.
func (c *Conn) RenameMailboxes(ctx context.Context, account, mailbox, into string) error {
	return c.do(ctx, "RENAMEMAILBOX", account, Word("MAILBOXES"), mailbox, Word("INTO"), into)
}

// MailboxInfo answers the counters and the class of a mailbox.
func (c *Conn) MailboxInfo(ctx context.Context, account, mailbox string) (dataformat.Dict, error) {
	return c.dict(ctx, "GETMAILBOXINFO", account, Word("MAILBOX"), mailbox)
}

// MailboxRights answers the letters of what auth may do with a mailbox.
func (c *Conn) MailboxRights(ctx context.Context, account, mailbox, auth string) (string, error) {
	return c.str(ctx, "GETMAILBOXRIGHTS", account, Word("MAILBOX"), mailbox, Word("AUTH"), auth)
}

// MailboxSubscription answers the mailboxes that an account has subscribed to.
func (c *Conn) MailboxSubscription(ctx context.Context, account string) ([]string, error) {
	return c.list(ctx, "GETMAILBOXSUBSCRIPTION", account)
}

// SetMailboxSubscription replaces the mailboxes that an account has subscribed to.
func (c *Conn) SetMailboxSubscription(ctx context.Context, account string, mailboxes []string) error {
	return c.do(ctx, "SETMAILBOXSUBSCRIPTION", account, strs(mailboxes))
}

// MailboxAliases answers the names under which an account sees mailboxes of others.
func (c *Conn) MailboxAliases(ctx context.Context, account string) (dataformat.Dict, error) {
	return c.dict(ctx, "GETMAILBOXALIASES", account)
}

// SetMailboxAliases replaces the names under which an account sees mailboxes of others.
func (c *Conn) SetMailboxAliases(ctx context.Context, account string, aliases dataformat.Dict) error {
	return c.do(ctx, "SETMAILBOXALIASES", account, aliases)
}
