package cliserver

import (
	"context"
	"slices"
	"strings"

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

// command is what a line asks for.
type command struct {
	name  string
	write bool
	run   func(x *execution) (dataformat.Value, error)
}

// commands are all that the server understands, beside those that concern the
// connection.
var commands = func() map[string]command {
	out := map[string]command{}
	for _, group := range [][]command{domainCommands, accountCommands, propertyCommands, mailboxCommands, nameCommands, sessionCommands, fileCommands, serverCommands} {
		for _, c := range group {
			out[c.name] = c
		}
	}
	return out
}()

// connectionCommands are served by the connection itself.
var connectionCommands = []string{"APOP", "AUTH", "INLINE", "NEWPASS", "PASS", "QUIT", "STLS", "USER"}

// Commands answers the names of all commands that the server serves.
func Commands() []string {
	names := append([]string{"LISTCLICOMMANDS"}, connectionCommands...)
	for n := range commands {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}

// execution is one command at work.
type execution struct {
	*arguments
	tx     *backend.Tx
	server *Server
	who    backend.Account
}

var errUnknown = &backend.Error{Num: 500, Text: "unknown command"}

// oldNames are those that older clients of the vendor send.
var oldNames = map[string]string{
	"GETACCOUNTRULES": "GETACCOUNTMAILRULES", "SETACCOUNTRULES": "SETACCOUNTMAILRULES",
	"GETDOMAINRULES": "GETDOMAINMAILRULES", "SETDOMAINRULES": "SETDOMAINMAILRULES",
	"GETACCOUNTSUBSCRIPTION": "GETMAILBOXSUBSCRIPTION", "SETACCOUNTSUBSCRIPTION": "SETMAILBOXSUBSCRIPTION",
}

// Execute runs one command line for an account.
func (s *Server) Execute(ctx context.Context, who backend.Account, line string) (dataformat.Value, error) {
	word, rest, _ := strings.Cut(strings.Trim(line, " \t"), " ")
	name := strings.ToUpper(word)
	if name == "LISTCLICOMMANDS" {
		return strs(Commands()), nil
	}
	cmd, ok := commands[name]
	if !ok {
		cmd, ok = commands[oldNames[name]]
	}
	if name == "GETACCOUNTRIGHTSLIST" && s.b.Mode() != backend.Strict {
		cmd, ok = commands["GETACCOUNTRIGHTS"]
	}
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

// admin refuses who may not administer the whole server.
func (x *execution) admin() error { return x.may("", "Master") }

// may refuses who has neither the right over the domain nor over all.
func (x *execution) may(domain, right string) error {
	if x.who.CanIn(domain, right) {
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

// account reads the name of an account. Everybody may work on their own where
// own is set; else it takes the right over the account's domain.
func (x *execution) account(own bool, right string) (backend.Account, error) {
	address := x.address()
	if x.err != nil {
		return backend.Account{}, x.err
	}
	a, err := x.tx.Account(address)
	if err == nil && own && a.ID == x.who.ID {
		return a, nil
	}
	domain := a.Domain
	if refused := x.may(domain, right); refused != nil {
		return a, refused // whether there is such an account is not told
	}
	if a.Can("Master") && !x.who.Can("Master") {
		return a, backend.ErrNotAllowed // or an administrator of a domain could become one of the server
	}
	return a, err
}

func strs(list []string) dataformat.Array {
	out := dataformat.Array{}
	for _, s := range list {
		out = append(out, s)
	}
	return out
}
