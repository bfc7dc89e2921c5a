// Package vcard has one model of contacts and groups of contacts, and the
// codecs for the forms in which they travel: vCard text, of version 3.0 (RFC
// 2426) and 4.0 (RFC 6350), read leniently enough for 2.1; and the vCard and
// vCardGroup elements of CommuniGate Pro's XIMSS (CommuniGate Pro Guide,
// WebContacts and XIMSS pages, and what the vendor's clients write).
//
// Properties that the model has no field for are kept in Extra with the value
// as it was written. A type of an address (work, home, cell) is kept in
// capitals. What a user typed can become part of a value only, never a
// property of its own.
package vcard

import (
	"strings"

	"rmp/calendar/contentline"
)

// Card is one contact.
type Card struct {
	FullName   string // FN
	Name       Name
	Nickname   string
	Company    string // ORG, its first part
	Units      []string
	Title      string
	Role       string
	Emails     []Address
	Phones     []Address
	Places     []Place // ADR
	Birthday   string  // as written
	Note       string
	UID        string
	URLs       []string
	Zone       string // TZ
	Geo        string
	Categories []string
	FileAs     string // X-FILE-AS
	Revision   string // REV
	Photo      *Photo
	Extra      []contentline.Property
}

// Name is the name in its parts.
type Name struct{ Family, Given, Middle, Prefix, Suffix string }

// Address is an e-mail address or a telephone number.
type Address struct {
	Value string
	Types []string // WORK, HOME, CELL, FAX, …
}

// Place is a postal address.
type Place struct {
	POBox, Extended, Street, Locality, Region, PostalCode, Country string
	Types                                                          []string
}

// Photo is a picture, or where there is one.
type Photo struct {
	Type string // JPEG, PNG, …; may be ""
	Data []byte
	URI  string // when there are no data
}

// Group is a list of people.
type Group struct {
	Name    string
	Note    string
	UID     string
	Members []Member
}

// Member is one of a group. A value without an @ is a telephone number.
type Member struct{ Name, Address string }

// DisplayName is the full name, or the best that the card has for one.
func (c *Card) DisplayName() string {
	for _, s := range []string{c.FullName, strings.Join(strings.Fields(c.Name.Given+" "+c.Name.Family), " "), c.Company, c.Nickname} {
		if strings.TrimSpace(s) != "" {
			return s
		}
	}
	for _, a := range append(c.Emails[:len(c.Emails):len(c.Emails)], c.Phones...) {
		if a.Value != "" {
			return a.Value
		}
	}
	return ""
}

// parts are the fields of a structured value, in the order of the RFC.
func (n *Name) parts() []*string {
	return []*string{&n.Family, &n.Given, &n.Middle, &n.Prefix, &n.Suffix}
}

func (p *Place) parts() []*string {
	return []*string{&p.POBox, &p.Extended, &p.Street, &p.Locality, &p.Region, &p.PostalCode, &p.Country}
}

// simple are the properties that are one text, with their fields.
func (c *Card) simple() []struct {
	name  string
	field *string
} {
	return []struct {
		name  string
		field *string
	}{
		{"FN", &c.FullName}, {"NICKNAME", &c.Nickname}, {"TITLE", &c.Title}, {"ROLE", &c.Role}, {"BDAY", &c.Birthday}, {"NOTE", &c.Note},
		{"UID", &c.UID}, {"TZ", &c.Zone}, {"GEO", &c.Geo}, {"X-FILE-AS", &c.FileAs}, {"REV", &c.Revision},
	}
}

// hasOrg reports whether the card tells an organisation.
func (c *Card) hasOrg() bool { return c.Company != "" || len(c.Units) > 0 }

// field is where a simple property is kept, or nil.
func (c *Card) field(name string) *string {
	for _, s := range c.simple() {
		if strings.EqualFold(s.name, name) {
			return s.field
		}
	}
	return nil
}

// isType reports whether s can be a type in both forms.
func isType(s string) bool {
	if !contentline.Token(s) || strings.ContainsAny(s, "._") {
		return false
	}
	return s[0] >= 'A' && s[0] <= 'Z' || s[0] >= 'a' && s[0] <= 'z'
}

// maxTypes bounds the types of one property; what is beyond it is left out.
const maxTypes = 100

// addType adds a type in capitals, once.
func addType(types []string, s string) []string {
	s = strings.ToUpper(strings.TrimSpace(s))
	if len(types) >= maxTypes || !isType(s) {
		return types
	}
	for _, t := range types {
		if t == s {
			return types
		}
	}
	return append(types, s)
}
