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
