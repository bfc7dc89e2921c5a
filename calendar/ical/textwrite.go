package ical

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// AppendText appends the calendar as text: lines end with CRLF and are folded
// at 75 octets, never inside of a character. Zones that the times use and
// that the calendar does not define are described, if they are known. What a
// user typed can become part of a value only, never a line of its own.
func (c *Calendar) AppendText(b []byte) []byte {
	w := textWriter{b: b}
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
	return w.b
}

// textWriter writes content lines.
type textWriter struct {
	b    []byte
	line []byte
}

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
		p.Params = append(p.Params, Param{"RANGE", "THISANDFUTURE"})
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
			parts[i] = escape(c)
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
		if equalFold(a.Name, "VALARM") {
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
	if !token(name) {
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
func (w *textWriter) text(name, value string) { w.raw(name, escape(value)) }

func (w *textWriter) raw(name, value string) {
	if value != "" {
		w.write(name, nil, value)
	}
}

// property writes a property of the model. BEGIN and END are none, and would
// change what belongs to what.
func (w *textWriter) property(p Property) {
	name := strings.ToUpper(p.Name)
	if !token(name) || name == "BEGIN" || name == "END" {
		return
	}
	value := p.Value
	if isText(name, p.Params) {
		value = escape(value)
	}
	w.write(name, p.Params, value)
}

func (w *textWriter) write(name string, params []Param, value string) {
	w.line = append(w.line[:0], name...)
	last := ""
	for _, p := range params {
		param := strings.ToUpper(p.Name)
		if !token(param) {
			continue
		}
		if param == last { // one more value
			w.line = append(w.line, ',')
		} else {
			w.line = append(append(append(w.line, ';'), param...), '=')
		}
		last = param
		v := caret(p.Value)
		if strings.ContainsAny(v, ",;:") {
			v = `"` + v + `"`
		}
		w.clean(v)
	}
	w.line = append(w.line, ':')
	w.clean(breaks.Replace(value))
	w.flush()
}

// breaks is for values that have no escapes but must stay on their line.
var breaks = strings.NewReplacer("\r\n", `\n`, "\r", `\n`, "\n", `\n`)

// clean appends to the line without control characters.
func (w *textWriter) clean(s string) {
	for _, c := range []byte(strings.ToValidUTF8(s, "\ufffd")) {
		if !isControl(c) {
			w.line = append(w.line, c)
		}
	}
}

// foldAt is the length of a line, without its end (RFC 5545 section 3.1).
const foldAt = 75

// flush writes the line, folded.
func (w *textWriter) flush() {
	l, room := w.line, foldAt
	for len(l) > room {
		cut := room
		for cut > 1 && !utf8.RuneStart(l[cut]) {
			cut--
		}
		w.b = append(append(w.b, l[:cut]...), "\r\n "...)
		l, room = l[cut:], foldAt-1
	}
	w.b = append(append(w.b, l...), "\r\n"...)
}
