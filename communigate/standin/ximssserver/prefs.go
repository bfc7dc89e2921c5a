package ximssserver

import (
	"maps"
	"slices"
	"strings"

	"rmp/communigate/dataformat"
	"rmp/xmlnode"
)

var prefsOperations = []operation{
	{"prefsRead", false, (*call).prefsRead}, {"prefsStore", true, (*call).prefsStore},
}

func sortedKeys(d dataformat.Dict) []string { return slices.Sorted(maps.Keys(d)) }

// prefsRead answers the named preferences, or all.
func (c *call) prefsRead() error {
	out := xmlnode.New("prefs")
	if t := c.in.Attr("type"); t != "" {
		out.Set("type", t)
	}
	a, err := c.tx.Account(c.account.Address())
	if err != nil {
		return err
	}
	var names []string
	for _, n := range c.in.Children {
		if n.Is("name") {
			names = append(names, strings.TrimSpace(n.Text))
		}
	}
	if len(names) == 0 {
		names = sortedKeys(a.Prefs)
	}
	for _, name := range names {
		if _, ok := a.Prefs[name]; ok && xmlName(name) {
			out.Add(xmlnode.New(name).WithText(a.Prefs.String(name)))
		}
	}
	c.data(out)
	return nil
}

// xmlName reports whether a preference can be an element: its name came from
// a user.
func xmlName(s string) bool {
	for i, c := range []byte(s) {
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_'
		if !letter && (i == 0 || !(c >= '0' && c <= '9' || c == '-' || c == '.')) {
			return false
		}
	}
	return s != ""
}

func (c *call) prefsStore() error {
	change := dataformat.Dict{}
	for _, n := range c.in.Children {
		change[n.Name] = strings.TrimSpace(n.Text)
	}
	if err := c.tx.UpdatePrefs(c.account.Address(), change, false); err != nil {
		return err
	}
	a, err := c.tx.Account(c.account.Address())
	if err != nil {
		return err
	}
	c.account = a
	if loc, err := c.server.b.LoadZone(a.Prefs.String("TimeZone")); err == nil {
		c.zone = loc
	}
	return nil
}

func (c *call) passwordModify() error {
	if _, err := c.tx.CheckPassword(c.account.Address(), c.in.Attr("oldPassword")); err != nil {
		return err
	}
	if c.in.Attr("newPassword") == "" {
		return illegal("newPassword attribute")
	}
	return c.tx.SetPassword(c.account.Address(), c.in.Attr("newPassword"))
}
