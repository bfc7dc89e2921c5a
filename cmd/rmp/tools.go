package main

import (
	"context"
	"io"

	"rmp/internal/app"
	"rmp/internal/config"
)

type userCommands struct {
	Add    userAdd    `cmd:"" help:"Let somebody in. Example: rmp user add anna@example.org --name 'Anna Berg' --role admin"`
	Set    userSet    `cmd:"" help:"Change a user. Example: rmp user set anna@example.org --deactivate"`
	Remove userRemove `cmd:"" help:"Remove a user; their bookings stay."`
	List   userList   `cmd:"" help:"List users."`
	Import userImport `cmd:"" help:"Take users over from a CSV file or an SQL dump. Example: rmp user import users.sql --dry-run"`
}

type tenantCommands struct {
	Add  tenantAdd  `cmd:"" help:"Add an organisation, and make on its server what RMP needs there. Example: rmp tenant add example.org --time-zone Europe/Berlin --cgp.host mail.example.org --cgp.admin postmaster"`
	List tenantList `cmd:"" help:"List organisations."`
}

type resourceCommands struct {
	List  resourceList  `cmd:"" help:"List resources."`
	Adopt resourceAdopt `cmd:"" help:"Take over resource accounts that are on the server already. Example: rmp resource adopt example.org --dry-run --cgp.host mail.example.org --cgp.admin postmaster"`
}

type keysCommands struct {
	Rotate keysRotate `cmd:"" help:"Sign access tokens with a new key from now on."`
	Reseal keysReseal `cmd:"" help:"Seal stored secrets with the present secret key; the former one is given as --secret-key-old."`
}

type (
	userAdd       struct{ config.UserAdd }
	userSet       struct{ config.UserSet }
	userRemove    struct{ config.UserRemove }
	userList      struct{ config.UserList }
	userImport    struct{ config.UserImport }
	tenantAdd     struct{ config.TenantAdd }
	tenantList    struct{ config.TenantList }
	resourceList  struct{ config.ResourceList }
	resourceAdopt struct{ config.ResourceAdopt }
	keysRotate    struct{ config.KeysRotate }
	keysReseal    struct{ config.KeysReseal }
)

func (c *userAdd) Run(ctx context.Context, out io.Writer) error {
	return app.UserAdd(ctx, c.UserAdd, out)
}

func (c *userSet) Run(ctx context.Context, out io.Writer) error {
	return app.UserSet(ctx, c.UserSet, out)
}

func (c *userRemove) Run(ctx context.Context, out io.Writer) error {
	return app.UserRemove(ctx, c.UserRemove, out)
}

func (c *userList) Run(ctx context.Context, out io.Writer) error {
	return app.UserList(ctx, c.UserList, out)
}

func (c *userImport) Run(ctx context.Context, out io.Writer) error {
	return app.UserImport(ctx, c.UserImport, out)
}

func (c *tenantAdd) Run(ctx context.Context, out io.Writer) error {
	return app.TenantAdd(ctx, c.TenantAdd, out)
}

func (c *tenantList) Run(ctx context.Context, out io.Writer) error {
	return app.TenantList(ctx, c.TenantList, out)
}

func (c *keysRotate) Run(ctx context.Context, out io.Writer) error {
	return app.KeysRotate(ctx, c.KeysRotate, out)
}

func (c *keysReseal) Run(ctx context.Context, out io.Writer) error {
	return app.KeysReseal(ctx, c.KeysReseal, out)
}

func (c *resourceList) Run(ctx context.Context, out io.Writer) error {
	return app.ResourceList(ctx, c.ResourceList, out)
}

func (c *resourceAdopt) Run(ctx context.Context, out io.Writer) error {
	return app.ResourceAdopt(ctx, c.ResourceAdopt, out)
}
