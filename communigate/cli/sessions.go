package cli

import (
	"context"

	"rmp/communigate/dataformat"
)

// CreateWebUserSession opens a web session for an account without its password, for a client at an IP address.
func (c *Conn) CreateWebUserSession(ctx context.Context, account, ip string) (string, error) {
	return c.str(ctx, "CREATEWEBUSERSESSION", account, Word("ADDRESS"), "["+ip+"]")
}

// CreateXIMSSSession opens an XIMSS session for an account without its password, for a client at an IP address; it answers the id of the session, which is a secret.
func (c *Conn) CreateXIMSSSession(ctx context.Context, account, ip string) (string, error) {
	return c.str(ctx, "CREATEXIMSSSESSION", account, Word("ADDRESS"), "["+ip+"]")
}

// FindAccountSession answers the id of a session of an account.
func (c *Conn) FindAccountSession(ctx context.Context, account string) (string, error) {
	return c.str(ctx, "FINDACCOUNTSESSION", account)
}

// ListAccountSessions answers the ids of the sessions of an account.
func (c *Conn) ListAccountSessions(ctx context.Context, account string) ([]string, error) {
	return c.list(ctx, "LISTACCOUNTSESSIONS", account)
}

// GetSession answers whose session an id is.
func (c *Conn) GetSession(ctx context.Context, id string) (dataformat.Dict, error) {
	return c.dict(ctx, "GETSESSION", id)
}

// KillSession ends a session.
func (c *Conn) KillSession(ctx context.Context, id string) error { return c.do(ctx, "KILLSESSION", id) }

// KillAccountSessions ends all sessions of an account.
func (c *Conn) KillAccountSessions(ctx context.Context, account string) error {
	return c.do(ctx, "KILLACCOUNTSESSIONS", account)
}

// ModifyOwnPassword changes the password of the account that has logged in.
func (c *Conn) ModifyOwnPassword(ctx context.Context, password string) error {
	return c.do(ctx, "NEWPASS", password)
}
