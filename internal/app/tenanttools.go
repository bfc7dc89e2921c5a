package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"rmp/internal/booking"
	"rmp/internal/config"
	"rmp/internal/groupware"
	"rmp/internal/secret"
	"rmp/internal/store"
	"rmp/internal/tenant"
)

// TenantList runs `rmp tenant list`.
func TenantList(ctx context.Context, c config.TenantList, out io.Writer) error {
	return withTools(ctx, c.Database, out, func(t *tools) error {
		list, err := t.db.Tenants(ctx)
		if err != nil {
			return err
		}
		var rows [][]any
		for _, x := range list {
			rows = append(rows, []any{x.Domain, x.Name, states[x.Active], x.TimeZone, or(x.Server.Host, "the installation's")})
		}
		return t.list(c.JSON, []column{{"domain", "DOMAIN"}, {"name", "NAME"}, {"state", "STATE"}, {"timeZone", "TIME ZONE"}, {"server", "SERVER"}}, rows)
	})
}

// TenantAdd runs `rmp tenant add`.
func TenantAdd(ctx context.Context, c config.TenantAdd, out io.Writer) error {
	if !booking.KnownZone(c.TimeZone) {
		return fmt.Errorf("--time-zone: %q is not a time zone such as Europe/Berlin", c.TimeZone)
	}
	if c.SecretKey == "" {
		if err := os.MkdirAll(c.Data, 0o700); err != nil {
			return fmt.Errorf("data directory: %w", err)
		}
	}
	return withDatabase(ctx, c.Database, out, func(t *tools) error {
		domain := strings.ToLower(c.Domain)
		x, err := t.db.TenantByDomain(ctx, domain)
		missing := errors.Is(err, store.ErrNoTenant)
		switch {
		case missing:
			x = tenant.Tenant{Domain: domain, Name: or(c.Name, domain), TimeZone: c.TimeZone, Mode: c.Mode, ServicePassword: secret.Random()}
		case err != nil:
			return err
		case x.Active:
			return fmt.Errorf("the organisation %s is there already", domain)
		}
		g, closeServer, err := reach(ctx, c.Data, c.CGP, out, logger("warn"))
		if err != nil {
			return err
		}
		defer func() { _ = closeServer() }()
		gw := groupware.New(g, t.db, logger("warn"))
		defer gw.Close(ctx)
		onStandin := c.CGP.Host == ""
		if !onStandin { // before anything is made, here or there
			if err := gw.HasDomain(ctx, x); err != nil {
				return err
			}
		}
		if missing {
			if err := t.db.SaveTenant(ctx, &x); err != nil {
				return err
			}
		}
		t.say("Making the sub-domains of the resource types and %s on %s …", x.ServiceAccount(), or(c.CGP.Host, "the stand-in"))
		if err := gw.EnsureTenant(ctx, x, onStandin); err != nil {
			return fmt.Errorf("%w; the organisation stays inactive; run the command again when the cause is gone", err)
		}
		x.Active = true
		if err := t.db.SaveTenant(ctx, &x); err != nil {
			return err
		}
		t.say("The organisation %s is there. Next: rmp user add ADDRESS --role admin", domain)
		if onStandin {
			t.say("The person needs an account on the stand-in too, with the same password: rmp cgp cli 'CREATEACCOUNT ADDRESS {Password=\"…\";}'")
		}
		return t.audit(ctx, x.ID, "create-tenant", domain, nil)
	})
}

// TenantSet runs `rmp tenant set`.
func TenantSet(ctx context.Context, c config.TenantSet, out io.Writer) error {
	switch {
	case c.Activate && c.Deactivate:
		return errors.New("--activate and --deactivate exclude each other")
	case c.TimeZone != "" && !booking.KnownZone(c.TimeZone):
		return fmt.Errorf("--time-zone: %q is not a time zone such as Europe/Berlin", c.TimeZone)
	case c.Name == "" && c.TimeZone == "" && c.Mode == "" && !c.Activate && !c.Deactivate:
		return errors.New("nothing to change: give --name, --time-zone, --mode, --activate or --deactivate")
	}
	return withTools(ctx, c.Database, out, func(t *tools) error {
		x, err := t.tenant(ctx, strings.ToLower(c.Domain))
		if err != nil {
			return err
		}
		x.Name, x.TimeZone, x.Mode = or(c.Name, x.Name), or(c.TimeZone, x.TimeZone), or(c.Mode, x.Mode)
		x.Active = (x.Active || c.Activate) && !c.Deactivate
		if err := t.db.SaveTenant(ctx, &x); err != nil {
			return err
		}
		t.say("%s: %s, %s, %s, %s.", x.Domain, printable(x.Name), states[x.Active], x.TimeZone, x.Mode)
		return t.audit(ctx, x.ID, "change-tenant", x.Domain, map[string]string{"state": states[x.Active]})
	})
}
