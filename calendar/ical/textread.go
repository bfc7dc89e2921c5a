package ical

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
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
	r := textReader{rest: bytes.TrimPrefix(data, []byte("\ufeff")), limits: limits}
	var out []*Calendar
	for {
		l, ok, err := r.next()
		if err != nil {
			return nil, err
		}
		if !ok {
			break
		}
		if l.Name != "BEGIN" || !equalFold(strings.TrimSpace(l.Value), "VCALENDAR") {
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
	rest   []byte
	num    int // of physical lines read
	lines  int
	limits Limits
	buf    []byte
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

// physical cuts the next line off, without its end.
func (r *textReader) physical() []byte {
	l, rest, _ := bytes.Cut(r.rest, []byte("\n"))
	r.rest = rest
	r.num++
	return bytes.TrimSuffix(l, []byte("\r"))
}

// next is the next content line that is not empty.
func (r *textReader) next() (line, bool, error) {
	for len(r.rest) > 0 {
		raw := r.physical()
		num := r.num
		if len(r.rest) > 0 && (r.rest[0] == ' ' || r.rest[0] == '\t') {
			r.buf = append(r.buf[:0], raw...)
			for len(r.rest) > 0 && (r.rest[0] == ' ' || r.rest[0] == '\t') {
				r.buf = append(r.buf, r.physical()[1:]...)
			}
			raw = r.buf
		}
		// Only now: a fold may stand inside of a character.
		text := strings.ToValidUTF8(string(raw), "\ufffd")
		if strings.ContainsFunc(text, func(c rune) bool { return c < 0x80 && isControl(byte(c)) }) {
			text = strings.Map(func(c rune) rune {
				if c < 0x80 && isControl(byte(c)) {
					return -1
				}
				return c
			}, text)
		}
		if strings.TrimSpace(text) == "" {
			continue
		}
		if r.lines++; r.lines > r.limits.Lines {
			return line{}, false, &ParseError{num, "", fmt.Errorf("%w: more than %d lines", ErrLimit, r.limits.Lines)}
		}
		p, err := parseLine(text)
		if err != nil {
			return line{}, false, &ParseError{num, p.Name, err}
		}
		return line{p, num}, true, nil
	}
	return line{}, false, nil
}

// parseLine takes a content line apart (RFC 5545 section 3.1).
func parseLine(s string) (Property, error) {
	end := strings.IndexAny(s, ";:")
	if end < 0 {
		return Property{}, fmt.Errorf("%q is not a property: it has no colon", clip(s))
	}
	p := Property{Name: strings.ToUpper(strings.TrimSpace(s[:end]))}
	if !token(p.Name) {
		return Property{}, fmt.Errorf("%q is not the name of a property", clip(s[:end]))
	}
	s = s[end:]
	for strings.HasPrefix(s, ";") {
		end = strings.IndexAny(s[1:], "=;:")
		if end < 0 {
			return p, errors.New("it has no value")
		}
		name := strings.ToUpper(strings.TrimSpace(s[1 : 1+end]))
		if s = s[1+end:]; name == "" && s[0] != '=' {
			continue // a semicolon too many
		}
		if !token(name) {
			return p, fmt.Errorf("%q is not the name of a parameter", clip(name))
		}
		values := []string{""}
		if s[0] == '=' {
			var err error
			if values, s, err = paramValues(s[1:]); err != nil {
				return p, err
			}
		}
		for _, v := range values {
			p.Params = append(p.Params, Param{name, v})
		}
		if len(p.Params) > maxParams {
			return p, fmt.Errorf("%w: more than %d parameters", ErrLimit, maxParams)
		}
	}
	if s == "" {
		return p, errors.New("it has no value")
	}
	p.Value = s[1:]
	return p, nil
}

// paramValues reads the values of a parameter; rest begins with what ended
// them.
func paramValues(s string) (values []string, rest string, err error) {
	start, quoted, marks := 0, false, false
	take := func(end int) {
		v := s[start:end]
		if marks {
			v = strings.ReplaceAll(v, `"`, "")
		}
		if len(values) <= maxParams {
			values = append(values, uncareter.Replace(v))
		}
		start, marks = end+1, false
	}
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"':
			quoted, marks = !quoted, true
		case quoted:
		case c == ',':
			take(i)
		case c == ';' || c == ':':
			take(i)
			return values, s[i:], nil
		}
	}
	if quoted {
		return nil, "", errors.New("a quotation mark is not closed")
	}
	take(len(s))
	return values, "", nil
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
			if !token(part) {
				return n, l.fail(fmt.Errorf("%q is not the name of a component", clip(part)))
			}
			x, err := r.component(part, l.num, depth+1)
			if err != nil {
				return n, err
			}
			n.parts = append(n.parts, x)
		case "END":
			if !equalFold(strings.TrimSpace(l.Value), name) {
				return n, l.fail(fmt.Errorf("%q ends inside of %s", clip(l.Value), clip(name)))
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
		l.Value = unescape(l.Value)
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
			for _, c := range splitText(l.Value) {
				r.category(c)
			}
		case eventTexts[l.Name]:
			l.Value = unescape(l.Value)
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
