package vcard

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"rmp/calendar/contentline"
	"rmp/xmlnode"
)

// The XML of CommuniGate Pro: a property is an element; its value a VALUE
// element or named parts; its types are empty elements in front of the value.
// The vendor's own programs differ: some write a number of a telephone both
// as NUMBER and as VALUE, some write text directly. All of that is read;
// written is what satisfies each of the known readers.

// ErrXML is wrapped by the error of an element that is no vCard.
var ErrXML = errors.New("illegal vCard data format")

var (
	nameParts  = []string{"FAMILY", "GIVEN", "MIDDLE", "PREFIX", "SUFFIX"}
	placeParts = []string{"POBOX", "EXTADD", "STREET", "LOCALITY", "REGION", "PCODE", "CTRY"}
)

// FromXML reads a vCard element.
func FromXML(n *xmlnode.Node) (*Card, error) {
	if !n.Is("vCard") {
		return nil, fmt.Errorf("%w: unexpected element %q", ErrXML, contentline.Clip(n.Name))
	}
	c := &Card{}
	for _, p := range n.Children {
		c.setXML(p)
	}
	return c, nil
}

// value is the text of a property: of VALUE or of one of the other names, the
// first that has any, or its own.
func value(p *xmlnode.Node, names ...string) string {
	for _, name := range append([]string{"VALUE"}, names...) {
		if v := p.Child(name); v != nil && v.Text != "" {
			return v.Text
		}
	}
	if len(p.Children) > 0 { // blanks between the elements are no value
		return strings.TrimSpace(p.Text)
	}
	return p.Text
}

// typesXML are the empty children that are no part of the value.
func typesXML(p *xmlnode.Node, parts ...string) (out []string) {
next:
	for _, t := range p.Children {
		if t.Text != "" || len(t.Children) > 0 {
			continue
		}
		for _, part := range parts {
			if t.Is(part) {
				continue next
			}
		}
		out = addType(out, t.Name)
	}
	return out
}

func partsXML(p *xmlnode.Node, fields []*string, names []string) {
	for i, name := range names {
		if c := p.Child(name); c != nil {
			*fields[i] = c.Text
		}
	}
}

func (c *Card) setXML(p *xmlnode.Node) {
	if f := c.field(p.Name); f != nil && *f == "" {
		*f = value(p)
		return
	}
	switch {
	case p.Is("N") && c.Name != (Name{}), p.Is("ORG") && c.hasOrg(), p.Is("PHOTO") && c.Photo != nil:
		c.Extra = append(c.Extra, extraXML(p)) // of several, the first
		return
	}
	switch strings.ToUpper(p.Name) {
	case "VERSION", "PRODID":
	case "N":
		partsXML(p, c.Name.parts(), nameParts)
	case "ORG":
		c.Company = value(p, "ORGNAME")
		for _, u := range p.Children {
			if u.Is("ORGUNIT") && u.Text != "" {
				c.Units = append(c.Units, u.Text)
			}
		}
	case "EMAIL":
		if v := value(p, "USERID"); v != "" {
			c.Emails = append(c.Emails, Address{v, typesXML(p, "USERID", "VALUE")})
		}
	case "TEL":
		if v := value(p, "NUMBER"); v != "" {
			c.Phones = append(c.Phones, Address{v, typesXML(p, "NUMBER", "VALUE")})
		}
	case "ADR":
		place := Place{Types: typesXML(p, placeParts...)}
		partsXML(p, place.parts(), placeParts)
		c.Places = append(c.Places, place)
	case "URL":
		if v := value(p); v != "" {
			c.URLs = append(c.URLs, v)
		}
	case "CATEGORIES":
		list := []string{}
		for _, k := range p.Children {
			if k.Text != "" {
				list = append(list, k.Text)
			}
		}
		if len(p.Children) == 0 {
			list = contentline.SplitText(p.Text)
		}
		for _, s := range list {
			if s != "" {
				c.Categories = append(c.Categories, s)
			}
		}
	case "PHOTO":
		photo := &Photo{}
		if list := typesXML(p, "BINVAL", "VALUE"); len(list) > 0 {
			photo.Type = list[0]
		}
		if b := p.Child("BINVAL"); b != nil {
			photo.Data, _ = decodeBase64(b.Text)
		}
		if len(photo.Data) == 0 {
			photo.URI = strings.TrimSpace(value(p))
		}
		if len(photo.Data) > 0 || photo.URI != "" {
			c.Photo = photo
		}
	default:
		c.Extra = append(c.Extra, extraXML(p))
	}
}

// extraXML keeps a property without a field. Parts other than VALUE are
// joined by semicolons, as the text form has them.
func extraXML(p *xmlnode.Node) contentline.Property {
	out := contentline.Property{Name: strings.ToUpper(p.Name)}
	if b := p.Child("BINVAL"); b != nil {
		out.Params = append([]contentline.Param{{Name: "ENCODING", Value: "b"}}, typeParams(typesXML(p, "BINVAL", "VALUE"))...)
		out.Value = b.Text
		return out
	}
	if p.Is("N") && p.Child("VALUE") == nil {
		var n Name
		partsXML(p, n.parts(), nameParts)
		out.Value = join(n.parts())
		return out
	}
	var parts []string
	for _, k := range p.Children {
		switch {
		case k.Is("VALUE"):
			parts = append(parts, k.Text)
		case k.Text != "":
			parts = append(parts, contentline.Escape(k.Text))
		}
	}
	out.Params = typeParams(typesXML(p, "VALUE"))
	if out.Value = strings.Join(parts, ";"); len(parts) == 0 {
		out.Value = p.Text
	}
	return out
}

// XML is the card as a vCard element.
func (c *Card) XML() *xmlnode.Node {
	n := xmlnode.New("vCard")
	leaf := func(name, text string) *xmlnode.Node { return xmlnode.New(name).WithText(text) }
	for _, s := range c.simple() {
		switch {
		case *s.field == "":
		case s.name == "X-FILE-AS":
			n.Add(leaf(s.name, *s.field))
		default:
			n.Add(xmlnode.New(s.name).Add(leaf("VALUE", *s.field)))
		}
	}
	structured := func(name string, types []string, fields []*string, names []string) {
		e := xmlnode.New(name).Add(typeNodes(types)...)
		for i, part := range names {
			e.Add(leaf(part, *fields[i]))
		}
		n.Add(e)
	}
	if c.Name != (Name{}) {
		name := c.Name
		structured("N", nil, name.parts(), nameParts)
	}
	if c.hasOrg() {
		org := xmlnode.New("ORG").Add(leaf("ORGNAME", c.Company))
		for _, u := range c.Units {
			org.Add(leaf("ORGUNIT", u))
		}
		n.Add(org)
	}
	for _, a := range c.Emails {
		n.Add(xmlnode.New("EMAIL").Add(typeNodes(a.Types)...).Add(leaf("USERID", a.Value), leaf("VALUE", a.Value)))
	}
	for _, a := range c.Phones {
		n.Add(xmlnode.New("TEL").Add(typeNodes(a.Types)...).Add(leaf("NUMBER", a.Value), leaf("VALUE", a.Value)))
	}
	for _, p := range c.Places {
		structured("ADR", p.Types, p.parts(), placeParts)
	}
	for _, u := range c.URLs {
		n.Add(xmlnode.New("URL").Add(leaf("VALUE", u)))
	}
	if len(c.Categories) > 0 {
		e := xmlnode.New("CATEGORIES")
		for _, s := range c.Categories {
			e.Add(leaf("VALUE", s))
		}
		n.Add(e)
	}
	if p := c.Photo; p != nil {
		e := xmlnode.New("PHOTO")
		if isType(p.Type) {
			e.Add(xmlnode.New(p.Type))
		}
		if len(p.Data) > 0 {
			n.Add(e.Add(leaf("BINVAL", base64.StdEncoding.EncodeToString(p.Data))))
		} else if p.URI != "" {
			n.Add(e.Add(leaf("VALUE", p.URI)))
		}
	}
	for _, p := range c.Extra {
		if name := strings.ToUpper(p.Name); isType(name) {
			part := "VALUE"
			if e := p.Param("ENCODING"); strings.EqualFold(e, "b") || strings.EqualFold(e, "base64") {
				part = "BINVAL"
			}
			n.Add(xmlnode.New(name).Add(typeNodes(types(p))...).Add(leaf(part, p.Value)))
		}
	}
	return n
}

func typeNodes(types []string) (out []*xmlnode.Node) {
	for _, t := range types {
		if isType(t) {
			out = append(out, xmlnode.New(t))
		}
	}
	return out
}

// GroupFromXML reads a vCardGroup element.
func GroupFromXML(n *xmlnode.Node) (*Group, error) {
	if !n.Is("vCardGroup") {
		return nil, fmt.Errorf("%w: unexpected element %q", ErrXML, contentline.Clip(n.Name))
	}
	g, named := &Group{}, false
	for _, p := range n.Children {
		switch strings.ToUpper(p.Name) {
		case "NAME":
			if v := value(p); v != "" {
				g.Name, named = v, true
			}
		case "FN":
			if !named {
				g.Name = value(p)
			}
		case "NOTE":
			g.Note = value(p)
		case "UID":
			g.UID = value(p)
		case "MEMBER":
			if v := strings.TrimSpace(value(p)); v != "" {
				g.Members = append(g.Members, Member{Name: p.Attr("CN"), Address: v})
			}
		}
	}
	return g, nil
}

// XML is the group as a vCardGroup element: with both names that readers look
// for, and members as the vendor's own programs write them.
func (g *Group) XML() *xmlnode.Node {
	n := xmlnode.New("vCardGroup")
	add := func(name, text string) {
		if text != "" {
			n.Add(xmlnode.New(name).Add(xmlnode.New("VALUE").WithText(text)))
		}
	}
	add("FN", g.Name)
	add("NAME", g.Name)
	add("NOTE", g.Note)
	add("UID", g.UID)
	for _, m := range g.Members {
		e := xmlnode.New("MEMBER").WithText(m.Address)
		if m.Name != "" {
			e.Set("CN", m.Name)
		}
		n.Add(e)
	}
	return n
}
