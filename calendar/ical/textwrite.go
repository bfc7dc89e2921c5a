package ical

import (
	"strconv"
	"strings"

	"rmp/calendar/contentline"
)

// AppendText appends the calendar as text: lines end with CRLF and are folded
// at 75 octets, never inside of a character. Zones that the times use and
// that the calendar does not define are described, if they are known. What a
// user typed can become part of a value only, never a line of its own.
func (c *Calendar) AppendText(b []byte) []byte {
	w := textWriter{contentline.NewWriter(b)}
	w.raw("BEGIN", "VCALENDAR")
	w.raw("VERSION", "2.0")
	w.text("PRODID", c.ProdID)
	w.raw("METHOD", c.Method)
	for _, p := range c.Extra {
		switch strings.ToUpper(p.Name) {
		case "VERSION", "PRODID", "METHOD":
		default:
			w.property(p)
		}
	}
	for _, z := range c.Zones {
		w.component(z.component())
	}
	for _, z := range c.missingZones() {
		w.component(z.component())
	}
	for _, e := range c.Events {
		w.event("VEVENT", e, "")
	}
	for _, e := range c.Todos {
		w.event("VTODO", e, "")
	}
	for _, f := range c.Busy {
		w.component(f.component())
	}
	for _, o := range c.Others {
		switch strings.ToUpper(o.Name) {
		case "VCALENDAR", "VEVENT", "VTODO", "VTIMEZONE", "VFREEBUSY":
		default:
			w.component(o)
		}
	}
	w.raw("END", "VCALENDAR")
	return w.Bytes()
}

// textWriter writes content lines.
type textWriter struct{ *contentline.Writer }

// event writes the event in the order of CommuniGate Pro, and its exceptions
// after it.
func (w *textWriter) event(component string, e *Event, uid string) {
	if e.UID != "" {
		uid = e.UID
	}
	w.raw("BEGIN", component)
	if e.Organizer != nil {
		w.property(organizer(e.Organizer, e.OrganizerParams))
	}
	w.time("DTSTAMP", e.Stamp)
	w.text("UID", uid)
	w.raw("SEQUENCE", strconv.Itoa(e.Sequence))
	w.text("SUMMARY", e.Summary)
	w.time("DTSTART", e.Start)
	w.time("DTEND", e.End)
	if e.Duration != 0 && e.End.IsZero() {
		w.raw("DURATION", formatDuration(e.Duration))
	}
	w.time("DUE", e.Due)
	if e.ThisAndAfter && !e.RecurrenceID.IsZero() {
		p := timeProperty("RECURRENCE-ID", e.RecurrenceID)
		p.Params = append(p.Params, Param{Name: "RANGE", Value: "THISANDFUTURE"})
		w.property(p)
	} else {
		w.time("RECURRENCE-ID", e.RecurrenceID)
	}
	for _, r := range e.RRules {
		w.raw("RRULE", r)
	}
	for _, t := range e.RDates {
		w.time("RDATE", t)
	}
	for _, t := range e.ExDates {
		w.time("EXDATE", t)
	}
	w.time("CREATED", e.Created)
	w.time("LAST-MODIFIED", e.LastModified)
	w.raw("TRANSP", e.Transp)
	w.raw("X-MICROSOFT-CDO-BUSYSTATUS", e.BusyStatus)
	w.raw("CLASS", e.Class)
	w.raw("STATUS", e.Status)
	if e.Priority != 0 {
		w.raw("PRIORITY", strconv.Itoa(e.Priority))
	}
	if e.PercentComplete != 0 {
		w.raw("PERCENT-COMPLETE", strconv.Itoa(e.PercentComplete))
	}
	w.text("LOCATION", e.Location)
	w.text("DESCRIPTION", e.Description)
	w.raw("URL", e.URL)
	if len(e.Categories) > 0 {
		parts := make([]string, len(e.Categories))
		for i, c := range e.Categories {
			parts[i] = contentline.Escape(c)
		}
		w.raw("CATEGORIES", strings.Join(parts, ","))
	}
	for _, p := range e.Extra {
		if !modelled[strings.ToUpper(p.Name)] {
			w.property(p)
		}
	}
	for _, a := range e.Attendees {
		w.property(a.property())
	}
	for _, a := range e.Alarms {
		if strings.EqualFold(a.Name, "VALARM") {
			w.component(a)
		}
	}
	w.raw("END", component)
	for _, x := range e.Exceptions {
		w.event(component, x, uid)
	}
}

// component writes a component; one whose name is none is left out.
func (w *textWriter) component(c Component) {
	name := strings.ToUpper(c.Name)
	if !contentline.Token(name) {
		return
	}
	w.raw("BEGIN", name)
	for _, p := range c.Properties {
		w.property(p)
	}
	for _, x := range c.Components {
		w.component(x)
	}
	w.raw("END", name)
}

func (w *textWriter) time(name string, t Time) {
	if !t.IsZero() {
		w.property(timeProperty(name, t))
	}
}

// text writes a TEXT value, raw one of another type; an empty one is none.
func (w *textWriter) text(name, value string) { w.raw(name, contentline.Escape(value)) }

func (w *textWriter) raw(name, value string) {
	if value != "" {
		w.Write(name, nil, value)
	}
}

// property writes a property of the model. BEGIN and END are none, and would
// change what belongs to what.
func (w *textWriter) property(p Property) {
	name := strings.ToUpper(p.Name)
	if !contentline.Token(name) || name == "BEGIN" || name == "END" {
		return
	}
	value := p.Value
	if isText(name, p.Params) {
		value = contentline.Escape(value)
	}
	w.Write(name, p.Params, value)
}
