package doctor

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"rmp/communigate/cli"
	"rmp/communigate/dataformat"
	"rmp/communigate/ximss"
	"rmp/internal/directory"
	"rmp/internal/groupware"
)

const (
	mostSkew  = 30 * time.Second
	soonEnds  = 21 * 24 * time.Hour // of a certificate
	nearlyEnd = 5 * 24 * time.Hour
)

// clip keeps evidence short.
func clip(s string) string {
	const most = 600
	if len(s) > most {
		return s[:most] + " …"
	}
	return s
}

// said is the evidence of a command of CLI.
func said(command string, answer dataformat.Value, err error) Evidence {
	switch {
	case err != nil:
		return Evidence{command, err.Error()}
	case answer == nil:
		return Evidence{command, "OK"}
	}
	return Evidence{command, clip(text(hidden(answer)))}
}

// hidden leaves passwords out of an answer.
func hidden(v dataformat.Value) dataformat.Value {
	d, ok := v.(dataformat.Dict)
	if !ok {
		return v
	}
	out := dataformat.Dict{}
	for k, x := range d {
		if strings.Contains(strings.ToLower(k), "password") {
			x = "…"
		}
		out[k] = x
	}
	return out
}

// admin asks over CLI.
func (v *visit) admin(ctx context.Context, fn func(c *cli.Conn) error) error {
	return v.Groupware.Admin(ctx, v.t, fn)
}

// server looks at the server as a whole: whether it answers, its clock, its
// certificate, its sessions, and the sign-in of the service account.
func (v *visit) server(ctx context.Context) error {
	var now dataformat.Value
	var asked time.Time
	err := v.admin(ctx, func(c *cli.Conn) (err error) {
		asked = v.Now()
		now, err = c.CurrentTime(ctx)
		return err
	})
	answered := v.Now()
	evidence := said("GETCURRENTTIME", now, err)
	var refused *cli.Error
	if err != nil && !errors.As(err, &refused) {
		v.add(Finding{Check: "server.reach", Subject: v.t.Domain, Status: Fail, Title: "CommuniGate Pro cannot be reached over CLI", Cause: err.Error(), Evidence: []Evidence{evidence},
			Cure: "Check that the server runs, the address and port of CLI (cgp.host, cgp.cli-port), the network between, and the administrator's name and password (cgp.admin, cgp.admin-password)."})
		return nil
	}
	v.pass("server.reach", v.t.Domain, "CommuniGate Pro answers over CLI", evidence)
	if at, ok := now.(dataformat.Timestamp); ok && !at.Past && !at.Future {
		skew := at.Time.Sub(asked.Add(answered.Sub(asked) / 2)).Truncate(time.Second)
		if skew.Abs() > mostSkew {
			v.add(Finding{Check: "server.clock", Subject: v.t.Domain, Status: Warn, Title: "The clocks of RMP and CommuniGate Pro differ", Evidence: []Evidence{evidence},
				Cause: fmt.Sprintf("The server's clock differs from RMP's by %s.", skew), Cure: "Set both clocks by the same time servers (NTP)."})
		} else {
			v.pass("server.clock", v.t.Domain, "The clocks agree", evidence)
		}
	}
	if end, err := v.Groupware.CertificateEnd(ctx, v.t); err != nil || !end.IsZero() {
		v.certificateFinding("server.certificate", v.t.Domain, "CommuniGate Pro's certificate", end, err)
	}
	return v.service(ctx)
}

// service looks at the account through which RMP reads and writes calendars.
func (v *visit) service(ctx context.Context) error {
	account := v.t.ServiceAccount()
	err := v.Groupware.ServiceLogin(ctx, v.t)
	if errors.Is(err, ximss.ErrBadLogin) { // that is said of an account that is not there, too
		if missing := v.admin(ctx, func(c *cli.Conn) error { _, err := c.AccountSettings(ctx, account); return err }); errors.Is(missing, cli.ErrNotFound) {
			err = fmt.Errorf("%w: %w", ximss.ErrNoAccount, missing)
		}
	}
	evidence := Evidence{"XIMSS <login> as " + account, "OK"}
	if err != nil {
		evidence.Answer = err.Error()
	}
	f := Finding{Check: "service.login", Subject: account, Status: Fail, Evidence: []Evidence{evidence}}
	switch {
	case err == nil:
		v.pass(f.Check, account, "The service account signs in", evidence)
	case errors.Is(err, ximss.ErrSessionCap):
		v.add(Finding{Check: "server.sessions", Subject: v.t.Domain, Status: Fail, Title: "The server takes no more sessions", Cause: "As many XIMSS sessions are open as its licence or its settings allow.", Evidence: []Evidence{evidence},
			Cure: "Lower cgp.sessions and cgp.persons, run fewer processes, end sessions that nobody uses, or get a licence for more."})
		return nil
	case errors.Is(err, ximss.ErrNoAccount):
		f.Title, f.Cause, f.Cure = "The service account is missing", "There is no account "+account+", by which RMP reads and writes all calendars.", "Create it with a calendar of its own."
		f.Steps = append([]Step{{Op: createAccount, Account: account, Name: "Bookings"}}, v.serviceCalendar(account)...)
		v.add(f)
	case errors.Is(err, ximss.ErrBadLogin):
		f.Title, f.Cause, f.Cure = "The service account cannot sign in", "Its password on the server is not the one that RMP has.", "Set the password that RMP has."
		f.Steps = []Step{{Op: setPassword, Account: account}}
		v.add(f)
	default:
		f.Title, f.Cause, f.Cure = "XIMSS cannot be used", err.Error(), "Check that XIMSS over HTTP is switched on, its port (cgp.http-port, cgp.tls), and that the domain's and the account's services include XIMSS."
		v.add(f)
		return nil
	}
	if !errors.Is(err, ximss.ErrNoAccount) {
		if err := v.admin(ctx, func(c *cli.Conn) error { return v.central(ctx, c, account) }); err != nil {
			return err
		}
	}
	return v.admin(ctx, func(c *cli.Conn) error {
		ids, err := c.ListAccountSessions(ctx, account)
		var refused *cli.Error
		if errors.As(err, &refused) {
			return nil // an older server, or the account was just found missing
		}
		if err != nil {
			return err
		}
		own := v.Groupware.OpenSessions(v.t.ID)
		e := Evidence{"LISTACCOUNTSESSIONS " + account, fmt.Sprintf("%d sessions", len(ids))}
		if left := len(ids) - own - 1; left > v.Groupware.SessionsPerTenant()+2 { // those of one more process, one that watches for changes, one that is just ending
			v.add(Finding{Check: "server.sessions", Subject: v.t.Domain, Status: Warn, Title: "Sessions are open that this process does not use", Evidence: []Evidence{e},
				Cause: fmt.Sprintf("%d sessions of the service account belong to other processes, or were left over by ones that were killed. They count against the server's limit.", left),
				Cure:  "Nothing if other RMP processes run; else they end by themselves after the server's time-out, or with KILLACCOUNTSESSIONS " + account + "."})
		} else {
			v.pass("server.sessions", v.t.Domain, "Sessions are within what is used", e)
		}
		return nil
	})
}

// serviceCalendar makes the calendar of all bookings.
func (v *visit) serviceCalendar(account string) []Step {
	return []Step{{Op: createMailbox, Account: account, Mailbox: groupware.CalendarMailbox, Name: groupware.CalendarClass}, {Op: writeAgain, Account: account}}
}

// central looks at the calendar of all bookings.
func (v *visit) central(ctx context.Context, c *cli.Conn, account string) error {
	boxes, err := c.ListMailboxes(ctx, account, groupware.CalendarMailbox)
	if err != nil {
		return err
	}
	e := said(fmt.Sprintf("LISTMAILBOXES %s FILTER %s", account, groupware.CalendarMailbox), boxes, nil)
	class, there := classOf(boxes[groupware.CalendarMailbox])
	switch {
	case !there:
		v.add(Finding{Check: "service.calendar", Subject: account, Status: Fail, Title: "The calendar of all bookings is missing", Cause: "The service account has no mailbox " + groupware.CalendarMailbox + ".", Evidence: []Evidence{e},
			Cure: "Create it; the coming bookings are written into it again.", Steps: v.serviceCalendar(account)})
		return nil
	case class != groupware.CalendarClass:
		v.add(Finding{Check: "service.class", Subject: account, Status: Fail, Title: "The calendar of all bookings is of the wrong class", Cause: fmt.Sprintf("It has the class %q, not %s.", class, groupware.CalendarClass),
			Evidence: []Evidence{e}, Cure: "Give it the class.", Steps: []Step{{Op: setClass, Account: account, Mailbox: groupware.CalendarMailbox, Name: groupware.CalendarClass}}})
	default:
		v.pass("service.calendar", account, "The calendar of all bookings is there", e)
	}
	return v.written(ctx, c, "service", account)
}

// certificate looks at the certificate of the web interface.
func (v *visit) certificate(context.Context) error {
	if v.Certificate == "" {
		return nil
	}
	data, err := os.ReadFile(v.Certificate)
	var end time.Time
	if err == nil {
		block, _ := pem.Decode(data)
		if block == nil {
			err = errors.New("there is no certificate in it")
		} else if c, parsed := x509.ParseCertificate(block.Bytes); parsed != nil {
			err = parsed
		} else {
			end = c.NotAfter
		}
	}
	v.certificateFinding("rmp.certificate", v.Certificate, "RMP's own certificate", end, err)
	return nil
}

func (v *visit) certificateFinding(check, subject, what string, end time.Time, err error) {
	e := Evidence{"certificate of " + subject, "ends " + end.UTC().Format(time.RFC3339)}
	f := Finding{Check: check, Subject: subject, Evidence: []Evidence{e}, Cure: "Renew it; RMP reads its own again by itself."}
	left := end.Sub(v.Now())
	switch {
	case err != nil:
		f.Status, f.Title, f.Cause, f.Evidence[0].Answer = Fail, what+" cannot be read", err.Error(), err.Error()
	case left < nearlyEnd:
		f.Status, f.Title, f.Cause = Fail, what+" ends, or has ended", fmt.Sprintf("It ends in %d hours.", int(left.Hours()))
	case left < soonEnds:
		f.Status, f.Title, f.Cause = Warn, what+" ends soon", fmt.Sprintf("It ends in %d days.", int(left.Hours()/24))
	default:
		f.Status, f.Title, f.Cure = Pass, what+" is valid", ""
	}
	v.add(f)
}

// domains looks at the domains for resources: those that are used, or were
// made.
func (v *visit) domains(ctx context.Context) error {
	return v.admin(ctx, func(c *cli.Conn) error {
		names, err := c.ListDomains(ctx)
		list := said("LISTDOMAINS", arrayOf(names), err)
		if err != nil {
			return err
		}
		for i := range names {
			names[i] = strings.ToLower(names[i])
		}
		for _, kind := range directory.TypesOf(v.t) {
			domain := kind.Domain(v.t.Domain)
			used := slices.ContainsFunc(v.resources, func(r directory.Resource) bool { return r.Type == kind.Name })
			if !slices.Contains(names, domain) {
				f := Finding{Check: "domain.exists", Subject: domain, Status: Fail, Title: "A domain for resources is missing", Evidence: []Evidence{list},
					Cause: "The accounts of the type " + kind.Label + " belong into the domain " + domain + ", which is not there.", Cure: "Create it with the services that resources need.",
					Steps: []Step{{Op: createDomain, Domain: domain}, {Op: setServices, Domain: domain, Value: text(servicesValue())}}}
				if !used {
					f.Status = Warn
				}
				v.add(f)
				continue
			}
			v.pass("domain.exists", domain, "The domain is there")
			if err := v.domain(ctx, c, domain); err != nil {
				return err
			}
		}
		return nil
	})
}

func arrayOf(list []string) dataformat.Array {
	out := dataformat.Array{}
	for _, x := range list {
		out = append(out, x)
	}
	return out
}

func servicesValue() dataformat.Array { return arrayOf(groupware.ResourceServices) }

// domain looks at one that is there: its services, and whether it is ready.
func (v *visit) domain(ctx context.Context, c *cli.Conn, domain string) error {
	_, err := c.ListAccounts(ctx, domain)
	var refused *cli.Error
	if errors.As(err, &refused) {
		v.add(Finding{Check: "domain.ready", Subject: domain, Status: Warn, Title: "The domain is not ready yet", Cause: "It is listed, and does not answer yet. That is so for a while after it was made.",
			Evidence: []Evidence{said("LISTACCOUNTS "+domain, nil, err)}, Cure: "Wait some minutes and run the checks again; if it stays, look at the server's log."})
		return nil
	}
	if err != nil {
		return err
	}
	settings, err := c.DomainEffectiveSettings(ctx, domain)
	e := said("GETDOMAINEFFECTIVESETTINGS "+domain, settings, err)
	if err != nil {
		return err
	}
	missing := missingServices(settings["DomainAccessModes"])
	if len(missing) == 0 {
		v.pass("domain.services", domain, "The domain has the services that resources need")
		return nil
	}
	v.add(Finding{Check: "domain.services", Subject: domain, Status: Fail, Title: "Services of the domain are switched off", Evidence: []Evidence{{e.Command, "DomainAccessModes: " + text(settings["DomainAccessModes"])}},
		Cause: "Resources need " + strings.Join(missing, ", ") + ", which the domain does not allow.", Cure: "Switch them on.",
		Steps: []Step{{Op: setServices, Domain: domain, Value: text(servicesValue())}}})
	return nil
}

// missingServices are those that resources need and that a domain's access
// modes do not name. All, and modes that are not set, allow everything.
func missingServices(v dataformat.Value) []string {
	modes, ok := v.(dataformat.Array)
	if !ok {
		if s, is := v.(string); is && s == "None" {
			return needed
		}
		return nil
	}
	var out []string
	for _, need := range needed {
		if !allows(modes, need) {
			out = append(out, need)
		}
	}
	return out
}

// allows reports whether access modes name a service, or all.
func allows(v dataformat.Value, service string) bool {
	switch modes := v.(type) {
	case dataformat.Array:
		return slices.ContainsFunc(modes.Strings(), func(m string) bool { return strings.EqualFold(m, service) || m == "All" })
	case string:
		return !strings.EqualFold(modes, "None")
	}
	return true // not set: all
}

// needed are the services without which booking does not work.
var needed = []string{"Mail", "XIMSS"}
