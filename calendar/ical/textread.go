package ical

import (
	"errors"
	"fmt"
	"strings"

	"rmp/calendar/contentline"
)

// ParseText reads a stream of one or more VCALENDARs. Exceptions are put under
// their masters. An error tells the line (see ParseError); a part that is
// wrong is never left out silently. Components inside of events that are not
// alarms are left out.
func ParseText(data []byte, limits Limits) ([]*Calendar, error) {
	limits = limits.withDefaults()
	if len(data) > limits.Bytes {
		return nil, fmt.Errorf("iCalendar: %w: more than %d bytes", ErrLimit, limits.Bytes)
	}
	r := textReader{contentline.NewReader(data, limits.Lines), limits}
	var out []*Calendar
	for {
		l, ok, err := r.next()
		if err != nil {
			return nil, err
		}
		if !ok {
			break
		}
		if l.Name != "BEGIN" || !strings.EqualFold(strings.TrimSpace(l.Value), "VCALENDAR") {
			return nil, l.fail(errors.New("stands outside of a VCALENDAR"))
		}
		n, err := r.component("VCALENDAR", l.num, 1)
		if err != nil {
			return nil, err
		}
		c, err := calendarOf(n, limits)
		if err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	if len(out) == 0 {
		return nil, errors.New("iCalendar: there is no VCALENDAR")
	}
	return out, nil
}

// textReader reads the lines of a stream.
type textReader struct {
	*contentline.Reader
	limits Limits
}

// next is the next content line.
func (r *textReader) next() (line, bool, error) {
	p, num, ok, err := r.Next()
	var e *contentline.Error
	if errors.As(err, &e) {
		err = (*ParseError)(e)
	}
	return line{p, num}, ok, err
}

// line is a content line.
type line struct {
	Property // Value is as written
	num      int
}

func (l line) fail(err error) error { return &ParseError{l.num, l.Name, err} }

// node is a component as lines.
type node struct {
	name  string
	num   int
	props []line
	parts []node
}

// component reads up to the END of a component.
func (r *textReader) component(name string, num, depth int) (node, error) {
	n := node{name: name, num: num}
	if depth > r.limits.Depth {
		return n, &ParseError{num, name, fmt.Errorf("%w: nested deeper than %d", ErrLimit, r.limits.Depth)}
	}
	attendees := 0
	for {
		l, ok, err := r.next()
		if err != nil {
			return n, err
		}
		if !ok {
			return n, &ParseError{num, name, errors.New("has no END")}
		}
		switch l.Name {
		case "BEGIN":
			part := strings.ToUpper(strings.TrimSpace(l.Value))
			if !contentline.Token(part) {
				return n, l.fail(fmt.Errorf("%q is not the name of a component", contentline.Clip(part)))
			}
			x, err := r.component(part, l.num, depth+1)
			if err != nil {
				return n, err
			}
			n.parts = append(n.parts, x)
		case "END":
			if !strings.EqualFold(strings.TrimSpace(l.Value), name) {
				return n, l.fail(fmt.Errorf("%q ends inside of %s", contentline.Clip(l.Value), contentline.Clip(name)))
			}
			return n, nil
		default:
			if l.Name == "ATTENDEE" {
				attendees++
			}
			if attendees > r.limits.Attendees {
				return n, l.fail(fmt.Errorf("%w: more than %d in one component", ErrLimit, r.limits.Attendees))
			}
			if n.props = append(n.props, l); len(n.props) > r.limits.Properties {
				return n, l.fail(fmt.Errorf("%w: more than %d properties in one component", ErrLimit, r.limits.Properties))
			}
		}
	}
}

// property is the line as the model keeps it.
func (l line) property() Property {
	if isText(l.Name, l.Params) {
		l.Value = contentline.Unescape(l.Value)
	}
	return l.Property
}

// plain is the component as the model keeps it.
func (n node) plain() Component {
	c := Component{Name: n.name}
	for _, l := range n.props {
		c.Properties = append(c.Properties, l.property())
	}
	for _, x := range n.parts {
		c.Components = append(c.Components, x.plain())
	}
	return c
}

func calendarOf(n node, limits Limits) (*Calendar, error) {
	c := &Calendar{}
	for _, l := range n.props {
		p := l.property()
		switch text := strings.TrimSpace(p.Value); l.Name {
		case "METHOD":
			c.Method = strings.ToUpper(text)
		case "PRODID":
			c.ProdID = p.Value
		case "VERSION":
			c.Version = text
		default:
			c.Extra = append(c.Extra, p)
		}
	}
	for _, x := range n.parts {
		switch x.name {
		case "VEVENT":
			e, err := eventOf(x, !startless(c.Method), limits)
			if err != nil {
				return nil, err
			}
			c.Events = append(c.Events, e)
		case "VTODO":
			e, err := eventOf(x, false, limits)
			if err != nil {
				return nil, err
			}
			c.Todos = append(c.Todos, e)
		case "VTIMEZONE":
			z, err := timezoneOf(x.plain())
			if err != nil {
				return nil, &ParseError{x.num, "", err}
			}
			c.Zones = append(c.Zones, z)
		case "VFREEBUSY":
			f, err := freeBusyOf(x.plain())
			if err != nil {
				return nil, &ParseError{x.num, "", err}
			}
			c.Busy = append(c.Busy, f)
		default:
			c.Others = append(c.Others, x.plain())
		}
	}
	c.Events, c.Todos = gather(c.Events), gather(c.Todos)
	return c, nil
}

// eventTexts are the fields of an event whose values are text.
var eventTexts = map[string]bool{"UID": true, "SUMMARY": true, "DESCRIPTION": true, "LOCATION": true}

func eventOf(n node, needStart bool, limits Limits) (*Event, error) {
	r := eventReader{Event: &Event{}}
	for _, l := range n.props {
		var err error
		switch {
		case l.Name == "CATEGORIES":
			for _, c := range contentline.SplitText(l.Value) {
				r.category(c)
			}
		case eventTexts[l.Name]:
			l.Value = contentline.Unescape(l.Value)
			err = r.set(l.Property)
		case modelled[l.Name]:
			err = r.set(l.Property)
		default:
			r.Extra = append(r.Extra, l.property())
		}
		if err == nil && r.values > limits.Properties {
			err = fmt.Errorf("%w: more than %d values in one component", ErrLimit, limits.Properties)
		}
		if err != nil {
			return nil, l.fail(err)
		}
	}
	for _, x := range n.parts {
		if x.name == "VALARM" {
			r.Alarms = append(r.Alarms, x.plain())
		}
	}
	if err := r.finish(needStart); err != nil {
		return nil, &ParseError{n.num, n.name, err}
	}
	return r.Event, nil
}
