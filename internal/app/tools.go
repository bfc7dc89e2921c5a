package app

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/user"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"rmp/internal/audit"
	"rmp/internal/config"
	"rmp/internal/directory"
	"rmp/internal/gatekeeper"
	"rmp/internal/secret"
	"rmp/internal/store"
	"rmp/internal/tenant"
	"rmp/internal/userimport"
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
		if _, err := os.Stat(filepath.Join(c.Data, "rmp.db")); err != nil {
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

// readPassword reads a password from a file, or makes one.
func readPassword(file string) (p secret.Text, made bool, err error) {
	if file == "" {
		return secret.Random(), true, nil
	}
	in := os.Stdin
	if file != "-" {
		if in, err = os.Open(file); err != nil {
			return "", false, err
		}
		defer func() { _ = in.Close() }()
	}
	line, err := bufio.NewReader(io.LimitReader(in, 4096)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", false, err
	}
	return secret.Text(strings.TrimRight(line, "\r\n")), false, nil
}

// UserAdd runs `rmp user add`.
func UserAdd(ctx context.Context, c config.UserAdd, out io.Writer) error {
	return withTools(ctx, c.Database, out, func(t *tools) error {
		of, err := t.tenantFor(ctx, c.Email, c.Tenant)
		if err != nil {
			return err
		}
		n := gatekeeper.Person{Email: c.Email, Name: c.Name, Role: tenant.Role(c.Role), CGPDomain: c.Domain, Active: true}
		if n.Name == "" {
			n.Name, _, _ = strings.Cut(c.Email, "@")
		}
		made := false
		if !c.NoPassword {
			if n.Password, made, err = readPassword(c.PasswordFile); err != nil {
				return err
			}
		}
		if c.CGPPasswordFile != "" {
			p, _, err := readPassword(c.CGPPasswordFile)
			if err != nil {
				return err
			}
			n.CGPPassword = &p
		}
		u, err := t.keeper.CreateUser(ctx, by(of.ID), n)
		if err != nil {
			return err
		}
		t.say("%s may enter %s as %s.", u.Email, of.Domain, u.Role)
		if made {
			t.say("Password, shown this once: %s", n.Password.Reveal())
			if n.CGPPassword == nil {
				t.say("CommuniGate Pro must accept it too, or get a password of its own (--cgp-password-file).")
			}
		}
		return t.audit(ctx, of.ID, "create-user", u.Email, map[string]string{"role": string(u.Role)})
	})
}

// UserSet runs `rmp user set`.
func UserSet(ctx context.Context, c config.UserSet, out io.Writer) error {
	return withTools(ctx, c.Database, out, func(t *tools) error {
		u, err := t.db.UserByEmail(ctx, c.Email)
		if err != nil {
			return err
		}
		n := gatekeeper.Person{Email: u.Email, Name: or(c.Name, u.Name), Role: tenant.Role(or(c.Role, string(u.Role))), CGPDomain: u.CGPDomain, Active: u.Active}
		detail := map[string]string{}
		switch {
		case c.Activate && c.Deactivate:
			return errors.New("--activate and --deactivate exclude each other")
		case c.Activate, c.Deactivate:
			n.Active = c.Activate
		}
		made := false
		if c.Password || c.PasswordFile != "" {
			if n.Password, made, err = readPassword(c.PasswordFile); err != nil {
				return err
			}
			detail["password"] = "changed"
		}
		if c.CGPPasswordFile != "" {
			p, _, err := readPassword(c.CGPPasswordFile)
			if err != nil {
				return err
			}
			n.CGPPassword, detail["cgproPassword"] = &p, "changed"
		}
		if u, err = t.keeper.ChangeUser(ctx, by(u.Tenant), u.Email, 0, n); err != nil {
			return err
		}
		state := "active"
		if !u.Active {
			state = "inactive"
		}
		t.say("%s: %s, %s.", u.Email, u.Role, state)
		if made {
			t.say("Password, shown this once: %s", n.Password.Reveal())
		}
		detail["role"], detail["state"] = string(u.Role), state
		return t.audit(ctx, u.Tenant, "change-user", u.Email, detail)
	})
}

func or(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// UserRemove runs `rmp user remove`.
func UserRemove(ctx context.Context, c config.UserRemove, out io.Writer) error {
	return withTools(ctx, c.Database, out, func(t *tools) error {
		u, err := t.db.UserByEmail(ctx, c.Email)
		if err != nil {
			return err
		}
		if err := confirm(out, c.Yes, "Remove "+u.Email+"? Their bookings stay; nobody signs in by this address any more."); err != nil {
			return err
		}
		if err := t.keeper.DeleteUser(ctx, by(u.Tenant), u.Email); err != nil {
			return err
		}
		t.say("%s may not enter any more.", u.Email)
		return t.audit(ctx, u.Tenant, "delete-user", u.Email, nil)
	})
}

// UserList runs `rmp user list`.
func UserList(ctx context.Context, c config.UserList, out io.Writer) error {
	return withTools(ctx, c.Database, out, func(t *tools) error {
		list, err := t.tenants(ctx, c.Tenant)
		if err != nil {
			return err
		}
		w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
		_, _ = fmt.Fprintln(w, "ADDRESS\tNAME\tROLE\tSTATE\tLAST SIGN-IN")
		for _, of := range list {
			users, err := t.keeper.Users(ctx, of.ID, gatekeeper.UserFilter{Query: c.Query})
			if err != nil {
				return err
			}
			for _, u := range users {
				state, last := "active", "never"
				if !u.Active {
					state = "inactive"
				}
				if !u.LastLogin.IsZero() {
					last = u.LastLogin.Format("2006-01-02 15:04Z")
				}
				_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", u.Email, printable(u.Name), u.Role, state, last)
			}
		}
		return w.Flush()
	})
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

// UserImport runs `rmp user import`.
func UserImport(ctx context.Context, c config.UserImport, out io.Writer) error {
	f, err := os.Open(c.File)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	read := userimport.CSV
	if strings.HasSuffix(strings.ToLower(c.File), ".sql") {
		read = userimport.SQL
	}
	found, err := read(f)
	if err != nil {
		return fmt.Errorf("%s: %w", c.File, err)
	}
	return withTools(ctx, c.Database, out, func(t *tools) error {
		if len(found.Ignored) > 0 {
			t.say("Columns that mean nothing here: %s", strings.Join(found.Ignored, ", "))
		}
		var added, changed, refused int
		for _, r := range found.Rows {
			what, err := t.importUser(ctx, c, r.Person)
			switch {
			case err != nil:
				refused++
				t.say("line %d, %s: refused: %v", r.Line, printable(r.Person.Email), err)
			case what == "added":
				added++
			case what == "changed":
				changed++
			}
		}
		does := ""
		if c.DryRun {
			does = " (nothing was changed: --dry-run)"
		}
		t.say("%d added, %d changed, %d refused, of %d%s.", added, changed, refused, len(found.Rows), does)
		if refused > 0 {
			return fmt.Errorf("%d of %d users were refused", refused, len(found.Rows))
		}
		return nil
	})
}

func (t *tools) importUser(ctx context.Context, c config.UserImport, n gatekeeper.Person) (string, error) {
	of, err := t.tenantFor(ctx, n.Email, c.Tenant)
	if err != nil {
		return "", err
	}
	if n.Hash != "" {
		if err := gatekeeper.CheckHash(n.Hash); err != nil {
			return "", fmt.Errorf("the password hash %w", err)
		}
	}
	old, err := t.db.UserByEmail(ctx, n.Email)
	if err != nil && !errors.Is(err, gatekeeper.ErrNoUser) {
		return "", err
	}
	known := err == nil
	if known && !c.Update {
		return "", errors.New("is there already; --update changes it")
	}
	if known && old.Tenant != of.ID {
		return "", errors.New("belongs to another organisation")
	}
	if c.DryRun {
		if known {
			return "changed", nil
		}
		return "added", nil
	}
	action := "create-user"
	if known {
		action = "change-user"
		_, err = t.keeper.ChangeUser(ctx, by(of.ID), n.Email, 0, n)
	} else {
		_, err = t.keeper.CreateUser(ctx, by(of.ID), n)
	}
	if err != nil {
		return "", err
	}
	if known {
		return "changed", t.audit(ctx, of.ID, action, n.Email, map[string]string{"import": c.File})
	}
	return "added", t.audit(ctx, of.ID, action, n.Email, map[string]string{"import": c.File})
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

// ResourceList runs `rmp resource list`.
func ResourceList(ctx context.Context, c config.ResourceList, out io.Writer) error {
	return withTools(ctx, c.Database, out, func(t *tools) error {
		list, err := t.tenants(ctx, c.Tenant)
		if err != nil {
			return err
		}
		w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
		_, _ = fmt.Fprintln(w, "ADDRESS\tNAME\tTYPE\tSITE\tSTATE")
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
				_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", r.Email, printable(r.Name), r.Type, printable(r.Site), state)
			}
		}
		return w.Flush()
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
