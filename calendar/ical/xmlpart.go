package ical

import (
	"strings"
	"unicode"

	"rmp/calendar/contentline"
	"rmp/xmlnode"
)

// The parts of the XML form that are properties and components in general.

// reservedXML reports whether the XML form has another use for the name of an
// element, so that a property or component of that name has no place in it.
func reservedXML(name string) bool {
	switch strings.ToLower(name) {
	case "vcalendar", "vevent", "vtodo", "vtimezone", "vfreebusy", "valarm", "exceptions":
		return true
	}
	return false
}

// nameXML is the name of an element: as it is for X- properties, else in lower
// case. One that XML cannot have is no name.
func nameXML(name string) (string, bool) {
	for i, c := range name {
		if !unicode.IsLetter(c) && c != '_' && (i == 0 || !unicode.IsDigit(c) && c != '-' && c != '.') || c > 0x024F {
			return "", false
		}
	}
	if len(name) >= 2 && strings.EqualFold(name[:2], "x-") {
		return name, true
	}
	return strings.ToLower(name), name != ""
}

// lists are the parameters that have several values as a rule.
var lists = map[string]bool{"MEMBER": true, "DELEGATED-TO": true, "DELEGATED-FROM": true}

func propertyFromXML(n *xmlnode.Node) Property {
	p := Property{Name: n.Name, Value: n.Text}
	for _, a := range n.Attrs {
		if lists[strings.ToUpper(a.Name)] && strings.HasPrefix(a.Value, `"`) {
			if values, rest, err := contentline.ParamValues(a.Value); err == nil && rest == "" {
				for _, v := range values {
					p.Params = append(p.Params, Param{Name: a.Name, Value: v})
				}
				continue
			}
		}
		p.Params = append(p.Params, Param(a))
	}
	return p
}

// propertyXML is a property as an element of the name.
func propertyXML(p Property, name string) *xmlnode.Node {
	n := xmlnode.New(name).WithText(p.Value)
	done := map[string]bool{}
	for _, x := range p.Params {
		key := strings.ToUpper(x.Name)
		attr := x.Name
		if _, ok := nameXML(attr); !ok || done[key] {
			continue
		}
		done[key] = true
		var values []string
		for _, o := range p.Params {
			if strings.EqualFold(o.Name, x.Name) {
				values = append(values, o.Value)
			}
		}
		switch {
		case len(values) == 1:
			n.Set(attr, values[0])
		case lists[key]:
			for i, v := range values {
				values[i] = `"` + contentline.Caret(v) + `"`
			}
			n.Set(attr, strings.Join(values, ","))
		default:
			n.Set(attr, strings.Join(values, ","))
		}
	}
	return n
}

// propertiesXML are the properties that the model has no field for; those in
// fields have one, and are left out.
func propertiesXML(props []Property, fields map[string]bool) []*xmlnode.Node {
	var out []*xmlnode.Node
	for _, p := range props {
		if name, ok := nameXML(p.Name); ok && !reservedXML(name) && !fields[strings.ToUpper(name)] {
			out = append(out, propertyXML(p, name))
		}
	}
	return out
}

// componentFromXML reads an element of unknown meaning: what has children of
// its own, or a name that says so, is a component.
func componentFromXML(n *xmlnode.Node) Component {
	c := Component{Name: strings.ToUpper(n.Name)}
	for _, x := range n.Children {
		switch {
		case x.Is("rrule"):
			c.Properties = append(c.Properties, Property{Name: x.Name, Value: rruleFromXML(x)})
		case len(x.Children) > 0:
			c.Components = append(c.Components, componentFromXML(x))
		default:
			c.Properties = append(c.Properties, propertyFromXML(x))
		}
	}
	return c
}

// xml is the component as an element; none if XML cannot have its name, or
// nothing is in it.
func (c Component) xml() []*xmlnode.Node {
	name, ok := nameXML(c.Name)
	if !ok {
		return nil
	}
	n := xmlnode.New(strings.ToLower(name))
	for _, p := range c.Properties {
		if name, ok := nameXML(p.Name); ok && !reservedXML(name) {
			n.Add(propertyXML(p, name))
		}
	}
	for _, x := range c.Components {
		n.Add(x.xml()...)
	}
	if len(n.Children) == 0 {
		return nil
	}
	return []*xmlnode.Node{n}
}
