package ical

import (
	"fmt"
	"strconv"
	"strings"
	"time"

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
		if !child.Is("vevent") && !child.Is("vtodo") {
			continue
		}
		e, err := eventFromXML(child)
		if err != nil {
			return nil, err
		}
		if child.Is("vtodo") {
			c.Todos = append(c.Todos, e)
		} else if !c.adopt(e) {
			c.Events = append(c.Events, e)
		}
	}
	return c, nil
}

// adopt puts an exception under its master, when that is there.
func (c *Calendar) adopt(e *Event) bool {
	if e.RecurrenceID.IsZero() {
		return false
	}
	for _, m := range c.Events {
		if m.UID == e.UID && m.RecurrenceID.IsZero() {
			m.Exceptions = append(m.Exceptions, e)
			return true
		}
	}
	return false
}

func eventFromXML(n *xmlnode.Node) (*Event, error) {
	e := &Event{BusyStatus: strings.ToUpper(n.Attr("busyStatus"))}
	for _, p := range n.Children {
		if err := e.property(p); err != nil {
			return nil, fmt.Errorf("iCalendar: %s: %w", strings.ToLower(p.Name), err)
		}
	}
	if n.Is("vevent") {
		if e.Start.IsZero() {
			return nil, fmt.Errorf("iCalendar: dtstart: is missing")
		}
		if !e.End.IsZero() && e.Start.Kind == e.End.Kind && e.Start.Zone == e.End.Zone && e.End.Wall.Before(e.Start.Wall) {
			return nil, fmt.Errorf("iCalendar: dtend: is before dtstart")
		}
	}
	return e, nil
}

func (e *Event) property(p *xmlnode.Node) error {
	text := strings.TrimSpace(p.Text)
	at := func(dst *Time) error {
		if text == "" {
			return nil
		}
		t, err := parseTime(text, p.Attr("TZID"))
		*dst = t
		return err
	}
	times := func(dst *[]Time) error {
		for part := range strings.SplitSeq(text, ",") {
			if strings.TrimSpace(part) == "" {
				continue
			}
			t, err := parseTime(part, p.Attr("TZID"))
			if err != nil {
				return err
			}
			*dst = append(*dst, t)
		}
		return nil
	}
	number := func(dst *int) error {
		if text == "" {
			return nil
		}
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 {
			return fmt.Errorf("%q is not a number", clip(text))
		}
		*dst = n
		return nil
	}
	switch strings.ToLower(p.Name) {
	case "uid":
		e.UID = text
	case "sequence":
		return number(&e.Sequence)
	case "priority":
		return number(&e.Priority)
	case "percent-complete":
		return number(&e.PercentComplete)
	case "dtstamp":
		return at(&e.Stamp)
	case "created":
		return at(&e.Created)
	case "last-modified":
		return at(&e.LastModified)
	case "dtstart":
		return at(&e.Start)
	case "dtend":
		return at(&e.End)
	case "due":
		return at(&e.Due)
	case "duration":
		d, err := parseDuration(text)
		e.Duration = d
		return err
	case "summary":
		e.Summary = p.Text
	case "description":
		e.Description = p.Text
	case "location":
		e.Location = p.Text
	case "url":
		e.URL = text
	case "categories":
		for c := range strings.SplitSeq(p.Text, ",") {
			if c = strings.TrimSpace(c); c != "" {
				e.Categories = append(e.Categories, c)
			}
		}
	case "organizer":
		e.Organizer = &Address{Email: address(text), Name: p.Attr("CN")}
	case "attendee":
		e.Attendees = append(e.Attendees, attendeeFromXML(p))
	case "transp":
		e.Transp = strings.ToUpper(text)
	case "busystatus", "x-microsoft-cdo-busystatus":
		e.BusyStatus = strings.ToUpper(text)
	case "class":
		e.Class = strings.ToUpper(text)
	case "status":
		e.Status = strings.ToUpper(text)
	case "rrule":
		e.RRules = append(e.RRules, rruleFromXML(p))
	case "rdate":
		return times(&e.RDates)
	case "exdate":
		return times(&e.ExDates)
	case "recurrence-id":
		e.ThisAndAfter = strings.EqualFold(p.Attr("RANGE"), "THISANDFUTURE")
		return at(&e.RecurrenceID)
	case "exceptions":
		for _, x := range p.Children {
			ex, err := eventFromXML(x)
			if err != nil {
				return err
			}
			e.Exceptions = append(e.Exceptions, ex)
		}
	default:
		x := Property{Name: p.Name, Value: p.Text}
		for _, a := range p.Attrs {
			x.Params = append(x.Params, Param(a))
		}
		e.Extra = append(e.Extra, x)
	}
	return nil
}

func address(s string) string {
	if len(s) >= 7 && strings.EqualFold(s[:7], "mailto:") {
		return s[7:]
	}
	return s
}

func attendeeFromXML(p *xmlnode.Node) Attendee {
	a := Attendee{Address: Address{Email: address(strings.TrimSpace(p.Text))}}
	for _, x := range p.Attrs {
		switch strings.ToUpper(x.Name) {
		case "CN":
			a.Name = x.Value
		case "ROLE":
			a.Role = strings.ToUpper(x.Value)
		case "PARTSTAT":
			a.PartStat = strings.ToUpper(x.Value)
		case "CUTYPE":
			a.CUType = strings.ToUpper(x.Value)
		case "RSVP":
			a.RSVP = strings.EqualFold(x.Value, "TRUE")
		default:
			a.Params = append(a.Params, Param(x))
		}
	}
	return a
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
	for _, e := range c.Events {
		v.Add(e.XML())
	}
	for _, e := range c.Todos {
		t := e.XML()
		t.Name = "vtodo"
		v.Add(t)
	}
	return xmlnode.New("iCalendar", "xmlns", xcalNamespace).Add(v)
}

// XML is the event as a vevent element.
func (e *Event) XML() *xmlnode.Node {
	n := xmlnode.New("vevent")
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
		o := xmlnode.New("organizer").WithText("MAILTO:" + e.Organizer.Email)
		if e.Organizer.Name != "" {
			o.Set("CN", e.Organizer.Name)
		}
		n.Add(o)
	}
	for _, a := range e.Attendees {
		n.Add(a.xml())
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
	for _, p := range e.Extra {
		x := xmlnode.New(p.Name).WithText(p.Value)
		for _, a := range p.Params {
			x.Set(a.Name, a.Value)
		}
		n.Add(x)
	}
	if len(e.Exceptions) > 0 {
		ex := xmlnode.New("exceptions")
		for _, x := range e.Exceptions {
			ex.Add(x.XML())
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

func (a Attendee) xml() *xmlnode.Node {
	n := xmlnode.New("attendee").WithText("MAILTO:" + a.Email)
	set := func(name, value string) {
		if value != "" {
			n.Set(name, value)
		}
	}
	set("PARTSTAT", a.PartStat)
	set("ROLE", a.Role)
	set("CUTYPE", a.CUType)
	if a.RSVP {
		set("RSVP", "TRUE")
	}
	set("CN", a.Name)
	for _, p := range a.Params {
		set(p.Name, p.Value)
	}
	return n
}

// parseDuration reads a DURATION (RFC 5545 section 3.3.6), not negative.
func parseDuration(s string) (time.Duration, error) {
	bad := fmt.Errorf("%q is not a duration such as PT1H30M", clip(s))
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
