package ical

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"rmp/calendar/contentline"
)

// What one property means for an event is the same in text and in XML; both
// readers bring it into the form of a Property and give it to an eventReader.

// eventReader collects the properties of an Event.
type eventReader struct {
	*Event
	periods []period // of RDATE
	values  int      // of lists, for the limits
}

// maxPeriods is how many RDATEs with a length of their own an event may have:
// each becomes an exception.
const maxPeriods = 200

// modelled are the properties that an event has fields for.
var modelled = map[string]bool{
	"UID": true, "SEQUENCE": true, "PRIORITY": true, "PERCENT-COMPLETE": true, "DTSTAMP": true, "CREATED": true, "LAST-MODIFIED": true,
	"DTSTART": true, "DTEND": true, "DUE": true, "DURATION": true, "SUMMARY": true, "DESCRIPTION": true, "LOCATION": true, "URL": true,
	"CATEGORIES": true, "ORGANIZER": true, "ATTENDEE": true, "TRANSP": true, "BUSYSTATUS": true, "X-MICROSOFT-CDO-BUSYSTATUS": true,
	"CLASS": true, "STATUS": true, "RRULE": true, "RDATE": true, "EXDATE": true, "RECURRENCE-ID": true,
}

func (r *eventReader) set(p Property) error {
	e, text := r.Event, strings.TrimSpace(p.Value)
	at := func(dst *Time) error {
		if text == "" {
			return nil
		}
		t, err := timeOf(text, p)
		*dst = t
		return err
	}
	number := func(dst *int) error {
		if text == "" {
			return nil
		}
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 {
			return fmt.Errorf("%q is not a number", contentline.Clip(text))
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
		e.Summary = p.Value
	case "description":
		e.Description = p.Value
	case "location":
		e.Location = p.Value
	case "url":
		e.URL = text
	case "categories":
		for c := range strings.SplitSeq(p.Value, ",") {
			r.category(c)
		}
	case "organizer":
		e.Organizer, e.OrganizerParams = organizerOf(p)
	case "attendee":
		e.Attendees = append(e.Attendees, attendeeOf(p))
	case "transp":
		e.Transp = strings.ToUpper(text)
	case "busystatus", "x-microsoft-cdo-busystatus":
		e.BusyStatus = strings.ToUpper(text)
	case "class":
		e.Class = strings.ToUpper(text)
	case "status":
		e.Status = strings.ToUpper(text)
	case "rrule":
		e.RRules = append(e.RRules, text)
	case "rdate":
		return r.rdate(p)
	case "exdate":
		return r.list(p, func(part string) error {
			t, err := timeOf(part, p)
			e.ExDates = append(e.ExDates, t)
			return err
		})
	case "recurrence-id":
		e.ThisAndAfter = strings.EqualFold(p.Param("RANGE"), "THISANDFUTURE")
		return at(&e.RecurrenceID)
	default:
		e.Extra = append(e.Extra, p)
	}
	return nil
}

func (r *eventReader) category(c string) {
	if c = strings.TrimSpace(c); c != "" {
		r.Categories = append(r.Categories, c)
		r.values++
	}
}

// list gives the values of a comma-separated list to fn.
func (r *eventReader) list(p Property, fn func(string) error) error {
	for part := range strings.SplitSeq(p.Value, ",") {
		if part = strings.TrimSpace(part); part == "" {
			continue
		}
		r.values++
		if err := fn(part); err != nil {
			return err
		}
	}
	return nil
}

func (r *eventReader) rdate(p Property) error {
	return r.list(p, func(part string) error {
		if !strings.Contains(part, "/") {
			t, err := timeOf(part, p)
			r.RDates = append(r.RDates, t)
			return err
		}
		x, err := parsePeriod(part, p)
		if err != nil {
			return err
		}
		if len(r.periods) >= maxPeriods {
			return fmt.Errorf("%w: more than %d periods", ErrLimit, maxPeriods)
		}
		r.RDates = append(r.RDates, x.start)
		r.periods = append(r.periods, x)
		return nil
	})
}

// timeOf reads a time with the parameters of its property.
func timeOf(s string, p Property) (Time, error) {
	// Some programs say that it is a date and write a time all the same.
	if strings.EqualFold(p.Param("VALUE"), "DATE") && len(s) > 8 && s[8] == 'T' {
		s = s[:8]
	}
	return parseTime(s, p.Param("TZID"))
}

// finish checks what all the properties are together.
func (r *eventReader) finish(needStart bool) error {
	e := r.Event
	if e.Start.IsZero() && needStart {
		return fmt.Errorf("dtstart: is missing")
	}
	if !e.End.IsZero() {
		e.Duration = 0
		if e.Start.Kind == e.End.Kind && e.Start.Zone == e.End.Zone && e.End.Wall.Before(e.Start.Wall) {
			return fmt.Errorf("dtend: is before dtstart")
		}
	}
	if e.RecurrenceID.IsZero() {
		e.ThisAndAfter = false
		for _, p := range r.periods {
			if !p.lasts(e) {
				e.Exceptions = append(e.Exceptions, p.exception(e))
			}
		}
	}
	return nil
}

// lasts reports whether the period is as long as the event anyway.
func (p period) lasts(e *Event) bool {
	if p.end.IsZero() {
		return e.End.IsZero() && e.Duration == p.length
	}
	return e.End.Kind == p.end.Kind && e.End.Zone == p.end.Zone && e.Start.Kind == p.start.Kind &&
		e.End.Wall.Sub(e.Start.Wall) == p.end.Wall.Sub(p.start.Wall)
}

// exception is the occurrence of e that the period is.
func (p period) exception(e *Event) *Event {
	x := *e
	x.RRules, x.RDates, x.ExDates, x.Exceptions = nil, nil, nil, nil
	x.Categories, x.Attendees = slices.Clip(x.Categories), slices.Clip(x.Attendees)
	x.Alarms, x.Extra = slices.Clip(x.Alarms), slices.Clip(x.Extra)
	x.RecurrenceID, x.Start, x.End, x.Duration = p.start, p.start, p.end, p.length
	return &x
}

// startless reports whether an event of the iTIP method needs no start.
func startless(method string) bool {
	switch strings.ToUpper(method) {
	case "REPLY", "CANCEL", "REFRESH", "DECLINECOUNTER":
		return true
	}
	return false
}

// gather puts exceptions under their masters: the nearest before them, or
// else the first after them. Those without one stay where they are.
func gather(events []*Event) []*Event {
	masters := map[string]*Event{}
	for _, e := range slices.Backward(events) {
		if e.RecurrenceID.IsZero() {
			masters[e.UID] = e
		}
	}
	var out []*Event
	for _, e := range events {
		switch m := masters[e.UID]; {
		case e.RecurrenceID.IsZero():
			masters[e.UID] = e
			out = append(out, e)
		case m != nil:
			m.Exceptions = append(m.Exceptions, e)
		default:
			out = append(out, e)
		}
	}
	return out
}

// address is a calendar user without MAILTO:.
func address(s string) string {
	for s = strings.TrimSpace(s); len(s) >= 7 && strings.EqualFold(s[:7], "mailto:"); s = strings.TrimSpace(s[7:]) {
	}
	return s
}

// uri is a calendar user as a property has it: MAILTO: with an e-mail
// address, anything that is a URI already as it is.
func uri(email string) string {
	scheme, _, found := strings.Cut(email, ":")
	for i, c := range []byte(scheme) {
		letter := c|0x20 >= 'a' && c|0x20 <= 'z'
		if !letter && (i == 0 || !(c >= '0' && c <= '9' || c == '+' || c == '-' || c == '.')) {
			found = false
		}
	}
	if found && scheme != "" {
		return email
	}
	return "MAILTO:" + email
}

func organizerOf(p Property) (*Address, []Param) {
	o, rest := &Address{Email: address(p.Value)}, []Param(nil)
	for _, x := range p.Params {
		if strings.EqualFold(x.Name, "CN") {
			o.Name = x.Value
		} else {
			rest = append(rest, x)
		}
	}
	return o, rest
}

func organizer(o *Address, more []Param) Property {
	p := Property{Name: "ORGANIZER", Value: uri(o.Email)}
	if o.Name != "" {
		p.Params = append(p.Params, Param{Name: "CN", Value: o.Name})
	}
	p.Params = append(p.Params, more...)
	return p
}

func attendeeOf(p Property) Attendee {
	a := Attendee{Address: Address{Email: address(p.Value)}}
	for _, x := range p.Params {
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
			a.Params = append(a.Params, x)
		}
	}
	return a
}

// property is the attendee with its parameters in the order of CommuniGate
// Pro.
func (a Attendee) property() Property {
	p := Property{Name: "ATTENDEE", Value: uri(a.Email)}
	set := func(name, value string) {
		if value != "" {
			p.Params = append(p.Params, Param{Name: name, Value: value})
		}
	}
	set("PARTSTAT", a.PartStat)
	set("ROLE", a.Role)
	set("CUTYPE", a.CUType)
	if a.RSVP {
		set("RSVP", "TRUE")
	}
	set("CN", a.Name)
	p.Params = append(p.Params, a.Params...)
	return p
}

// timeProperty is a time as a property.
func timeProperty(name string, t Time) Property {
	p := Property{Name: name, Value: t.String()}
	switch t.Kind {
	case Date:
		p.Params = []Param{{Name: "VALUE", Value: "DATE"}}
	case Zoned:
		p.Params = []Param{{Name: "TZID", Value: t.Zone}}
	}
	return p
}
