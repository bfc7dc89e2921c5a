package ximss

import (
	"fmt"
	"maps"
	"slices"

	"rmp/xmlnode"
)

// ReadPrefs asks for the named preferences, or for all.
func ReadPrefs(names ...string) *Request {
	n := xmlnode.New("prefsRead")
	for _, name := range names {
		n.Add(xmlnode.New("name").WithText(name))
	}
	return NewRequest(n)
}

// Prefs decodes the reply to ReadPrefs: name to value. One that is not set is
// not there.
func (r *Reply) Prefs() (map[string]string, error) {
	if r.Err != nil {
		return nil, r.Err
	}
	out := map[string]string{}
	for _, d := range r.Data {
		if !d.Is("prefs") {
			continue
		}
		for _, n := range d.Children {
			out[n.Name] = n.Text
		}
		return out, nil
	}
	return nil, fmt.Errorf("%w: no preferences in the reply", ErrProtocol)
}

// StorePrefs changes preferences. Their names must be names of XML elements.
func StorePrefs(prefs map[string]string) *Request {
	n := xmlnode.New("prefsStore")
	for _, name := range slices.Sorted(maps.Keys(prefs)) {
		n.Add(xmlnode.New(name).WithText(prefs[name]))
	}
	return NewRequest(n)
}

// ModifyPassword changes the account's password.
func ModifyPassword(old, next string) *Request {
	return NewRequest(xmlnode.New("passwordModify", "oldPassword", old, "newPassword", next))
}

// SetSessionOption sets an option of the session, such as
// reportMailboxChanges.
func SetSessionOption(name, value string) *Request {
	return NewRequest(xmlnode.New("setSessionOption", "name", name, "value", value))
}

// Noop asks for nothing, and keeps the session from ending.
func Noop() *Request { return NewRequest(xmlnode.New("noop")) }

// SetClientName tells the server what program this is.
func SetClientName(name string) *Request {
	return NewRequest(xmlnode.New("setClientName", "name", name))
}
