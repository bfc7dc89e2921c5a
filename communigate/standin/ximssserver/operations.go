package ximssserver

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"rmp/calendar/zone"
	"rmp/communigate/standin/backend"
	"rmp/xmlnode"
)

// call is one request at work.
type call struct {
	*session
	tx    *backend.Tx
	in    *xmlnode.Node
	id    string
	out   []*xmlnode.Node
	later func() *xmlnode.Node
}

// operation is what a request asks for. One that writes makes the whole batch
// an update.
type operation struct {
	name  string // as the vendor's clients spell it
	write bool
	run   func(*call) error
}

// operations are all that a session understands.
var operations = func() map[string]operation {
	nothing := func(*call) error { return nil }
	out := map[string]operation{}
	for _, group := range [][]operation{
		{{"noop", false, nothing}, {"bye", false, nothing}, {"setClientName", false, nothing}, {"setSessionOption", false, nothing},
			{"passwordModify", true, (*call).passwordModify}, {"cliExecute", false, (*call).cliExecute}},
		calendarOperations, mailboxOperations, folderOperations, contactOperations, prefsOperations, ruleOperations, fileOperations,
	} {
		for _, op := range group {
			out[strings.ToLower(op.name)] = op
		}
	}
	return out
}()

// beforeLogin are the operations that need no session.
var beforeLogin = []string{"listFeatures", "login", "auth", "noop"}

// Operations answers the names of all operations that the server serves, in
// a session and before one.
func Operations() []string {
	names := slices.Clone(beforeLogin)
	for _, op := range operations {
		names = append(names, op.name)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// find is the operation of a request. Names are exact, but for the mode
// Lenient, which takes them in any case.
func (s *Server) operation(name string) (operation, bool) {
	op, ok := operations[strings.ToLower(name)]
	return op, ok && (op.name == name || s.b.Mode() == backend.Lenient)
}

func (c *call) serve() error {
	op, ok := c.server.operation(c.in.Name)
	if !ok {
		return errUnknown
	}
	return op.run(c)
}

func isRefusal(err error) bool {
	var e *backend.Error
	return errors.As(err, &e)
}

func illegal(format string, args ...any) error {
	return &backend.Error{Num: 501, Text: "illegal " + fmt.Sprintf(format, args...)}
}

// data adds a data message that answers the request.
func (c *call) data(n *xmlnode.Node) {
	if c.id != "" {
		n.Attrs = append([]xmlnode.Attr{{Name: "id", Value: c.id}}, n.Attrs...)
	}
	c.out = append(c.out, n)
}

func (c *call) now() time.Time { return c.server.opts.Now() }

// cliExecute runs a CLI command, outside of the batch's transaction: it has
// its own.
func (c *call) cliExecute() error {
	line := c.in.Text
	c.later = func() *xmlnode.Node {
		n := xmlnode.New("cliResult").WithText(c.server.opts.Execute(c.tx.Context(), c.account, line))
		if c.id != "" {
			n.Set("id", c.id)
		}
		return n
	}
	return nil
}

// mailbox finds a mailbox and checks the rights to it.
func (c *call) mailbox(path, rights string) (backend.Mailbox, error) {
	owner, name, err := c.tx.Locate(c.account, path)
	if err != nil {
		return backend.Mailbox{}, err
	}
	m, err := c.tx.Mailbox(owner, name)
	if err != nil {
		return m, err
	}
	return m, m.Need(c.account, rights)
}

// openBox is mailbox for the operations that make one that is missing, when
// the request names a class for it.
func (c *call) openBox(path, rights string) (backend.Mailbox, error) {
	m, err := c.mailbox(path, rights)
	class := c.in.Attr("mailboxClass")
	if err != backend.ErrNoMailbox || class == "" { //nolint:errorlint // made by the backend, never wrapped
		return m, err
	}
	owner, name, err := c.tx.Locate(c.account, path)
	if err != nil {
		return m, err
	}
	if owner.ID != c.account.ID {
		return m, backend.ErrDenied
	}
	if err := c.tx.CreateMailbox(owner, name, class); err != nil {
		return m, err
	}
	return c.tx.Mailbox(owner, name)
}

const maxWindow = 800 * 24 * time.Hour

// window reads timeFrom and timeTill: with Z in UTC, else in the session's
// zone; a date alone is its midnight.
func (c *call) window() (from, till time.Time, err error) {
	at := func(name string) (time.Time, error) {
		s := c.in.Attr(name)
		for _, f := range []string{"20060102T150405Z", "20060102T150405", "20060102"} {
			if t, err := time.Parse(f, s); err == nil {
				if strings.HasSuffix(s, "Z") {
					return t, nil
				}
				return zone.WallOf(t, time.UTC).In(c.zone), nil
			}
		}
		return time.Time{}, illegal("%s attribute", name)
	}
	if from, err = at("timeFrom"); err != nil {
		return
	}
	if till, err = at("timeTill"); err != nil {
		return
	}
	if !from.Before(till) || till.Sub(from) > maxWindow {
		err = illegal("time interval")
	}
	return
}

func (c *call) local(t time.Time) string { return zone.WallOf(t, c.zone).String() }
