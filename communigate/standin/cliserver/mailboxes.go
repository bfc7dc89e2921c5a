package cliserver

import (
	"strings"

	"rmp/communigate/dataformat"
	"rmp/communigate/standin/backend"
)

var mailboxCommands = []command{
	{"LISTMAILBOXES", false, (*execution).listMailboxes},
	{"CREATEMAILBOX", true, (*execution).createMailbox},
	{"DELETEMAILBOX", true, func(x *execution) (answer, error) {
		a, err := x.account(true, "BasicSettings")
		if err != nil {
			return nil, err
		}
		with := x.keyword("MAILBOXES")
		if !with {
			x.need("MAILBOX")
		}
		name := x.str()
		auth, _, err := x.options(a)
		if err != nil {
			return nil, err
		}
		m, err := x.existing(a, name, auth, "x")
		if err != nil {
			return nil, err
		}
		return nil, x.each(m, with, func(m backend.Mailbox) error { return x.tx.DeleteMailbox(m) })
	}},
	{"RENAMEMAILBOX", true, func(x *execution) (answer, error) {
		a, err := x.account(true, "BasicSettings")
		if err != nil {
			return nil, err
		}
		with := x.keyword("MAILBOXES")
		if !with {
			x.need("MAILBOX")
		}
		name := x.str()
		x.need("INTO")
		into := x.str()
		auth, _, err := x.options(a)
		if err != nil {
			return nil, err
		}
		m, err := x.existing(a, name, auth, "x")
		if err != nil {
			return nil, err
		}
		return nil, x.each(m, with, func(o backend.Mailbox) error {
			return x.tx.RenameMailbox(o, into+strings.TrimPrefix(o.Name, m.Name))
		})
	}},
	{"GETMAILBOXINFO", false, func(x *execution) (answer, error) {
		m, err := x.mailbox("r")
		if err != nil {
			return nil, err
		}
		return x.info(m)
	}},
	{"GETMAILBOXACL", false, func(x *execution) (answer, error) {
		m, err := x.mailbox("a")
		return m.ACL, err
	}},
	{"SETMAILBOXACL", true, func(x *execution) (answer, error) {
		a, name, err := x.mailboxName()
		if err != nil {
			return nil, err
		}
		var auth *backend.Account
		if x.keyword("AUTH") {
			if auth, err = x.authAccount(); err != nil {
				return nil, err
			}
		}
		acl := x.dict()
		if err := x.end(); err != nil {
			return nil, err
		}
		m, err := x.existing(a, name, auth, "a")
		if err != nil {
			return nil, err
		}
		return nil, x.tx.UpdateACL(m, acl)
	}},
	{"GETMAILBOXRIGHTS", false, func(x *execution) (answer, error) {
		a, name, err := x.mailboxName()
		if err != nil {
			return nil, err
		}
		x.need("AUTH")
		who, err := x.authAccount()
		if err := or(err, x.end()); err != nil {
			return nil, err
		}
		m, err := x.tx.Mailbox(a, name)
		return m.Rights(*who), err
	}},
	{"SETMAILBOXCLASS", true, func(x *execution) (answer, error) {
		a, name, err := x.mailboxName()
		if err != nil {
			return nil, err
		}
		class, positional := "", false
		if x.server.b.Mode() != backend.Strict && strings.HasPrefix(x.rest, `"`) {
			class, positional = x.str(), true
		}
		auth, given, err := x.options(a)
		if err != nil {
			return nil, err
		}
		if !positional {
			if class = given; class == "" {
				return nil, &backend.Error{Num: 500, Text: "the keyword CLASS is missing"}
			}
		}
		m, err := x.existing(a, name, auth, "a")
		if err != nil {
			return nil, err
		}
		return nil, x.tx.SetClass(m, class)
	}},
	{"GETACCOUNTACL", false, func(x *execution) (answer, error) {
		a, err := x.account(true, "BasicSettings")
		if err != nil {
			return nil, err
		}
		if _, _, err := x.options(a); err != nil {
			return nil, err
		}
		return x.tx.Dict(a.Scope(), "acl")
	}},
	{"SETACCOUNTACL", true, func(x *execution) (answer, error) {
		a, err := x.account(true, "BasicSettings")
		if err != nil {
			return nil, err
		}
		if x.keyword("AUTH") {
			if _, err := x.authAccount(); err != nil {
				return nil, err
			}
		}
		change := x.dict()
		if err := x.end(); err != nil {
			return nil, err
		}
		old, err := x.tx.Dict(a.Scope(), "acl")
		if err != nil {
			return nil, err
		}
		acl, err := backend.EditACL(old, change)
		if err != nil {
			return nil, err
		}
		return nil, x.tx.SetProperty(a.Scope(), "acl", acl)
	}},
	{"GETACCOUNTACLRIGHTS", false, func(x *execution) (answer, error) {
		a, err := x.account(true, "BasicSettings")
		if err != nil {
			return nil, err
		}
		x.need("AUTH")
		who, err := x.authAccount()
		if err := or(err, x.end()); err != nil {
			return nil, err
		}
		acl, err := x.tx.Dict(a.Scope(), "acl")
		return backend.Mailbox{Owner: a, ACL: acl}.Rights(*who), err
	}},
}

// mailboxName reads an account, MAILBOX and a name. In the modes Seed and
// Lenient the keyword may be left out in front of a quoted name.
func (x *execution) mailboxName() (backend.Account, string, error) {
	a, err := x.account(true, "BasicSettings")
	if err != nil {
		return a, "", err
	}
	if !x.keyword("MAILBOX") && !(x.server.b.Mode() != backend.Strict && strings.HasPrefix(x.rest, `"`)) {
		x.need("MAILBOX")
	}
	return a, x.str(), x.err
}

// options reads AUTH and CLASS, in any order, to the end of the line.
func (x *execution) options(backend.Account) (auth *backend.Account, class string, err error) {
	for x.err == nil && x.rest != "" {
		switch {
		case x.keyword("AUTH"):
			if auth, err = x.authAccount(); err != nil {
				return nil, "", err
			}
		case x.keyword("CLASS"):
			class = x.str()
		default:
			return nil, "", x.end()
		}
	}
	return auth, class, x.err
}

// authAccount reads the account on whose behalf a command is to run.
func (x *execution) authAccount() (*backend.Account, error) {
	address := x.address()
	if x.err != nil {
		return nil, x.err
	}
	a, err := x.tx.Account(address)
	return &a, err
}

// existing finds a mailbox and checks the rights of who the command runs for,
// if it is named.
func (x *execution) existing(a backend.Account, name string, auth *backend.Account, rights string) (backend.Mailbox, error) {
	m, err := x.tx.Mailbox(a, name)
	if err != nil || auth == nil {
		return m, err
	}
	return m, m.Need(*auth, rights)
}

func (x *execution) mailbox(rights string) (backend.Mailbox, error) {
	a, name, err := x.mailboxName()
	if err != nil {
		return backend.Mailbox{}, err
	}
	auth, _, err := x.options(a)
	if err != nil {
		return backend.Mailbox{}, err
	}
	return x.existing(a, name, auth, rights)
}

// each runs fn for a mailbox, and for those below it.
func (x *execution) each(m backend.Mailbox, with bool, fn func(backend.Mailbox) error) error {
	list := []backend.Mailbox{m}
	if with {
		below, err := x.tx.Below(m)
		if err != nil {
			return err
		}
		list = append(list, below...)
	}
	for _, m := range list {
		if err := fn(m); err != nil {
			return err
		}
	}
	return nil
}

func (x *execution) createMailbox() (answer, error) {
	a, name, err := x.mailboxName()
	if err != nil {
		return nil, err
	}
	auth, class, err := x.options(a)
	if err != nil {
		return nil, err
	}
	if auth != nil && auth.ID != a.ID {
		outer := name[:max(strings.LastIndexByte(strings.TrimSuffix(name, "/"), '/'), 0)]
		if outer == "" {
			return nil, backend.ErrDenied
		}
		if _, err := x.existing(a, outer, auth, "k"); err != nil {
			return nil, err
		}
	}
	return nil, x.tx.CreateMailbox(a, name, class)
}

func (x *execution) info(m backend.Mailbox) (dataformat.Dict, error) {
	messages, unseen, size, err := x.tx.Totals(m)
	d := dataformat.Dict{"Messages": messages, "UIDNext": m.UIDNext, "UIDValidity": m.UIDValidity, "Unseen": unseen, "Size": size}
	if m.Class != "" {
		d["Class"] = m.Class
	}
	return d, err
}

// listMailboxes answers a dictionary for a mailbox, () for one that may not
// be opened, and an array of one of these for what has mailboxes below it.
func (x *execution) listMailboxes() (answer, error) {
	a, err := x.account(true, "BasicSettings")
	if err != nil {
		return nil, err
	}
	filter := "*"
	if x.keyword("FILTER") {
		filter = x.str()
	}
	auth, _, err := x.options(a)
	if err != nil {
		return nil, err
	}
	boxes, err := x.tx.Mailboxes(a)
	if err != nil {
		return nil, err
	}
	out := dataformat.Dict{}
	outer := map[string]bool{}
	for _, m := range boxes {
		for i, c := range m.Name {
			if c == '/' && i > 0 {
				outer[m.Name[:i]] = true
			}
		}
	}
	for _, m := range boxes {
		name := strings.TrimSuffix(m.Name, "/")
		if !backend.Wildcard(filter, name) || auth != nil && !strings.Contains(m.Rights(*auth), "l") {
			continue
		}
		var v answer = dataformat.Array{}
		if name == m.Name && (auth == nil || strings.Contains(m.Rights(*auth), "r")) {
			if v, err = x.info(m); err != nil {
				return nil, err
			}
		}
		if outer[name] && name == m.Name {
			v = dataformat.Array{v}
		}
		if _, both := out[name]; !both || name == m.Name {
			out[name] = v
		}
	}
	for name := range outer {
		if _, ok := out[name]; !ok && auth == nil && backend.Wildcard(filter, name) {
			out[name] = dataformat.Array{}
		}
	}
	return out, nil
}
