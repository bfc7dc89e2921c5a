package cliserver

import (
	"slices"
	"strconv"
	"strings"

	"rmp/communigate/dataformat"
	"rmp/communigate/standin/backend"
)

type answer = dataformat.Value

var domainCommands = []command{
	{"LISTDOMAINS", false, func(x *execution) (answer, error) {
		list, err := x.tx.Domains()
		return strs(list), or(x.end(), err)
	}},
	{"MAINDOMAINNAME", false, func(x *execution) (answer, error) { return x.server.b.MainDomain(), x.end() }},
	{"LISTADMINDOMAINS", false, func(x *execution) (answer, error) {
		domain := x.optionalDomain()
		if err := or(x.end(), x.may(domain, "BasicSettings")); err != nil {
			return nil, err
		}
		return strs([]string{domain}), nil
	}},
	{"CREATEDOMAIN", true, func(x *execution) (answer, error) {
		name := x.str()
		x.keyword("SHARED")
		if x.keyword("PATH") {
			x.str()
		}
		settings := x.optionalDict()
		if err := or(x.end(), x.admin()); err != nil {
			return nil, err
		}
		return nil, x.tx.CreateDomain(name, settings)
	}},
	{"RENAMEDOMAIN", true, func(x *execution) (answer, error) {
		old := x.str()
		x.need("INTO")
		into := x.str()
		if x.keyword("PATH") {
			x.str()
		}
		if err := or(x.end(), x.admin()); err != nil {
			return nil, err
		}
		return nil, x.tx.RenameDomain(old, into)
	}},
	{"DELETEDOMAIN", true, func(x *execution) (answer, error) {
		name, force := x.str(), x.keyword("FORCE")
		if err := or(x.end(), x.admin()); err != nil {
			return nil, err
		}
		return nil, x.tx.DeleteDomain(name, force)
	}},
	{"GETDOMAINSETTINGS", false, func(x *execution) (answer, error) {
		domain := x.optionalDomain()
		if err := or(x.end(), x.may(domain, "BasicSettings")); err != nil {
			return nil, err
		}
		return x.tx.DomainSettings(domain)
	}},
	{"GETDOMAINEFFECTIVESETTINGS", false, func(x *execution) (answer, error) {
		domain := x.optionalDomain()
		if err := or(x.end(), x.may(domain, "BasicSettings")); err != nil {
			return nil, err
		}
		return x.tx.EffectiveDomainSettings(domain)
	}},
	{"UPDATEDOMAINSETTINGS", true, func(x *execution) (answer, error) { return nil, x.changeDomain(false) }},
	{"SETDOMAINSETTINGS", true, func(x *execution) (answer, error) { return nil, x.changeDomain(true) }},
	{"GETDOMAINALIASES", false, func(x *execution) (answer, error) {
		domain := x.optionalDomain()
		if err := or(x.end(), x.may(domain, "BasicSettings")); err != nil {
			return nil, err
		}
		list, err := x.tx.DomainAliases(domain)
		return strs(list), err
	}},
	{"SETDOMAINALIASES", true, func(x *execution) (answer, error) {
		domain, list := x.str(), x.array()
		if err := or(x.end(), x.admin()); err != nil {
			return nil, err
		}
		return nil, x.tx.SetDomainAliases(domain, list.Strings())
	}},
	{"GETDOMAINLOCATION", false, func(x *execution) (answer, error) {
		domain := x.optionalDomain()
		if err := or(x.end(), x.may(domain, "BasicSettings")); err != nil {
			return nil, err
		}
		_, err := x.tx.DomainSettings(domain)
		return "Domains/" + domain, err
	}},
	{"SUSPENDDOMAIN", true, func(x *execution) (answer, error) { return nil, x.suspend(true) }},
	{"RESUMEDOMAIN", true, func(x *execution) (answer, error) { return nil, x.suspend(false) }},
	{"LISTACCOUNTS", false, func(x *execution) (answer, error) {
		domain := x.optionalDomain()
		if err := or(x.end(), x.may(domain, "BasicSettings")); err != nil {
			return nil, err
		}
		names, err := x.tx.Accounts(domain)
		out := dataformat.Dict{}
		for _, n := range names {
			out[n] = extension
		}
		return out, err
	}},
	{"LISTDOMAINOBJECTS", false, (*execution).listDomainObjects},
}

// extension is the file extension of accounts of the usual type.
const extension = "macnt"

// or is the first of the errors.
func or(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// optionalDomain reads a domain that may be left out: one's own.
func (x *execution) optionalDomain() string {
	if x.rest == "" || x.dictNext() || x.err != nil {
		return x.who.Domain
	}
	return strings.ToLower(x.str())
}

func (x *execution) optionalDict() dataformat.Dict {
	if x.err != nil || !x.dictNext() {
		return nil
	}
	return x.dict()
}

func (x *execution) changeDomain(replace bool) error {
	domain, change := x.optionalDomain(), x.dict()
	if err := or(x.end(), x.may(domain, "BasicSettings")); err != nil {
		return err
	}
	return x.tx.UpdateDomainSettings(domain, change, replace)
}

func (x *execution) suspend(on bool) error {
	domain := x.str()
	if err := or(x.end(), x.admin()); err != nil {
		return err
	}
	scope, err := x.tx.DomainScope(domain)
	if err != nil {
		return err
	}
	return x.tx.SetProperty(scope, "suspended", map[bool]string{true: "YES", false: "NO"}[on])
}

// listDomainObjects pages through accounts, aliases and forwarders by name:
// the cookie is the last name that was answered.
func (x *execution) listDomainObjects() (answer, error) {
	domain := strings.ToLower(x.str())
	filter, paged, cookie := "", false, ""
	what := map[string]bool{}
	limit := 0
	for x.err == nil && x.rest != "" {
		switch {
		case x.keyword("FILTER"):
			filter = strings.ToLower(x.str())
		case x.keyword("COOKIE"):
			if paged = true; x.rest != "" { // the vendor's Java client writes an empty one as nothing
				cookie = x.str()
			}
		case x.keyword("ACCOUNTS"):
			what["accounts"] = true
		case x.keyword("ALIASES"):
			what["aliases"] = true
		case x.keyword("FORWARDERS"):
			what["forwarders"] = true
		default:
			n, err := strconv.Atoi(x.text("the limit"))
			if err != nil || n < 0 {
				x.err = &backend.Error{Num: 500, Text: "failed to read the limit"}
			}
			limit = n
		}
	}
	if err := or(x.end(), x.may(domain, "BasicSettings")); err != nil {
		return nil, err
	}
	accounts, err := x.tx.Accounts(domain)
	if err != nil {
		return nil, err
	}
	aliases, forwarders, err := x.tx.DomainNames(domain)
	if err != nil {
		return nil, err
	}
	all := dataformat.Dict{}
	var names []string
	add := func(kind, name string, v answer) {
		if what[kind] && strings.Contains(name, filter) && name > cookie {
			all[name] = v
			names = append(names, name)
		}
	}
	for _, n := range accounts {
		add("accounts", n, extension)
	}
	for n, owner := range aliases {
		add("aliases", n, dataformat.Array{owner})
	}
	for n, to := range forwarders {
		add("forwarders", n, dataformat.Array{dataformat.Array{to}})
	}
	slices.Sort(names)
	next := ""
	if limit > 0 && len(names) > limit {
		names = names[:limit]
		next = names[limit-1]
	}
	out := dataformat.Dict{}
	for _, n := range names {
		out[n] = all[n]
	}
	reply := dataformat.Array{strconv.Itoa(len(accounts)), out, strconv.Itoa(len(aliases)), strconv.Itoa(len(forwarders))}
	if paged {
		reply = append(reply, next)
	}
	return reply, nil
}

// text reads an argument that is a string or a number.
func (a *arguments) text(what string) string {
	switch v := a.value().(type) {
	case string:
		return v
	case int64:
		return strconv.FormatInt(v, 10)
	}
	if a.err == nil {
		a.err = &backend.Error{Num: 500, Text: "failed to read " + what}
	}
	return ""
}
