package cliserver

import (
	"context"
	"slices"
	"strings"
	"time"

	"rmp/communigate/dataformat"
	"rmp/communigate/standin/backend"
)

// arguments reads the arguments of a command one after the other.
type arguments struct {
	rest string
	err  error
}

// value reads the next argument, of any kind.
func (a *arguments) value() dataformat.Value {
	if a.err != nil {
		return nil
	}
	v, rest, err := dataformat.ParsePrefix(a.rest)
	if err != nil {
		a.err = &backend.Error{Num: 500, Text: "failed to read a parameter: " + err.Error()}
		return nil
	}
	a.rest = strings.TrimLeft(rest, " \t")
	return v
}

func next[T any](a *arguments, what string) T {
	v, ok := a.value().(T)
	if !ok && a.err == nil {
		a.err = &backend.Error{Num: 500, Text: "failed to read " + what}
	}
	return v
}

func (a *arguments) str() string             { return next[string](a, "a string parameter") }
func (a *arguments) dict() dataformat.Dict   { return next[dataformat.Dict](a, "a dictionary parameter") }
func (a *arguments) array() dataformat.Array { return next[dataformat.Array](a, "an array parameter") }

// keyword takes the word if it is next.
func (a *arguments) keyword(word string) bool {
	if a.err != nil || len(a.rest) < len(word) || !strings.EqualFold(a.rest[:len(word)], word) {
		return false
	}
	after := a.rest[len(word):]
	if after != "" && after[0] != ' ' && after[0] != '\t' {
		return false
	}
	a.rest = strings.TrimLeft(after, " \t")
	return true
}

// need takes a word that must be there.
func (a *arguments) need(word string) {
	if !a.keyword(word) && a.err == nil {
		a.err = &backend.Error{Num: 500, Text: "the keyword " + word + " is missing"}
	}
}

func (a *arguments) dictNext() bool { return strings.HasPrefix(a.rest, "{") }

// end is the error of what was read, or of something left over.
func (a *arguments) end() error {
	if a.err == nil && a.rest != "" {
		a.err = &backend.Error{Num: 500, Text: "extra parameters"}
	}
	return a.err
}

type command struct {
	write bool
	run   func(c *execution) (dataformat.Value, error)
}

// execution is one command at work.
type execution struct {
	*arguments
	tx     *backend.Tx
	server *Server
	who    backend.Account
}

var errUnknown = &backend.Error{Num: 500, Text: "unknown command"}

// Execute runs one command line for an account.
func (s *Server) Execute(ctx context.Context, who backend.Account, line string) (dataformat.Value, error) {
	word, rest, _ := strings.Cut(strings.Trim(line, " \t"), " ")
	name := strings.ToUpper(word)
	if name == "LISTCLICOMMANDS" {
		return commandNames(), nil
	}
	cmd, ok := commands[name]
	if !ok {
		return nil, errUnknown
	}
	if strings.IndexByte(line, 0) >= 0 {
		return nil, &backend.Error{Num: 500, Text: "zero byte in a command"}
	}
	do := s.b.View
	if cmd.write {
		do = s.b.Update
	}
	var v dataformat.Value
	err := do(ctx, func(tx *backend.Tx) error {
		var err error
		v, err = cmd.run(&execution{&arguments{rest: strings.TrimLeft(rest, " \t")}, tx, s, who})
		return err
	})
	return v, err
}

func commandNames() dataformat.Array {
	names := []string{"INLINE", "LISTCLICOMMANDS", "NEWPASS", "QUIT"}
	for n := range commands {
		names = append(names, n)
	}
	slices.Sort(names)
	out := dataformat.Array{}
	for _, n := range names {
		out = append(out, n)
	}
	return out
}

// admin refuses who may not administer the domain of an address.
func (x *execution) admin() error {
	if x.who.Can("Domains") || x.who.Can("All Domains") {
		return nil
	}
	return backend.ErrNotAllowed
}

// address reads an account name: * is one's own.
func (x *execution) address() string {
	if x.keyword("*") {
		return x.who.Address()
	}
	name := x.str()
	if name != "" && !strings.Contains(name, "@") {
		name += "@" + x.who.Domain
	}
	return strings.ToLower(name)
}

// own lets everybody work on their own account, and an administrator on all.
func (x *execution) own(address string) error {
	if address == x.who.Address() {
		return nil
	}
	return x.admin()
}

func (x *execution) account(adminOnly bool) (backend.Account, error) {
	address := x.address()
	if x.err != nil {
		return backend.Account{}, x.err
	}
	check := x.own(address)
	if adminOnly {
		check = x.admin()
	}
	if check != nil {
		return backend.Account{}, check
	}
	return x.tx.Account(address)
}

// mailbox reads an account, MAILBOX and a name.
func (x *execution) mailbox() (backend.Account, string, error) {
	a, err := x.account(false)
	if err != nil {
		return a, "", err
	}
	x.need("MAILBOX")
	return a, x.str(), x.err
}

func (x *execution) existingMailbox() (backend.Mailbox, error) {
	a, name, err := x.mailbox()
	if err != nil {
		return backend.Mailbox{}, err
	}
	return x.tx.Mailbox(a, name)
}

func strs(list []string) dataformat.Array {
	out := dataformat.Array{}
	for _, s := range list {
		out = append(out, s)
	}
	return out
}

var commands = map[string]command{
	"NOOP":           {false, func(x *execution) (dataformat.Value, error) { return nil, x.end() }},
	"GETVERSION":     {false, func(x *execution) (dataformat.Value, error) { return "6.3.39", x.end() }},
	"MAINDOMAINNAME": {false, func(x *execution) (dataformat.Value, error) { return x.server.b.MainDomain(), x.end() }},
	"GETCURRENTTIME": {false, func(x *execution) (dataformat.Value, error) {
		return dataformat.Timestamp{Time: time.Now().UTC()}, x.end()
	}},
	"ECHO": {false, func(x *execution) (dataformat.Value, error) { v := x.value(); return v, x.end() }},

	"LISTDOMAINS": {false, func(x *execution) (dataformat.Value, error) {
		list, err := x.tx.Domains()
		return strs(list), err
	}},
	"CREATEDOMAIN": {true, func(x *execution) (dataformat.Value, error) {
		name := x.str()
		x.keyword("SHARED")
		var settings dataformat.Dict
		if x.dictNext() {
			settings = x.dict()
		}
		if err := x.end(); err != nil {
			return nil, err
		}
		if err := x.admin(); err != nil {
			return nil, err
		}
		return nil, x.tx.CreateDomain(name, settings)
	}},
	"DELETEDOMAIN": {true, func(x *execution) (dataformat.Value, error) {
		name, force := x.str(), x.keyword("FORCE")
		if err := x.end(); err != nil {
			return nil, err
		}
		if err := x.admin(); err != nil {
			return nil, err
		}
		return nil, x.tx.DeleteDomain(name, force)
	}},
	"GETDOMAINSETTINGS":          {false, domainSettings},
	"GETDOMAINEFFECTIVESETTINGS": {false, domainSettings},
	"UPDATEDOMAINSETTINGS":       {true, func(x *execution) (dataformat.Value, error) { return nil, x.changeDomain(false) }},
	"SETDOMAINSETTINGS":          {true, func(x *execution) (dataformat.Value, error) { return nil, x.changeDomain(true) }},
	"LISTACCOUNTS": {false, func(x *execution) (dataformat.Value, error) {
		domain := x.who.Domain
		if x.rest != "" {
			domain = x.str()
		}
		if err := x.end(); err != nil {
			return nil, err
		}
		if err := x.admin(); err != nil {
			return nil, err
		}
		names, err := x.tx.Accounts(domain)
		out := dataformat.Dict{}
		for _, n := range names {
			out[n] = "macnt"
		}
		return out, err
	}},

	"CREATEACCOUNT": {true, func(x *execution) (dataformat.Value, error) {
		address := x.address()
		for _, kind := range []string{"MultiMailbox", "TextMailbox", "MailDirMailbox", "SlicedMailbox", "AGrade", "BGrade", "CGrade"} {
			x.keyword(kind)
		}
		if x.keyword("PATH") {
			x.str()
		}
		x.keyword("LEGACY")
		var settings dataformat.Dict
		if x.dictNext() {
			settings = x.dict()
		}
		if err := x.end(); err != nil {
			return nil, err
		}
		if err := x.admin(); err != nil {
			return nil, err
		}
		return nil, x.tx.CreateAccount(address, settings)
	}},
	"DELETEACCOUNT": {true, func(x *execution) (dataformat.Value, error) {
		a, err := x.account(true)
		if err != nil {
			return nil, err
		}
		x.server.opts.KillSessions(a.Address())
		return nil, x.tx.DeleteAccount(a.Address())
	}},
	"GETACCOUNTSETTINGS":          {false, accountSettings},
	"GETACCOUNTEFFECTIVESETTINGS": {false, accountSettings},
	"UPDATEACCOUNTSETTINGS":       {true, func(x *execution) (dataformat.Value, error) { return nil, x.changeAccount(false) }},
	"SETACCOUNTSETTINGS":          {true, func(x *execution) (dataformat.Value, error) { return nil, x.changeAccount(true) }},
	"SETACCOUNTPASSWORD": {true, func(x *execution) (dataformat.Value, error) {
		a, err := x.account(false)
		if err != nil {
			return nil, err
		}
		if !x.keyword("TO") {
			x.need("PASSWORD")
		}
		password := x.str()
		if x.keyword("METHOD") {
			x.str()
		}
		x.keyword("CHECK")
		if err := x.end(); err != nil {
			return nil, err
		}
		return nil, x.tx.SetPassword(a.Address(), password)
	}},
	"VERIFYACCOUNTPASSWORD": {false, func(x *execution) (dataformat.Value, error) {
		a, err := x.account(true)
		if err != nil {
			return nil, err
		}
		x.need("PASSWORD")
		password := x.str()
		if err := x.end(); err != nil {
			return nil, err
		}
		_, err = x.tx.CheckPassword(a.Address(), password)
		return nil, err
	}},
	"GETACCOUNTRIGHTS": {false, func(x *execution) (dataformat.Value, error) {
		a, err := x.account(false)
		return strs(a.Rights), err
	}},
	"SETACCOUNTRIGHTS": {true, func(x *execution) (dataformat.Value, error) {
		a, err := x.account(true)
		if err != nil {
			return nil, err
		}
		rights := x.array()
		if err := x.end(); err != nil {
			return nil, err
		}
		return nil, x.tx.SetRights(a.Address(), rights.Strings())
	}},
	"GETACCOUNTMAILRULES": {false, func(x *execution) (dataformat.Value, error) {
		a, err := x.account(false)
		return a.Rules, err
	}},
	"SETACCOUNTMAILRULES": {true, func(x *execution) (dataformat.Value, error) {
		a, err := x.account(false)
		if err != nil {
			return nil, err
		}
		rules := x.array()
		if err := x.end(); err != nil {
			return nil, err
		}
		return nil, x.tx.SetRules(a.Address(), rules)
	}},
	"GETACCOUNTPREFS": {false, func(x *execution) (dataformat.Value, error) {
		a, err := x.account(false)
		return a.Prefs, err
	}},
	"UPDATEACCOUNTPREFS": {true, func(x *execution) (dataformat.Value, error) {
		a, err := x.account(false)
		if err != nil {
			return nil, err
		}
		change := x.dict()
		if err := x.end(); err != nil {
			return nil, err
		}
		return nil, x.tx.UpdatePrefs(a.Address(), change, false)
	}},
	"KILLACCOUNTSESSIONS": {false, func(x *execution) (dataformat.Value, error) {
		a, err := x.account(true)
		if err == nil {
			x.server.opts.KillSessions(a.Address())
		}
		return nil, err
	}},
	"CREATEXIMSSSESSION": {false, func(x *execution) (dataformat.Value, error) {
		a, err := x.account(true)
		if err != nil {
			return nil, err
		}
		x.need("ADDRESS")
		x.value()
		if x.keyword("FOR") {
			x.value()
		}
		if err := x.end(); err != nil {
			return nil, err
		}
		return x.server.opts.OpenSession(a)
	}},

	"LISTMAILBOXES": {false, func(x *execution) (dataformat.Value, error) {
		a, err := x.account(false)
		if err != nil {
			return nil, err
		}
		if x.keyword("FILTER") {
			x.str()
		}
		if err := x.end(); err != nil {
			return nil, err
		}
		boxes, err := x.tx.Mailboxes(a)
		out := dataformat.Dict{}
		for _, m := range boxes {
			out[m.Name] = mailboxInfo(m)
		}
		return out, err
	}},
	"CREATEMAILBOX": {true, func(x *execution) (dataformat.Value, error) {
		a, name, err := x.mailbox()
		if err != nil {
			return nil, err
		}
		class := ""
		if x.keyword("CLASS") {
			class = x.str()
		}
		if err := x.end(); err != nil {
			return nil, err
		}
		return nil, x.tx.CreateMailbox(a, name, class)
	}},
	"DELETEMAILBOX": {true, func(x *execution) (dataformat.Value, error) {
		m, err := x.existingMailbox()
		if err != nil {
			return nil, err
		}
		return nil, x.tx.DeleteMailbox(m)
	}},
	"GETMAILBOXINFO": {false, func(x *execution) (dataformat.Value, error) {
		m, err := x.existingMailbox()
		return mailboxInfo(m), err
	}},
	"SETMAILBOXCLASS": {true, func(x *execution) (dataformat.Value, error) {
		m, err := x.existingMailbox()
		if err != nil {
			return nil, err
		}
		x.need("CLASS")
		class := x.str()
		if err := x.end(); err != nil {
			return nil, err
		}
		return nil, x.tx.SetClass(m, class)
	}},
	"GETMAILBOXACL": {false, func(x *execution) (dataformat.Value, error) {
		m, err := x.existingMailbox()
		return m.ACL, err
	}},
	"SETMAILBOXACL": {true, func(x *execution) (dataformat.Value, error) {
		m, err := x.existingMailbox()
		if err != nil {
			return nil, err
		}
		acl := x.dict()
		if err := x.end(); err != nil {
			return nil, err
		}
		return nil, x.tx.UpdateACL(m, acl)
	}},
	"GETMAILBOXRIGHTS": {false, func(x *execution) (dataformat.Value, error) {
		m, err := x.existingMailbox()
		if err != nil {
			return nil, err
		}
		x.need("AUTH")
		auth := x.address()
		if err := x.end(); err != nil {
			return nil, err
		}
		who, err := x.tx.Account(auth)
		return m.Rights(who), err
	}},
}

func mailboxInfo(m backend.Mailbox) dataformat.Dict {
	d := dataformat.Dict{"Messages": m.Messages, "UIDNext": m.UIDNext, "UIDValidity": m.UIDValidity, "Unseen": int64(0)}
	if m.Class != "" {
		d["Class"] = m.Class
	}
	return d
}

func domainSettings(x *execution) (dataformat.Value, error) {
	name := x.who.Domain
	if x.rest != "" {
		name = x.str()
	}
	if err := x.end(); err != nil {
		return nil, err
	}
	if err := x.admin(); err != nil {
		return nil, err
	}
	return x.tx.DomainSettings(name)
}

func (x *execution) changeDomain(replace bool) error {
	name := x.who.Domain
	if !x.dictNext() {
		name = x.str()
	}
	change := x.dict()
	if err := x.end(); err != nil {
		return err
	}
	if err := x.admin(); err != nil {
		return err
	}
	return x.tx.UpdateDomainSettings(name, change, replace)
}

func accountSettings(x *execution) (dataformat.Value, error) {
	a, err := x.account(false)
	return a.Settings, err
}

func (x *execution) changeAccount(replace bool) error {
	a, err := x.account(true)
	if err != nil {
		return err
	}
	change := x.dict()
	if err := x.end(); err != nil {
		return err
	}
	return x.tx.UpdateSettings(a.Address(), change, replace)
}
