package cliserver

import (
	"strings"

	"rmp/communigate/dataformat"
)

// Groups and forwarders.
var nameCommands = []command{
	{"LISTGROUPS", false, func(x *execution) (answer, error) {
		domain := x.optionalDomain()
		if err := or(x.end(), x.may(domain, "CanCreateGroups")); err != nil {
			return nil, err
		}
		list, err := x.tx.Groups(domain)
		return strs(list), err
	}},
	{"CREATEGROUP", true, func(x *execution) (answer, error) {
		name, err := x.named("CanCreateGroups")
		settings := x.optionalDict()
		if err := or(err, x.end()); err != nil {
			return nil, err
		}
		return nil, x.tx.CreateGroup(name, settings)
	}},
	{"RENAMEGROUP", true, func(x *execution) (answer, error) {
		name, into, err := x.renamed("CanCreateGroups")
		if err != nil {
			return nil, err
		}
		return nil, x.tx.ChangeGroup(name, into)
	}},
	{"DELETEGROUP", true, func(x *execution) (answer, error) {
		name, err := x.named("CanCreateGroups")
		if err := or(err, x.end()); err != nil {
			return nil, err
		}
		return nil, x.tx.ChangeGroup(name, "")
	}},
	{"GETGROUP", false, func(x *execution) (answer, error) {
		name, err := x.named("CanCreateGroups")
		if err := or(err, x.end()); err != nil {
			return nil, err
		}
		return x.tx.Group(name)
	}},
	{"SETGROUP", true, func(x *execution) (answer, error) {
		name, err := x.named("CanCreateGroups")
		if err != nil {
			return nil, err
		}
		settings := x.dict()
		if err := x.end(); err != nil {
			return nil, err
		}
		return nil, x.tx.SetGroup(name, settings)
	}},
	{"LISTFORWARDERS", false, func(x *execution) (answer, error) {
		domain := x.optionalDomain()
		if err := or(x.end(), x.may(domain, "CanCreateForwarders")); err != nil {
			return nil, err
		}
		list, err := x.tx.Forwarders(domain)
		return strs(list), err
	}},
	{"CREATEFORWARDER", true, func(x *execution) (answer, error) {
		name, err := x.named("CanCreateForwarders")
		if err != nil {
			return nil, err
		}
		x.need("TO")
		to := x.str()
		if err := x.end(); err != nil {
			return nil, err
		}
		return nil, x.tx.CreateForwarder(name, to)
	}},
	{"RENAMEFORWARDER", true, func(x *execution) (answer, error) {
		name, into, err := x.renamed("CanCreateForwarders")
		if err != nil {
			return nil, err
		}
		return nil, x.tx.ChangeForwarder(name, into)
	}},
	{"DELETEFORWARDER", true, func(x *execution) (answer, error) {
		name, err := x.named("CanCreateForwarders")
		if err := or(err, x.end()); err != nil {
			return nil, err
		}
		return nil, x.tx.ChangeForwarder(name, "")
	}},
	{"GETFORWARDER", false, func(x *execution) (answer, error) {
		name, err := x.named("CanCreateForwarders")
		if err := or(err, x.end()); err != nil {
			return nil, err
		}
		return x.tx.Forwarder(name)
	}},
	{"FINDFORWARDERS", false, func(x *execution) (answer, error) {
		domain := strings.ToLower(x.str())
		x.need("TO")
		to := x.str()
		if err := or(x.end(), x.may(domain, "CanCreateForwarders")); err != nil {
			return nil, err
		}
		_, forwarders, err := x.tx.DomainNames(domain)
		out := dataformat.Array{}
		for _, n := range sorted(forwarders) {
			if strings.EqualFold(forwarders[n], to) {
				out = append(out, n)
			}
		}
		return out, err
	}},
}

// named reads the name of a group or forwarder and checks the right to it.
func (x *execution) named(right string) (string, error) {
	name := x.address()
	if x.err != nil {
		return "", x.err
	}
	_, domain, _ := strings.Cut(name, "@")
	return name, x.may(domain, right)
}

func (x *execution) renamed(right string) (name, into string, err error) {
	if name, err = x.named(right); err != nil {
		return "", "", err
	}
	x.need("INTO")
	if into, err = x.named(right); err != nil {
		return "", "", err
	}
	return name, into, x.end()
}
