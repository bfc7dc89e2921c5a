package cli

import (
	"context"

	"rmp/communigate/dataformat"
)

// ListGroups answers the names of a domain's groups.
func (c *Conn) ListGroups(ctx context.Context, domain string) ([]string, error) {
	return c.list(ctx, "LISTGROUPS", domain)
}

// CreateGroup makes a group; its members are the array Members of the settings.
func (c *Conn) CreateGroup(ctx context.Context, name string, settings dataformat.Dict) error {
	return c.do(ctx, "CREATEGROUP", name, settings)
}

// RenameGroup gives a group another name.
func (c *Conn) RenameGroup(ctx context.Context, old, into string) error {
	return c.do(ctx, "RENAMEGROUP", old, Word("INTO"), into)
}

// DeleteGroup removes a group. ErrNotFound.
func (c *Conn) DeleteGroup(ctx context.Context, name string) error {
	return c.do(ctx, "DELETEGROUP", name)
}

// Group answers the settings of a group. ErrNotFound.
func (c *Conn) Group(ctx context.Context, name string) (dataformat.Dict, error) {
	return c.dict(ctx, "GETGROUP", name)
}

// SetGroup replaces the settings of a group.
func (c *Conn) SetGroup(ctx context.Context, name string, settings dataformat.Dict) error {
	return c.do(ctx, "SETGROUP", name, settings)
}

// ListForwarders answers the names of a domain's forwarders.
func (c *Conn) ListForwarders(ctx context.Context, domain string) ([]string, error) {
	return c.list(ctx, "LISTFORWARDERS", domain)
}

// CreateForwarder makes a forwarder.
func (c *Conn) CreateForwarder(ctx context.Context, name, to string) error {
	return c.do(ctx, "CREATEFORWARDER", name, Word("TO"), to)
}

// RenameForwarder gives a forwarder another name.
func (c *Conn) RenameForwarder(ctx context.Context, old, into string) error {
	return c.do(ctx, "RENAMEFORWARDER", old, Word("INTO"), into)
}

// DeleteForwarder removes a forwarder.
func (c *Conn) DeleteForwarder(ctx context.Context, name string) error {
	return c.do(ctx, "DELETEFORWARDER", name)
}

// Forwarder answers where a forwarder sends to. ErrNotFound.
func (c *Conn) Forwarder(ctx context.Context, name string) (string, error) {
	return c.str(ctx, "GETFORWARDER", name)
}

// FindForwarders answers the names of a domain's forwarders to an address.
func (c *Conn) FindForwarders(ctx context.Context, domain, to string) ([]string, error) {
	return c.list(ctx, "FINDFORWARDERS", domain, Word("TO"), to)
}
