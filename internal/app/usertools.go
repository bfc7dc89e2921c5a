package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"rmp/internal/config"
	"rmp/internal/fault"
	"rmp/internal/gatekeeper"
	"rmp/internal/tenant"
	"rmp/internal/userimport"
)

// states are what users and organisations are, in words.
var states = map[bool]string{true: "active", false: "inactive"}

// UserAdd runs `rmp user add`.
func UserAdd(ctx context.Context, c config.UserAdd, out io.Writer) error {
	if c.NoPassword && c.PasswordFile != "" {
		return errors.New("--no-password and --password-file exclude each other")
	}
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
			if n.Password, made, err = readPassword(ctx, c.PasswordFile); err != nil {
				return err
			}
		}
		if c.CGPPasswordFile != "" {
			p, _, err := readPassword(ctx, c.CGPPasswordFile)
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
	if c.Password && c.PasswordFile != "" {
		return errors.New("--password and --password-file exclude each other")
	}
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
			if n.Password, made, err = readPassword(ctx, c.PasswordFile); err != nil {
				return err
			}
			detail["password"] = "changed"
		}
		if c.CGPPasswordFile != "" {
			p, _, err := readPassword(ctx, c.CGPPasswordFile)
			if err != nil {
				return err
			}
			n.CGPPassword, detail["cgproPassword"] = &p, "changed"
		}
		if u, err = t.keeper.ChangeUser(ctx, by(u.Tenant), u.Email, 0, n); err != nil {
			return err
		}
		state := states[u.Active]
		t.say("%s: %s, %s.", u.Email, u.Role, state)
		if made {
			t.say("Password, shown this once: %s", n.Password.Reveal())
		}
		detail["role"], detail["state"] = string(u.Role), state
		return t.audit(ctx, u.Tenant, "change-user", u.Email, detail)
	})
}

// UserRemove runs `rmp user remove`.
func UserRemove(ctx context.Context, c config.UserRemove, out io.Writer) error {
	return withTools(ctx, c.Database, out, func(t *tools) error {
		u, err := t.db.UserByEmail(ctx, c.Email)
		if err != nil {
			return err
		}
		if err := confirm(ctx, out, c.Yes, "Remove "+u.Email+"? Their bookings stay; nobody signs in by this address any more."); err != nil {
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
		var rows [][]any
		for _, of := range list {
			users, err := t.keeper.Users(ctx, of.ID, gatekeeper.UserFilter{Query: c.Query})
			if err != nil {
				return err
			}
			for _, u := range users {
				last := "never"
				if !u.LastLogin.IsZero() {
					last = u.LastLogin.Format("2006-01-02 15:04Z")
				}
				rows = append(rows, []any{u.Email, u.Name, u.Role, states[u.Active], last})
			}
		}
		return t.list(c.JSON, []column{{"email", "ADDRESS"}, {"name", "NAME"}, {"role", "ROLE"}, {"state", "STATE"}, {"lastSignIn", "LAST SIGN-IN"}}, rows)
	})
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
		count := map[string]int{}
		for _, r := range found.Rows {
			what, changes, err := t.importUser(ctx, c, r)
			if err != nil {
				what = "refused"
				t.say("line %d, %s: refused: %s", r.Line, printable(r.Person.Email), fault.Said(err))
			}
			count[what]++
			if len(changes) > 0 {
				t.say("line %d, %s: %s", r.Line, printable(r.Person.Email), strings.Join(changes, ", "))
			}
		}
		does, same := "", ""
		if c.DryRun {
			does = " (nothing was changed: --dry-run)"
		}
		if n := count["same"]; n > 0 {
			same = fmt.Sprintf("%d as they were, ", n)
		}
		t.say("%d added, %d changed, %s%d refused, of %d%s.", count["added"], count["changed"], same, count["refused"], len(found.Rows), does)
		if n := count["refused"]; n > 0 {
			return fmt.Errorf("%d of %d users were refused", n, len(found.Rows))
		}
		return nil
	})
}

// importUser adds or changes a user, and says what that was; of a change, what
// became of which field.
func (t *tools) importUser(ctx context.Context, c config.UserImport, r userimport.Row) (what string, changes []string, err error) {
	n := r.Person
	of, err := t.tenantFor(ctx, n.Email, c.Tenant)
	if err != nil {
		return "", nil, err
	}
	old, err := t.db.UserByEmail(ctx, strings.ToLower(n.Email))
	known := err == nil
	switch {
	case err != nil && !errors.Is(err, gatekeeper.ErrNoUser):
		return "", nil, err
	case known && !c.Update:
		return "", nil, errors.New("is there already; --update changes it")
	case known && old.Tenant != of.ID:
		return "", nil, errors.New("belongs to another organisation")
	case known:
		n = r.Onto(old)
		if changes = changed(old, n); len(changes) == 0 {
			return "same", nil, nil
		}
	}
	if err := n.Check(of); err != nil || c.DryRun {
		return did(known), changes, err
	}
	if known {
		_, err = t.keeper.ChangeUser(ctx, by(of.ID), n.Email, 0, n)
	} else {
		_, err = t.keeper.CreateUser(ctx, by(of.ID), n)
	}
	if err != nil {
		return "", nil, err
	}
	action := map[bool]string{true: "change-user", false: "create-user"}[known]
	return did(known), changes, t.audit(ctx, of.ID, action, n.Email, map[string]string{"import": c.File})
}

func did(known bool) string {
	if known {
		return "changed"
	}
	return "added"
}

// changed says what a change of a user changes.
func changed(old gatekeeper.User, n gatekeeper.Person) (list []string) {
	say := func(field, was, is string) {
		if was != is {
			list = append(list, fmt.Sprintf("%s %s → %s", field, printable(was), printable(is)))
		}
	}
	say("name", old.Name, n.Name)
	say("role", string(old.Role), string(n.Role))
	say("domain", old.CGPDomain, n.CGPDomain)
	say("state", states[old.Active], states[n.Active])
	if n.Hash != "" && n.Hash != old.PasswordHash {
		list = append(list, "another password")
	}
	if n.CGPPassword != nil && *n.CGPPassword != old.CGPPassword {
		list = append(list, "another CommuniGate password")
	}
	return list
}
