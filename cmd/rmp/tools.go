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
	Remove userRemove `cmd:"" help:"Remove a user; their bookings stay. Example: rmp user remove anna@example.org"`
	List   userList   `cmd:"" help:"List users. Example: rmp user list anna --tenant example.org"`
	Import userImport `cmd:"" help:"Take users over from a CSV file or an SQL dump. Example: rmp user import users.sql --dry-run"`
}

type tenantCommands struct {
	Add  tenantAdd  `cmd:"" help:"Add an organisation, and make on its server what RMP needs there. Example: rmp tenant add example.org --time-zone Europe/Berlin --cgp.host mail.example.org --cgp.admin postmaster"`
	Set  tenantSet  `cmd:"" help:"Change an organisation, or keep its people out. Example: rmp tenant set example.org --deactivate"`
	List tenantList `cmd:"" help:"List organisations. Example: rmp tenant list"`
}

type resourceCommands struct {
	Create resourceCreate `cmd:"" help:"Make a resource with its account. Example: rmp resource create oslo@confroom.resources.example.org --name Oslo --capacity 8"`
	List   resourceList   `cmd:"" help:"List resources. Example: rmp resource list --tenant example.org"`
	Adopt  resourceAdopt  `cmd:"" help:"Take over resource accounts that are on the server already. Example: rmp resource adopt example.org --dry-run --cgp.host mail.example.org --cgp.admin postmaster"`
	Import resourceImport `cmd:"" help:"Make resources from a CSV file. Example: rmp resource import example.org rooms.csv --dry-run"`
	Remove resourceRemove `cmd:"" help:"Take a resource out that is not booked any more; its history stays. Example: rmp resource remove oslo@confroom.resources.example.org --account"`
}

type outboxCommands struct {
	List  outboxList  `cmd:"" help:"Show how many calendar writes wait, and those that were given up. Example: rmp outbox list"`
	Retry outboxRetry `cmd:"" help:"Have those tried again that were given up. Example: rmp outbox retry example.org --booking ID"`
	Drop  outboxDrop  `cmd:"" help:"Give them up for good: the bookings stay, and will not be in those calendars. Example: rmp outbox drop example.org --booking ID"`
}

type keysCommands struct {
	Rotate keysRotate `cmd:"" help:"Sign access tokens with a new key from now on. Example: rmp keys rotate"`
	Reseal keysReseal `cmd:"" help:"Seal stored secrets with the present secret key; the former one is given as --secret-key-old. Example: RMP_SECRET_KEY_OLD=… rmp keys reseal"`
}

type configCommands struct {
	Show configShow `cmd:"" help:"Show each value of rmp serve and where it comes from; secrets only as set or not. Example: rmp config show --config /etc/rmp/rmp.toml"`
}

type (
	userAdd        struct{ config.UserAdd }
	userSet        struct{ config.UserSet }
	userRemove     struct{ config.UserRemove }
	userList       struct{ config.UserList }
	userImport     struct{ config.UserImport }
	tenantAdd      struct{ config.TenantAdd }
	tenantSet      struct{ config.TenantSet }
	tenantList     struct{ config.TenantList }
	resourceCreate struct{ config.ResourceCreate }
	resourceList   struct{ config.ResourceList }
	resourceAdopt  struct{ config.ResourceAdopt }
	resourceImport struct{ config.ResourceImport }
	resourceRemove struct{ config.ResourceRemove }
	outboxList     struct{ config.OutboxList }
	outboxRetry    struct{ config.OutboxRetry }
	outboxDrop     struct{ config.OutboxDrop }
	keysRotate     struct{ config.KeysRotate }
	keysReseal     struct{ config.KeysReseal }
	backupCommand  struct{ config.Backup }
	restoreCommand struct{ config.Restore }
	consoleCLI     struct{ config.Console }
	consoleXIMSS   struct{ config.Console }
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

func (c *tenantSet) Run(ctx context.Context, out io.Writer) error {
	return app.TenantSet(ctx, c.TenantSet, out)
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

func (c *resourceCreate) Run(ctx context.Context, out io.Writer) error {
	return app.ResourceCreate(ctx, c.ResourceCreate, out)
}

func (c *resourceImport) Run(ctx context.Context, out io.Writer) error {
	return app.ResourceImport(ctx, c.ResourceImport, out)
}

func (c *resourceRemove) Run(ctx context.Context, out io.Writer) error {
	return app.ResourceRemove(ctx, c.ResourceRemove, out)
}

func (c *outboxList) Run(ctx context.Context, out io.Writer) error {
	return app.OutboxList(ctx, c.OutboxList, out)
}

func (c *outboxRetry) Run(ctx context.Context, out io.Writer) error {
	return app.OutboxRetry(ctx, c.OutboxRetry, out)
}

func (c *outboxDrop) Run(ctx context.Context, out io.Writer) error {
	return app.OutboxDrop(ctx, c.OutboxDrop, out)
}

func (c *backupCommand) Run(ctx context.Context, out io.Writer) error {
	return app.Backup(ctx, c.Backup, out)
}

func (c *restoreCommand) Run(ctx context.Context, out io.Writer) error {
	return app.Restore(ctx, c.Restore, out)
}

func (c *consoleCLI) Run(ctx context.Context, out io.Writer) error {
	return app.ConsoleCLI(ctx, c.Console, out)
}

func (c *consoleXIMSS) Run(ctx context.Context, out io.Writer) error {
	return app.ConsoleXIMSS(ctx, c.Console, out)
}
