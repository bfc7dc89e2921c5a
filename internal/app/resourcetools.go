package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"rmp/calendar/zone"
	"rmp/internal/booking"
	"rmp/internal/config"
	"rmp/internal/directory"
	"rmp/internal/fault"
	"rmp/internal/groupware"
	"rmp/internal/resourceimport"
	"rmp/internal/tenant"
)

// withProvision reaches the server for a command that makes or removes.
func (t *tools) withProvision(ctx context.Context, data string, c config.CGP, do func(p provision) error) error {
	g, closeServer, err := reach(ctx, data, c, t.out, logger("warn"))
	if err != nil {
		return err
	}
	defer func() { _ = closeServer() }()
	gw := groupware.New(g, t.db, logger("warn"))
	defer gw.Close(ctx)
	return do(provision{t.db, gw, time.Now})
}

// ofResource is the tenant in whose domains for resources an address is.
func (t *tools) ofResource(ctx context.Context, email string) (tenant.Tenant, directory.Type, error) {
	list, err := t.db.Tenants(ctx)
	if err != nil {
		return tenant.Tenant{}, directory.Type{}, err
	}
	for _, of := range list {
		if kind, ok := directory.TypeOf(of, email); ok {
			return of, kind, nil
		}
	}
	return tenant.Tenant{}, directory.Type{}, fmt.Errorf("%s is in no domain for resources, such as %s", email, directory.Types[0].Domain("example.org"))
}

// ResourceCreate runs `rmp resource create`.
func ResourceCreate(ctx context.Context, c config.ResourceCreate, out io.Writer) error {
	return withTools(ctx, c.Database, out, func(t *tools) error {
		email := strings.ToLower(c.Email)
		of, kind, err := t.ofResource(ctx, email)
		if err != nil {
			return err
		}
		r := directory.Resource{Email: email, Type: kind.Name, Name: c.Name, Site: c.Site, Floor: c.Floor, Capacity: c.Capacity, Features: c.Features, TimeZone: or(c.TimeZone, of.TimeZone), Active: true, Units: 1, UpdatedAt: time.Now()}
		if _, err := zone.LoadIANA(r.TimeZone); err != nil {
			return fmt.Errorf("--time-zone: %q is not a time zone such as Europe/Berlin", r.TimeZone)
		}
		var wrong []string
		resourceimport.Check(r, func(format string, args ...any) { wrong = append(wrong, "--"+fmt.Sprintf(format, args...)) })
		if len(wrong) > 0 {
			return errors.New(strings.Join(wrong, "; "))
		}
		if _, err := t.db.For(of.ID).Resource(ctx, email); err == nil {
			return fmt.Errorf("%s is a resource already", email)
		} else if fault.CodeOf(err) != fault.NotFound {
			return err
		}
		return t.withProvision(ctx, c.Data, c.CGP, func(p provision) error {
			if err := p.Create(ctx, of, &r, of.Settings.Limits.Resources); err != nil {
				return err
			}
			t.say("%s can be booked.", email)
			return t.audit(ctx, of.ID, "create-resource", email, nil)
		})
	})
}

// ResourceList runs `rmp resource list`.
func ResourceList(ctx context.Context, c config.ResourceList, out io.Writer) error {
	return withTools(ctx, c.Database, out, func(t *tools) error {
		list, err := t.tenants(ctx, c.Tenant)
		if err != nil {
			return err
		}
		var rows [][]any
		for _, of := range list {
			resources, err := t.db.For(of.ID).Resources(ctx, directory.Filter{})
			if err != nil {
				return err
			}
			for _, r := range resources {
				state := "bookable"
				if !r.Active {
					state = "not bookable"
				}
				rows = append(rows, []any{r.Email, r.Name, r.Type, r.Site, state})
			}
		}
		return t.list(c.JSON, []column{{"email", "ADDRESS"}, {"name", "NAME"}, {"type", "TYPE"}, {"site", "SITE"}, {"state", "STATE"}}, rows)
	})
}

// ResourceImport runs `rmp resource import`.
func ResourceImport(ctx context.Context, c config.ResourceImport, out io.Writer) error {
	return withTools(ctx, c.Database, out, func(t *tools) error {
		of, err := t.tenant(ctx, c.Tenant)
		if err != nil {
			return err
		}
		data, err := os.ReadFile(c.File)
		if err != nil {
			return err
		}
		rows, err := resourceimport.Read(data, of)
		if err != nil {
			return err
		}
		created, known, refused := 0, 0, 0
		err = t.withProvision(ctx, c.Data, c.CGP, func(p provision) error {
			for i, row := range rows {
				_, _ = fmt.Fprintf(os.Stderr, "\r%d of %d   \r", i+1, len(rows))
				r := row.Resource
				if len(row.Problems) > 0 {
					refused++
					t.say("line %d: refused: %s", row.Line, printable(strings.Join(row.Problems, "; ")))
					continue
				}
				if _, err := t.db.For(of.ID).Resource(ctx, r.Email); err == nil {
					known++
					continue
				} else if fault.CodeOf(err) != fault.NotFound {
					return err
				}
				if !c.DryRun {
					if err := p.Create(ctx, of, &r, of.Settings.Limits.Resources); err != nil {
						refused++
						t.say("line %d: refused: %s", row.Line, fault.Said(err))
						continue
					}
				}
				created++
				t.say("line %d: %s (%s)", row.Line, r.Email, printable(r.Name))
			}
			return nil
		})
		if err != nil {
			return err
		}
		does := ""
		if c.DryRun {
			does = " (nothing was changed: --dry-run)"
		}
		t.say("%d created, %d known already, %d refused%s.", created, known, refused, does)
		if !c.DryRun {
			if err := t.audit(ctx, of.ID, "import-resources", c.File, map[string]string{"created": fmt.Sprint(created)}); err != nil {
				return err
			}
		}
		if refused > 0 {
			return fmt.Errorf("%d rows were refused", refused)
		}
		return nil
	})
}

// ResourceRemove runs `rmp resource remove`.
func ResourceRemove(ctx context.Context, c config.ResourceRemove, out io.Writer) error {
	return withTools(ctx, c.Database, out, func(t *tools) error {
		email := strings.ToLower(c.Email)
		of, _, err := t.ofResource(ctx, email)
		if err != nil {
			return err
		}
		r, err := t.db.For(of.ID).Resource(ctx, email)
		if err != nil {
			return err
		}
		list, err := t.db.For(of.ID).Bookings(ctx, booking.Filter{Resource: email, From: time.Now(), Live: true, Limit: 1})
		if err != nil {
			return err
		}
		if len(list) > 0 {
			return errors.New("it is booked in the future; cancel that first, or remove it in Administration, which can cancel it too")
		}
		if err := confirm(ctx, out, c.Yes, "Remove "+email+"? Its history stays."); err != nil {
			return err
		}
		remove := func(p provision) error {
			if err := p.Remove(ctx, of, r, c.Account); err != nil {
				return err
			}
			t.say("%s was removed.", email)
			return t.audit(ctx, of.ID, "delete-resource", email, nil)
		}
		if !c.Account {
			return remove(provision{t.db, nil, time.Now})
		}
		return t.withProvision(ctx, c.Data, c.CGP, remove)
	})
}
