package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"rmp/internal/audit"
	"rmp/internal/config"
	"rmp/internal/gatekeeper"
	"rmp/internal/store"
	"rmp/internal/tenant"
)

// tools is what the commands on an installation's database stand on. Who may
// read the database's key may do everything.
type tools struct {
	db     *store.DB
	keeper *gatekeeper.Gatekeeper
	out    io.Writer
}

// noCommuniGate is for tools that do not reach a server.
type noCommuniGate struct{ gatekeeper.CommuniGate }

func (noCommuniGate) End(context.Context, string) {}

// withTools opens the database for a command.
func withTools(ctx context.Context, c config.Database, out io.Writer, do func(t *tools) error) error {
	if _, err := os.Stat(c.Data); err != nil && c.SecretKey == "" {
		return fmt.Errorf("data directory: %w; --data names it, or --db and --secret-key", err)
	}
	if c.DB == "" {
		switch _, err := os.Stat(filepath.Join(c.Data, "rmp.db")); {
		case err != nil && !errors.Is(err, fs.ErrNotExist):
			return fmt.Errorf("the database: %w", err)
		case err != nil:
			return fmt.Errorf("there is no database in %s; --data names the directory of rmp serve, --db one on PostgreSQL; rmp tenant add begins a new one", c.Data)
		}
	}
	return withOpened(ctx, c, store.AsItIs, out, do)
}

// withDatabase opens the database for a command, and makes it where there is
// none.
func withDatabase(ctx context.Context, c config.Database, out io.Writer, do func(t *tools) error) error {
	return withOpened(ctx, c, store.Begin, out, do)
}

func withOpened(ctx context.Context, c config.Database, may store.Schema, out io.Writer, do func(t *tools) error) error {
	db, _, err := openDatabase(ctx, c, may, logger("warn"))
	if errors.Is(err, store.ErrSchema) {
		return errors.New("the database is empty, or of an older version than this command; rmp serve brings it up to date when it starts, until then use the commands of the version that serves")
	}
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	return do(&tools{db, gatekeeper.New(db, noCommuniGate{}, time.Now), out})
}

// column is one of a list, with its key in JSON.
type column struct{ key, head string }

// list prints rows as a table, or as JSON.
func (t *tools) list(asJSON bool, columns []column, rows [][]any) error {
	if asJSON {
		items := make([]map[string]any, len(rows))
		for i, row := range rows {
			items[i] = map[string]any{}
			for k, v := range row {
				items[i][columns[k].key] = v
			}
		}
		return printJSON(t.out, items)
	}
	w := tabwriter.NewWriter(t.out, 0, 0, 2, ' ', 0)
	cell := func(v any) string { return printable(fmt.Sprint(v)) }
	heads, cells := make([]string, len(columns)), make([]string, len(columns))
	for i, c := range columns {
		heads[i] = c.head
	}
	_, _ = fmt.Fprintln(w, strings.Join(heads, "\t"))
	for _, row := range rows {
		for i, v := range row {
			cells[i] = cell(v)
		}
		_, _ = fmt.Fprintln(w, strings.Join(cells, "\t"))
	}
	return w.Flush()
}

func printJSON(out io.Writer, v any) error {
	e := json.NewEncoder(out)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

func (t *tools) say(format string, args ...any) { _, _ = fmt.Fprintf(t.out, format+"\n", args...) }

// audit notes what a command did.
func (t *tools) audit(ctx context.Context, id tenant.ID, action, target string, detail map[string]string) error {
	return t.db.Append(ctx, audit.Entry{Tenant: id, At: time.Now(), Actor: atTerminal(), Action: action, Target: target, Outcome: audit.Done, Detail: detail})
}

// atTerminal is who types a command.
func atTerminal() string {
	who := "command line"
	if u, err := user.Current(); err == nil {
		who += " (" + u.Username + ")"
	}
	return who
}

// by is who commands act as in a tenant.
func by(id tenant.ID) tenant.Principal { return tenant.Principal{Tenant: id, Role: tenant.SuperAdmin} }

// tenantFor is the tenant of an address, or the one that is named.
func (t *tools) tenantFor(ctx context.Context, email, named string) (tenant.Tenant, error) {
	if named != "" {
		return t.tenant(ctx, named)
	}
	found, err := signOnTenants{t.db}.TenantOf(ctx, email)
	if errors.Is(err, store.ErrNoTenant) {
		err = fmt.Errorf("no organisation has the domain of %s; rmp tenant list shows them", email)
	}
	return found, err
}

func (t *tools) tenant(ctx context.Context, domain string) (tenant.Tenant, error) {
	found, err := t.db.TenantByDomain(ctx, domain)
	if errors.Is(err, store.ErrNoTenant) {
		err = fmt.Errorf("there is no organisation %s; rmp tenant list shows them", domain)
	}
	return found, err
}

// tenants are all, or the one that is named.
func (t *tools) tenants(ctx context.Context, domain string) ([]tenant.Tenant, error) {
	if domain == "" {
		return t.db.Tenants(ctx)
	}
	one, err := t.tenant(ctx, domain)
	return []tenant.Tenant{one}, err
}

func or(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// printable keeps what somebody wrote from steering a terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 {
			return '�'
		}
		return r
	}, s)
}

// KeysRotate runs `rmp keys rotate`.
func KeysRotate(ctx context.Context, c config.KeysRotate, out io.Writer) error {
	return withTools(ctx, c.Database, out, func(t *tools) error {
		k, err := gatekeeper.RotateKeys(ctx, t.db, time.Now())
		if err != nil {
			return err
		}
		t.say("Access tokens are signed with the key %s from now on (within half a minute in running processes). The former key is alive until the next rotation; its tokens end within %v.", k.ID, gatekeeper.AccessLifetime)
		return t.audit(ctx, "", "rotate-keys", k.ID, nil)
	})
}

// KeysReseal runs `rmp keys reseal`.
func KeysReseal(ctx context.Context, c config.KeysReseal, out io.Writer) error {
	return withTools(ctx, c.Database, out, func(t *tools) error {
		n, err := t.db.Reseal(ctx)
		if err != nil {
			return err
		}
		t.say("%d stored secrets were sealed anew with the present key. When every process runs with it, the former one may be left out.", n)
		return t.audit(ctx, "", "reseal-secrets", "", nil)
	})
}

// ResourceAdopt runs `rmp resource adopt`.
func ResourceAdopt(ctx context.Context, c config.ResourceAdopt, out io.Writer) error {
	return withTools(ctx, c.Database, out, func(t *tools) error {
		of, err := t.tenant(ctx, c.Tenant)
		if err != nil {
			return err
		}
		return t.withProvision(ctx, c.Data, c.CGP, func(p provision) error { return t.adopt(ctx, p, of, c.DryRun) })
	})
}

func (t *tools) adopt(ctx context.Context, p provision, of tenant.Tenant, dryRun bool) error {
	list, err := p.Adopt(ctx, of, dryRun)
	if err != nil {
		return err
	}
	count := map[string]int{}
	for _, a := range list {
		count[a.Result]++
		if a.Result != "known" {
			t.say("%s (%s, %s): %s %s", a.Email, printable(a.Name), a.Type, a.Result, a.Reason)
		}
	}
	does := ""
	if dryRun {
		does = " (nothing was changed: --dry-run)"
	}
	t.say("%d adopted, %d known already, %d failed%s.", count["adopted"], count["known"], count["failed"], does)
	if count["failed"] > 0 {
		return fmt.Errorf("%d accounts could not be taken over", count["failed"])
	}
	if dryRun {
		return nil
	}
	return t.audit(ctx, of.ID, "adopt-resources", of.Domain, map[string]string{"adopted": fmt.Sprint(count["adopted"])})
}
