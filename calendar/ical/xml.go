package ical

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"rmp/calendar/contentline"
	"rmp/xmlnode"
)

// The iCalendar-XML of CommuniGate Pro is of the family of the draft that
// came before RFC 6321: an element per property, parameters as attributes,
// the value as text. Letter case varies among its writers, so names are read
// without regard to it. (CommuniGate Pro Guide, XIMSS and WebCalendar pages.)

const xcalNamespace = "urn:ietf:params:xml:ns:xcal"

// FromXML reads an iCalendar or vCalendar element, or a bare vevent or vtodo.
func FromXML(n *xmlnode.Node) (*Calendar, error) {
	c := &Calendar{}
	switch {
	case n.Is("iCalendar"):
		for _, v := range n.Children {
			if v.Is("vCalendar") {
				return FromXML(v)
			}
		}
		// Some writers leave the inner element out.
	case n.Is("vCalendar"):
	case n.Is("vevent"), n.Is("vtodo"):
		n = xmlnode.New("vCalendar").Add(n)
	default:
		return nil, fmt.Errorf("iCalendar: unexpected element %q", n.Name)
	}
	c.Method = strings.ToUpper(n.Attr("method"))
	c.ProdID, c.Version = n.Attr("prodid"), n.Attr("version")
	for _, child := range n.Children {
		if err := c.childFromXML(child); err != nil {
			return nil, err
		}
	}
	c.Events, c.Todos = gather(c.Events), gather(c.Todos)
	return c, nil
}

func (c *Calendar) childFromXML(n *xmlnode.Node) error {
	switch {
	case n.Is("vevent"), n.Is("vtodo"):
		e, err := eventFromXML(n, n.Is("vevent") && !startless(c.Method))
		if err != nil {
			return err
		}
		if n.Is("vtodo") {
			c.Todos = append(c.Todos, e)
		} else {
			c.Events = append(c.Events, e)
		}
	case n.Is("vtimezone"):
		// One that cannot be used is missed when its name is looked up.
		if z, err := timezoneOf(componentFromXML(n)); err == nil {
			c.Zones = append(c.Zones, z)
		}
	case n.Is("vfreebusy"):
		f, err := freeBusyOf(componentFromXML(n))
		if err != nil {
			return fmt.Errorf("iCalendar: %w", err)
		}
		c.Busy = append(c.Busy, f)
	case len(n.Children) > 0:
		c.Others = append(c.Others, componentFromXML(n))
	default:
		c.Extra = append(c.Extra, propertyFromXML(n))
	}
	return nil
}

func eventFromXML(n *xmlnode.Node, needStart bool) (*Event, error) {
	r := eventReader{Event: &Event{BusyStatus: strings.ToUpper(n.Attr("busyStatus"))}}
	for _, p := range n.Children {
		var err error
		switch {
		case p.Is("rrule"):
			r.RRules = append(r.RRules, rruleFromXML(p))
		case p.Is("exceptions"):
			for _, x := range p.Children {
				var ex *Event
				if ex, err = eventFromXML(x, x.Is("vevent") && needStart); err != nil {
					break
				}
				r.Exceptions = append(r.Exceptions, ex)
			}
		case p.Is("valarm"):
			r.Alarms = append(r.Alarms, componentFromXML(p))
		default:
			err = r.set(propertyFromXML(p))
		}
		if err != nil {
			return nil, fmt.Errorf("iCalendar: %s: %w", strings.ToLower(p.Name), err)
		}
	}
	if err := r.finish(needStart); err != nil {
		return nil, fmt.Errorf("iCalendar: %w", err)
	}
	return r.Event, nil
}

// rruleFromXML takes the rule as text, or as child elements.
func rruleFromXML(p *xmlnode.Node) string {
	if len(p.Children) == 0 {
		return strings.TrimSpace(p.Text)
	}
	var parts []string
	values := map[string][]string{}
	for _, c := range p.Children {
		name := strings.ToUpper(c.Name)
		if len(values[name]) == 0 {
			parts = append(parts, name)
		}
		values[name] = append(values[name], strings.TrimSpace(c.Text))
	}
	for i, name := range parts {
		parts[i] = name + "=" + strings.Join(values[name], ",")
	}
	return strings.Join(parts, ";")
}

// XML is the calendar as CommuniGate Pro takes it.
func (c *Calendar) XML() *xmlnode.Node {
	v := xmlnode.New("vCalendar")
	if c.Method != "" {
		v.Set("method", c.Method)
	}
	v.Set("prodid", c.ProdID)
	v.Set("version", "2.0")
	v.Add(propertiesXML(c.Extra, nil)...)
	for _, z := range c.Zones {
		v.Add(z.component().xml()...)
	}
	for _, e := range c.Events {
		v.Add(e.XML())
	}
	for _, e := range c.Todos {
		v.Add(e.xml("vtodo"))
	}
	for _, f := range c.Busy {
		v.Add(f.component().xml()...)
	}
	for _, o := range c.Others {
		if !reservedXML(o.Name) {
			v.Add(o.xml()...)
		}
	}
	return xmlnode.New("iCalendar", "xmlns", xcalNamespace).Add(v)
}

// XML is the event as a vevent element.
func (e *Event) XML() *xmlnode.Node { return e.xml("vevent") }

func (e *Event) xml(component string) *xmlnode.Node {
	n := xmlnode.New(component)
	text := func(name, value string) {
		if value != "" {
			n.Add(xmlnode.New(name).WithText(value))
		}
	}
	at := func(name string, t Time, more ...string) {
		if !t.IsZero() {
			n.Add(timeXML(name, t).setAll(more))
		}
	}
	if e.Organizer != nil {
		n.Add(propertyXML(organizer(e.Organizer, e.OrganizerParams), "organizer"))
	}
	for _, a := range e.Attendees {
		n.Add(propertyXML(a.property(), "attendee"))
	}
	text("uid", e.UID)
	text("sequence", strconv.Itoa(e.Sequence))
	at("dtstamp", e.Stamp)
	at("created", e.Created)
	at("last-modified", e.LastModified)
	at("dtstart", e.Start)
	at("dtend", e.End)
	if e.Duration != 0 && e.End.IsZero() {
		text("duration", formatDuration(e.Duration))
	}
	at("due", e.Due)
	text("summary", e.Summary)
	text("description", e.Description)
	text("location", e.Location)
	text("url", e.URL)
	text("categories", strings.Join(e.Categories, ","))
	text("transp", e.Transp)
	text("busyStatus", e.BusyStatus)
	text("class", e.Class)
	text("status", e.Status)
	if e.Priority != 0 {
		text("priority", strconv.Itoa(e.Priority))
	}
	if e.PercentComplete != 0 {
		text("percent-complete", strconv.Itoa(e.PercentComplete))
	}
	for _, r := range e.RRules {
		text("rrule", r)
	}
	for _, t := range e.RDates {
		at("rdate", t)
	}
	for _, t := range e.ExDates {
		at("exdate", t)
	}
	if e.ThisAndAfter {
		at("recurrence-id", e.RecurrenceID, "RANGE", "THISANDFUTURE")
	} else {
		at("recurrence-id", e.RecurrenceID)
	}
	n.Add(propertiesXML(e.Extra, modelled)...)
	for _, a := range e.Alarms {
		n.Add(a.xml()...)
	}
	if len(e.Exceptions) > 0 {
		ex := xmlnode.New("exceptions")
		for _, x := range e.Exceptions {
			ex.Add(x.xml(component))
		}
		n.Add(ex)
	}
	return n
}

type timeNode struct{ *xmlnode.Node }

func (t timeNode) setAll(pairs []string) *xmlnode.Node {
	for i := 0; i+1 < len(pairs); i += 2 {
		t.Set(pairs[i], pairs[i+1])
	}
	return t.Node
}

func timeXML(name string, t Time) timeNode {
	n := xmlnode.New(name).WithText(t.String())
	switch t.Kind {
	case Date:
		n.Set("VALUE", "DATE")
	case Zoned:
		n.Set("TZID", t.Zone)
	}
	return timeNode{n}
}

// parseDuration reads a DURATION (RFC 5545 section 3.3.6), not negative.
func parseDuration(s string) (time.Duration, error) {
	bad := fmt.Errorf("%q is not a duration such as PT1H30M", contentline.Clip(s))
	rest, ok := strings.CutPrefix(strings.TrimPrefix(s, "+"), "P")
	if !ok || rest == "" || len(rest) > 30 {
		return 0, bad
	}
	units := map[byte]time.Duration{'W': 7 * 24 * time.Hour, 'D': 24 * time.Hour}
	var total time.Duration
	n, digits := int64(0), 0
	for i := range len(rest) {
		c := rest[i]
		switch {
		case c >= '0' && c <= '9':
			if digits++; digits > 9 {
				return 0, bad
			}
			n = n*10 + int64(c-'0')
		case c == 'T' && digits == 0:
			units = map[byte]time.Duration{'H': time.Hour, 'M': time.Minute, 'S': time.Second}
		case units[c] != 0 && digits > 0:
			if n > int64(100*366*24*time.Hour/units[c]) {
				return 0, bad
			}
			total += time.Duration(n) * units[c]
			n, digits = 0, 0
		default:
			return 0, bad
		}
	}
	if digits > 0 {
		return 0, bad
	}
	return total, nil
}

func formatDuration(d time.Duration) string {
	if d%(24*time.Hour) == 0 {
		return fmt.Sprintf("P%dD", d/(24*time.Hour))
	}
	return fmt.Sprintf("PT%dS", int64(d.Seconds()))
}
