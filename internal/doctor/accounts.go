package doctor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"rmp/calendar/zone"
	"rmp/communigate/cli"
	"rmp/communigate/dataformat"
	"rmp/internal/directory"
	"rmp/internal/gatekeeper"
	"rmp/internal/groupware"
)

// resourceAccounts compares the resources with the accounts on the server.
func (v *visit) resourceAccounts(ctx context.Context) error {
	accounts, err := v.Groupware.ResourceAccounts(ctx, v.t)
	if err != nil {
		return err
	}
	there := map[string]bool{}
	for _, a := range accounts {
		there[a.Email] = true
	}
	have := map[string]bool{}
	for _, r := range v.resources {
		have[r.Email] = true
		if !there[r.Email] {
			v.add(Finding{Check: "resource.account", Subject: r.Email, Status: Fail, Title: "A resource has no account", Cause: fmt.Sprintf("%s is a resource of RMP, and there is no such account on the server.", r.Email),
				Evidence: []Evidence{{"LISTACCOUNTS " + domainOf(r.Email), "does not name it"}}, Cure: "Create the account with its calendar, its settings and its rule; or remove the resource from RMP.", Steps: v.allOf(r)})
			continue
		}
		v.pass("resource.account", r.Email, "The resource has its account")
		if err := v.admin(ctx, func(c *cli.Conn) error { return v.resource(ctx, c, r) }); err != nil {
			return err
		}
	}
	for _, a := range accounts {
		if !have[a.Email] {
			v.add(Finding{Check: "resource.row", Subject: a.Email, Status: Warn, Title: "An account is not a resource of RMP", Cause: "The account is in a domain for resources, and RMP does not know it, so nobody can book it here.",
				Evidence: []Evidence{{"LISTACCOUNTS " + domainOf(a.Email), a.Email}}, Cure: "Take it over, or delete the account.", Steps: []Step{{Op: adoptResource, Account: a.Email, Name: a.Name}}})
		}
	}
	return nil
}

func domainOf(email string) string { _, d, _ := strings.Cut(email, "@"); return d }

// calendarSteps make a calendar with RMP's right to it.
func (v *visit) calendarSteps(account string) []Step {
	return []Step{{Op: createMailbox, Account: account, Mailbox: groupware.CalendarMailbox, Name: groupware.CalendarClass}, v.rightStep(account), {Op: writeAgain, Account: account}}
}

func (v *visit) rightStep(account string) Step {
	return Step{Op: setRight, Account: account, Mailbox: groupware.CalendarMailbox, Name: v.t.ServiceAccount(), Value: groupware.CalendarRights}
}

// allOf are the steps that make a resource's account.
func (v *visit) allOf(r directory.Resource) []Step {
	return slices.Concat([]Step{{Op: createAccount, Account: r.Email, Name: r.Name}}, v.calendarSteps(r.Email),
		[]Step{{Op: setSettings, Account: r.Email, Value: text(groupware.ResourceSettings(r))}, {Op: setRules, Account: r.Email, Value: text(groupware.ResourceRules())},
			{Op: setPreferences, Account: r.Email, Value: text(zoneValue(r.TimeZone))}})
}

func zoneValue(name string) dataformat.Dict { return dataformat.Dict{"TimeZone": name} }

// resource looks at the account of one resource.
func (v *visit) resource(ctx context.Context, c *cli.Conn, r directory.Resource) error {
	if err := v.calendar(ctx, c, "resource", r.Email, true); err != nil {
		return err
	}
	settings, err := c.AccountEffectiveSettings(ctx, r.Email)
	if err != nil {
		return err
	}
	want := groupware.ResourceSettings(r)
	differ := dataformat.Dict{}
	for k, x := range want {
		if k != "RealName" && settings.String(k) != fmt.Sprint(x) {
			differ[k] = x
		}
	}
	if len(differ) > 0 {
		v.add(Finding{Check: "resource.settings", Subject: r.Email, Status: Warn, Title: "Settings of a resource's account are missing", Cause: "An account that is a resource has " + text(want) + ".",
			Evidence: []Evidence{{"GETACCOUNTEFFECTIVESETTINGS " + r.Email, clip(text(keysOf(want, settings)))}}, Cure: "Set them.", Steps: []Step{{Op: setSettings, Account: r.Email, Value: text(differ)}}})
	} else {
		v.pass("resource.settings", r.Email, "The account has the settings of a resource")
	}
	if modes := settings["AccessModes"]; !allows(modes, "Mail") {
		v.add(Finding{Check: "resource.services", Subject: r.Email, Status: Warn, Title: "A resource's account gets no mail", Cause: "The account's services do not include Mail, so invitations from Outlook or a phone do not reach it.",
			Evidence: []Evidence{{"GETACCOUNTEFFECTIVESETTINGS " + r.Email, "AccessModes: " + clip(text(modes))}}, Cure: "Give it the services of its domain.",
			Steps: []Step{{Op: setSettings, Account: r.Email, Value: text(dataformat.Dict{"AccessModes": unset})}}})
	} else {
		v.pass("resource.services", r.Email, "The account gets mail")
	}
	rules, err := c.AccountMailRules(ctx, r.Email)
	if err != nil {
		return err
	}
	if !accepts(rules) {
		v.add(Finding{Check: "resource.rule", Subject: r.Email, Status: Warn, Title: "A resource does not answer invitations", Cause: "The rule is missing by which the account accepts invitations that come by mail, from Outlook or a phone.",
			Evidence: []Evidence{said("GETACCOUNTMAILRULES "+r.Email, rules, nil)}, Cure: "Add the rule; those that are there stay.",
			Steps: []Step{{Op: setRules, Account: r.Email, Value: text(slices.Concat(rules, groupware.ResourceRules()))}}})
	} else {
		v.pass("resource.rule", r.Email, "The account answers invitations")
	}
	return v.timeZone(ctx, c, r)
}

// accepts reports whether a rule accepts invitations.
func accepts(rules dataformat.Array) bool {
	return slices.ContainsFunc(rules, func(v dataformat.Value) bool {
		rule, ok := v.(dataformat.Array) // priority, name, conditions, actions
		if !ok || len(rule) < 4 || fmt.Sprint(rule[0]) == "0" {
			return false // priority 0: switched off
		}
		return strings.Contains(text(rule[3]), "Accept Request")
	})
}

func (v *visit) timeZone(ctx context.Context, c *cli.Conn, r directory.Resource) error {
	prefs, err := c.AccountEffectivePrefs(ctx, r.Email)
	if err != nil {
		return err
	}
	name := prefs.String("TimeZone")
	e := Evidence{"GETACCOUNTEFFECTIVEPREFS " + r.Email, "TimeZone: " + name}
	if got, err := (zone.Resolver{}).Load(name); err == nil && got.String() == r.TimeZone {
		v.pass("resource.timeZone", r.Email, "The account has the resource's time zone", e)
		return nil
	}
	cause := fmt.Sprintf("The account's time zone is %q, the resource's %s. Events that other programs write without a zone are taken for the wrong time.", name, r.TimeZone)
	v.add(Finding{Check: "resource.timeZone", Subject: r.Email, Status: Warn, Title: "An account has another time zone than the resource", Cause: cause, Evidence: []Evidence{e},
		Cure: "Give the account the resource's time zone.", Steps: []Step{{Op: setPreferences, Account: r.Email, Value: text(zoneValue(r.TimeZone))}}})
	return nil
}

// calendar looks at the calendar of an account, and at RMP's right to it.
func (v *visit) calendar(ctx context.Context, c *cli.Conn, of, account string, needed bool) error {
	boxes, err := c.ListMailboxes(ctx, account, groupware.CalendarMailbox)
	if err != nil {
		return err
	}
	e := said(fmt.Sprintf("LISTMAILBOXES %s FILTER %s", account, groupware.CalendarMailbox), boxes, nil)
	class, there := classOf(boxes[groupware.CalendarMailbox])
	status := Fail
	if !needed {
		status = Warn
	}
	switch {
	case !there:
		v.add(Finding{Check: of + ".calendar", Subject: account, Status: status, Title: "A calendar is missing", Cause: "The account has no mailbox " + groupware.CalendarMailbox + ", so nothing can be written for it.", Evidence: []Evidence{e},
			Cure: "Create it, and give RMP the right to it.", Steps: v.calendarSteps(account)})
		return nil
	case class != groupware.CalendarClass:
		v.add(Finding{Check: of + ".class", Subject: account, Status: status, Title: "A calendar is of the wrong class", Cause: fmt.Sprintf("The mailbox %s has the class %q, not %s, so other programs do not show it as a calendar.", groupware.CalendarMailbox, class, groupware.CalendarClass),
			Evidence: []Evidence{e}, Cure: "Give it the class.", Steps: []Step{{Op: setClass, Account: account, Mailbox: groupware.CalendarMailbox, Name: groupware.CalendarClass}}})
	default:
		v.pass(of+".calendar", account, "The calendar is there", e)
	}
	acl, err := c.MailboxACL(ctx, account, groupware.CalendarMailbox)
	if err != nil {
		return err
	}
	right := Evidence{fmt.Sprintf("GETMAILBOXACL %s MAILBOX %s", account, groupware.CalendarMailbox), clip(text(acl))}
	if lacking := lack(acl.String(v.t.ServiceAccount()), groupware.NeededRights); lacking != "" {
		v.add(Finding{Check: of + ".right", Subject: account, Status: status, Title: "RMP lacks a right to a calendar", Cause: fmt.Sprintf("%s has not the rights %q to the calendar.", v.t.ServiceAccount(), lacking),
			Evidence: []Evidence{right}, Cure: "Give the service account the rights.", Steps: []Step{v.rightStep(account)}})
	} else {
		v.pass(of+".right", account, "RMP has its right to the calendar", right)
		v.readable[account] = true
	}
	return v.written(ctx, c, of, account)
}

// written compares how many coming bookings are noted as written into a
// calendar with how much is in it. Of people's own calendars, from which they
// may take out what they like, only an empty one is noticed.
func (v *visit) written(ctx context.Context, c *cli.Conn, of, account string) error {
	wanted := v.synced[account]
	if wanted == 0 {
		return nil
	}
	info, err := c.MailboxInfo(ctx, account, groupware.CalendarMailbox)
	if err != nil {
		return err
	}
	has := messagesOf(info)
	e := said(fmt.Sprintf("GETMAILBOXINFO %s MAILBOX %s", account, groupware.CalendarMailbox), info, nil)
	if has < 0 || has >= wanted || of == "person" && has > 0 {
		v.pass(of+".bookings", account, "The calendar has its bookings", e)
		return nil
	}
	v.add(Finding{Check: of + ".bookings", Subject: account, Status: Fail, Title: "Bookings are missing in a calendar", Cause: fmt.Sprintf("%d coming bookings have been written into the calendar, and it has %d events: it was emptied, or made anew.", wanted, has),
		Evidence: []Evidence{e}, Cure: "Write them again; what is there already stays as it is.", Steps: []Step{{Op: writeAgain, Account: account}}})
	return nil
}

// lack are the letters that are not among those one has.
func lack(have, need string) string {
	var out strings.Builder
	for _, r := range need {
		if !strings.ContainsRune(have, r) {
			out.WriteRune(r)
		}
	}
	return out.String()
}

// personAccounts looks at the accounts of people: their calendars and their
// contacts.
func (v *visit) personAccounts(ctx context.Context) error {
	for i, p := range v.people {
		if !p.Active {
			continue
		}
		if v.opts.Progress != nil && i%20 == 0 {
			v.opts.Progress("people", i, len(v.people))
		}
		if err := v.admin(ctx, func(c *cli.Conn) error { return v.person(ctx, c, p) }); err != nil {
			return err
		}
	}
	return nil
}

func (v *visit) person(ctx context.Context, c *cli.Conn, p gatekeeper.User) error {
	account := p.Email
	err := v.calendar(ctx, c, "person", account, false)
	if errors.Is(err, cli.ErrNotFound) {
		v.add(Finding{Check: "person.account", Subject: account, Status: Warn, Title: "A person has no account", Cause: "The person may enter RMP, and has no account on the server: bookings do not reach a calendar of theirs.",
			Evidence: []Evidence{said("LISTMAILBOXES "+account, nil, err)}, Cure: "Create the account as you create accounts, or keep the person out."})
		return nil
	}
	if err != nil {
		return err
	}
	boxes, err := c.ListMailboxes(ctx, account, "*")
	if err != nil {
		return err
	}
	for _, b := range boxes {
		if class, _ := classOf(b); class == groupware.ContactsClass {
			v.pass("person.contacts", account, "There is a folder for contacts")
			return nil
		}
	}
	v.add(Finding{Check: "person.contacts", Subject: account, Status: Warn, Title: "A person has no folder for contacts", Cause: "No mailbox of the account has the class " + groupware.ContactsClass + ", so the person cannot keep contacts.",
		Evidence: []Evidence{said("LISTMAILBOXES "+account+" FILTER *", boxes, nil)}, Cure: "Create the folder Contacts.",
		Steps: []Step{{Op: createMailbox, Account: account, Mailbox: groupware.ContactsMailbox, Name: groupware.ContactsClass}}})
	return nil
}
