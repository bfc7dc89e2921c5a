package cliserver

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"rmp/communigate/dataformat"
	"rmp/communigate/standin/backend"
)

func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

const serverVersion = "6.3.39"

var serverCommands = []command{
	{"NOOP", false, func(x *execution) (answer, error) { return nil, x.end() }},
	{"ECHO", false, func(x *execution) (answer, error) { v := x.value(); return v, x.end() }},
	{"GETVERSION", false, func(x *execution) (answer, error) { return serverVersion, x.end() }},
	{"GETCURRENTTIME", false, func(x *execution) (answer, error) {
		return dataformat.Timestamp{Time: time.Now().UTC().Truncate(time.Second)}, x.end()
	}},
	{"GETSYSTEMINFO", false, func(x *execution) (answer, error) {
		what := x.str()
		if err := or(x.end(), x.admin()); err != nil {
			return nil, err
		}
		switch what {
		case "serverVersion":
			return serverVersion, nil
		case "mainDomainName":
			return x.server.b.MainDomain(), nil
		case "serverOS":
			return "stand-in", nil
		}
		return nil, &backend.Error{Num: 501, Text: "illegal system information name"}
	}},
	{"LISTMODULES", false, func(x *execution) (answer, error) {
		return strs([]string{"CLI", "HTTPU", "PWD", "XIMSS"}), or(x.end(), x.admin())
	}},
	{"GETMODULE", false, func(x *execution) (answer, error) {
		name := x.str()
		if err := or(x.end(), x.admin()); err != nil {
			return nil, err
		}
		return x.tx.Dict(backend.ServerScope, "module "+name)
	}},
	{"SETMODULE", true, func(x *execution) (answer, error) { return nil, x.changeModule(true) }},
	{"UPDATEMODULE", true, func(x *execution) (answer, error) { return nil, x.changeModule(false) }},
	{"GETACCOUNTSTAT", false, func(x *execution) (answer, error) {
		_, err := x.account(true, "BasicSettings")
		if err != nil {
			return nil, err
		}
		stats := dataformat.Dict{}
		for _, k := range []string{"MessagesReceived", "BytesReceived", "MessagesSent", "BytesSent", "CallsReceived", "CallsSent", "Logins"} {
			stats[k] = int64(0)
		}
		if x.keyword("KEY") {
			v, ok := stats[x.str()]
			if !ok {
				return nil, &backend.Error{Num: 501, Text: "illegal statistics name"}
			}
			return v, x.end()
		}
		return stats, x.end()
	}},
	{"RESETACCOUNTSTAT", false, func(x *execution) (answer, error) {
		_, err := x.account(false, "BasicSettings")
		if x.keyword("KEY") {
			x.str()
		}
		return nil, or(err, x.end())
	}},
	{"SHUTDOWN", false, func(x *execution) (answer, error) {
		return nil, or(x.end(), x.admin(), backend.ErrNotAllowed) // it belongs to who started it
	}},
}

func (x *execution) changeModule(replace bool) error {
	name, d := x.str(), x.dict()
	if err := or(x.end(), x.admin()); err != nil {
		return err
	}
	return x.tx.UpdateProperty(backend.ServerScope, "module "+name, d, replace)
}

var sessionCommands = []command{
	{"CREATEXIMSSSESSION", false, (*execution).createSession},
	{"CREATEWEBUSERSESSION", false, (*execution).createSession},
	{"FINDACCOUNTSESSION", false, func(x *execution) (answer, error) {
		list, err := x.sessionsOf()
		if err == nil && len(list) == 0 {
			err = &backend.Error{Num: 525, Text: "session is not found"}
		}
		if err != nil {
			return nil, err
		}
		return list[0], nil
	}},
	{"LISTACCOUNTSESSIONS", false, func(x *execution) (answer, error) {
		list, err := x.sessionsOf()
		return strs(list), err
	}},
	{"GETSESSION", false, func(x *execution) (answer, error) {
		owner, err := x.session()
		if err != nil {
			return nil, err
		}
		name, domain, _ := strings.Cut(owner, "@")
		return dataformat.Dict{"accountName": name, "domainName": domain}, nil
	}},
	{"KILLSESSION", false, func(x *execution) (answer, error) {
		id := strings.Trim(strings.SplitN(x.rest, " ", 2)[0], `"`)
		if _, err := x.session(); err != nil {
			return nil, err
		}
		x.server.opts.KillSession(id)
		return nil, nil
	}},
	{"KILLACCOUNTSESSIONS", false, func(x *execution) (answer, error) {
		a, err := x.account(false, "CanCreateWebUserSessions")
		if err := or(err, x.end()); err != nil {
			return nil, err
		}
		x.server.opts.KillSessions(a.Address())
		return nil, nil
	}},
}

// createSession opens a session for an account without its password.
func (x *execution) createSession() (answer, error) {
	a, err := x.account(false, "CanCreateWebUserSessions")
	if err != nil {
		return nil, err
	}
	x.need("ADDRESS")
	x.ip()
	if x.keyword("FOR") {
		x.ip()
	}
	_ = x.keyword("WML") || x.keyword("IMode")
	if x.keyword("SKIN") {
		x.str()
	}
	if err := x.end(); err != nil {
		return nil, err
	}
	return x.server.opts.OpenSession(a)
}

// ip reads an address: in brackets, as clients write it bare, or any object.
func (x *execution) ip() {
	if strings.HasPrefix(x.rest, "[") {
		if _, rest, ok := strings.Cut(x.rest, "]"); ok {
			x.rest = strings.TrimLeft(rest, " \t")
			return
		}
	}
	x.value()
}

func (x *execution) sessionsOf() ([]string, error) {
	a, err := x.account(false, "CanCreateWebUserSessions")
	if err != nil {
		return nil, err
	}
	for x.err == nil && x.rest != "" {
		found := false
		for _, word := range []string{"ADDRESS", "FOR", "PROTOCOL", "TRANSPORT", "CLIENT"} {
			if x.keyword(word) {
				x.ip()
				found = true
			}
		}
		if !found {
			break
		}
	}
	return x.server.opts.Sessions(a.Address()), x.end()
}

// session reads a session's id and answers whose it is.
func (x *execution) session() (string, error) {
	id := x.str()
	if x.keyword("DOMAIN") {
		x.str()
	}
	if err := x.end(); err != nil {
		return "", err
	}
	owner, ok := x.server.opts.SessionOwner(id)
	if !ok {
		return "", &backend.Error{Num: 525, Text: "session is not found"}
	}
	_, domain, _ := strings.Cut(owner, "@")
	return owner, x.may(domain, "CanCreateWebUserSessions")
}

var fileCommands = []command{
	{"READSTORAGEFILE", false, func(x *execution) (answer, error) {
		a, name, err := x.file()
		if err != nil {
			return nil, err
		}
		offset, size := 0, -1
		for x.err == nil && x.rest != "" {
			switch {
			case x.keyword("OFFSET"):
				offset, _ = strconv.Atoi(x.text("the offset"))
			case x.keyword("SIZE"):
				size, _ = strconv.Atoi(x.text("the size"))
			case x.keyword("AUTH"):
				x.address()
			default:
				return nil, x.end()
			}
		}
		if err := x.end(); err != nil {
			return nil, err
		}
		f, err := x.tx.File(a, name)
		if err != nil {
			return nil, err
		}
		total := int64(len(f.Data))
		part := f.Data[min(max(offset, 0), len(f.Data)):]
		if size >= 0 {
			part = part[:min(size, len(part))]
		}
		return dataformat.Array{dataformat.Datablock(part), dataformat.Timestamp{Time: f.Modified}, total}, nil
	}},
	{"WRITESTORAGEFILE", true, (*execution).writeFile},
	{"DELETESTORAGEFILE", true, func(x *execution) (answer, error) {
		a, name, err := x.file()
		if x.keyword("AUTH") {
			x.address()
		}
		if err := or(err, x.end()); err != nil {
			return nil, err
		}
		return nil, x.tx.RemoveFile(a, name)
	}},
	{"LISTSTORAGEFILES", false, func(x *execution) (answer, error) {
		a, err := x.account(true, "BasicSettings")
		if err != nil {
			return nil, err
		}
		prefix := ""
		if x.keyword("PATH") {
			prefix = x.str()
		}
		if x.keyword("AUTH") {
			x.address()
		}
		if err := x.end(); err != nil {
			return nil, err
		}
		list, sizes, err := x.tx.Files(a, prefix)
		out := dataformat.Dict{}
		for _, f := range list {
			out[f.Name] = dataformat.Dict{"STFileSize": sizes[f.Name], "STModified": dataformat.Timestamp{Time: f.Modified}}
		}
		return out, err
	}},
}

func (x *execution) file() (backend.Account, string, error) {
	a, err := x.account(true, "BasicSettings")
	if err != nil {
		return a, "", err
	}
	x.need("FILE")
	return a, x.str(), x.err
}

func (x *execution) writeFile() (answer, error) {
	a, name, err := x.file()
	if err != nil {
		return nil, err
	}
	where, data := "NEW", dataformat.Datablock(nil)
	for x.err == nil && x.rest != "" {
		switch {
		case x.keyword("OFFSET"):
			where = strings.ToUpper(x.text("the offset"))
		case x.keyword("AUTH"):
			x.address()
		case x.keyword("DATA"):
			data = next[dataformat.Datablock](x.arguments, "a datablock parameter")
		default:
			return nil, x.end()
		}
	}
	if err := x.end(); err != nil {
		return nil, err
	}
	f, err := x.tx.File(a, name)
	if err != nil && err != backend.ErrNoFile { //nolint:errorlint // made by the backend, never wrapped
		return nil, err
	}
	missing := err != nil
	switch where {
	case "NEW":
		f.Data = data
	case "BEG":
		f.Data = append(slices.Clone(data), f.Data[min(len(data), len(f.Data)):]...)
	case "END":
		f.Data = append(f.Data, data...)
	default:
		offset, err := strconv.Atoi(where)
		if err != nil || offset < 0 || offset > len(f.Data) || missing && offset > 0 {
			return nil, &backend.Error{Num: 501, Text: "illegal offset"}
		}
		tail := f.Data[min(offset+len(data), len(f.Data)):]
		f.Data = slices.Concat(f.Data[:offset], data, tail)
	}
	f.Name, f.Modified = name, time.Now()
	return nil, x.tx.WriteFile(a, f)
}
