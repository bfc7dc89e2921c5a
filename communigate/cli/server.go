package cli

import (
	"context"

	"rmp/communigate/dataformat"
)

// Noop does nothing.
func (c *Conn) Noop(ctx context.Context) error { return c.do(ctx, "NOOP") }

// Echo answers what it is given.
func (c *Conn) Echo(ctx context.Context, v dataformat.Value) (dataformat.Value, error) {
	return c.value(ctx, "ECHO", v)
}

// Version answers the server's version.
func (c *Conn) Version(ctx context.Context) (string, error) {
	return c.str(ctx, "GETVERSION")
}

// CurrentTime answers the server's time, as a timestamp.
func (c *Conn) CurrentTime(ctx context.Context) (dataformat.Value, error) {
	return c.value(ctx, "GETCURRENTTIME")
}

// SystemInfo answers an element of the system information.
func (c *Conn) SystemInfo(ctx context.Context, what string) (dataformat.Value, error) {
	return c.value(ctx, "GETSYSTEMINFO", what)
}

// ListCLICommands answers the commands that the server knows.
func (c *Conn) ListCLICommands(ctx context.Context) ([]string, error) {
	return c.list(ctx, "LISTCLICOMMANDS")
}

// Shutdown stops the server.
func (c *Conn) Shutdown(ctx context.Context) error { return c.do(ctx, "SHUTDOWN") }

// ListModules answers the names of the modules.
func (c *Conn) ListModules(ctx context.Context) ([]string, error) {
	return c.list(ctx, "LISTMODULES")
}

// Module answers the settings of a module.
func (c *Conn) Module(ctx context.Context, name string) (dataformat.Dict, error) {
	return c.dict(ctx, "GETMODULE", name)
}

// SetModule replaces the settings of a module.
func (c *Conn) SetModule(ctx context.Context, name string, settings dataformat.Dict) error {
	return c.do(ctx, "SETMODULE", name, settings)
}

// UpdateModule changes the settings of a module.
func (c *Conn) UpdateModule(ctx context.Context, name string, settings dataformat.Dict) error {
	return c.do(ctx, "UPDATEMODULE", name, settings)
}

// ServerSettings answers the server settings.
func (c *Conn) ServerSettings(ctx context.Context) (dataformat.Dict, error) {
	return c.dict(ctx, "GETSERVERSETTINGS")
}

// SetServerSettings replaces the server settings.
func (c *Conn) SetServerSettings(ctx context.Context, settings dataformat.Dict) error {
	return c.do(ctx, "SETSERVERSETTINGS", settings)
}

// UpdateServerSettings changes the server settings.
func (c *Conn) UpdateServerSettings(ctx context.Context, settings dataformat.Dict) error {
	return c.do(ctx, "UPDATESERVERSETTINGS", settings)
}

// SessionSettings answers the session settings.
func (c *Conn) SessionSettings(ctx context.Context) (dataformat.Dict, error) {
	return c.dict(ctx, "GETSESSIONSETTINGS")
}

// SetSessionSettings replaces the session settings.
func (c *Conn) SetSessionSettings(ctx context.Context, settings dataformat.Dict) error {
	return c.do(ctx, "SETSESSIONSETTINGS", settings)
}

// UpdateSessionSettings changes the session settings.
func (c *Conn) UpdateSessionSettings(ctx context.Context, settings dataformat.Dict) error {
	return c.do(ctx, "UPDATESESSIONSETTINGS", settings)
}

// ClusterSettings answers the cluster settings.
func (c *Conn) ClusterSettings(ctx context.Context) (dataformat.Dict, error) {
	return c.dict(ctx, "GETCLUSTERSETTINGS")
}

// SetClusterSettings replaces the cluster settings.
func (c *Conn) SetClusterSettings(ctx context.Context, settings dataformat.Dict) error {
	return c.do(ctx, "SETCLUSTERSETTINGS", settings)
}

// UpdateClusterSettings changes the cluster settings.
func (c *Conn) UpdateClusterSettings(ctx context.Context, settings dataformat.Dict) error {
	return c.do(ctx, "UPDATECLUSTERSETTINGS", settings)
}
