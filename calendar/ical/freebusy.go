package ical

import (
	"fmt"
	"strings"
	"time"

	"rmp/calendar/contentline"
)

// FreeBusy is a VFREEBUSY: a request for, or an answer of, busy time. It is
// what CommuniGate Pro keeps in freebusy.vfb.
type FreeBusy struct {
	UID       string
	Stamp     Time
	Start     Time
	End       Time
	Organizer *Address
	Attendees []Attendee
	URL       string
	Periods   []Period
	Extra     []Property
}

// Period is a stretch of time that is busy.
type Period struct {
	Start, End Time
	Type       string // FBTYPE: BUSY, BUSY-TENTATIVE, BUSY-UNAVAILABLE, FREE, or "", which is BUSY
}

// period is a PERIOD (RFC 5545 section 3.3.9) as it was written: with an end
// or a length.
type period struct {
	start, end Time
	length     time.Duration
}

func parsePeriod(s string, p Property) (period, error) {
	from, till, ok := strings.Cut(s, "/")
	if !ok {
		return period{}, fmt.Errorf("%q is not a period such as 20260901T140000Z/PT1H", contentline.Clip(s))
	}
	start, err := parseTime(from, p.Param("TZID"))
	if err != nil {
		return period{}, err
	}
	x := period{start: start}
	if till = strings.TrimSpace(till); strings.HasPrefix(strings.TrimPrefix(till, "+"), "P") {
		x.length, err = parseDuration(till)
		return x, err
	}
	if x.end, err = parseTime(till, p.Param("TZID")); err == nil && x.end.Kind == start.Kind && x.end.Wall.Before(start.Wall) {
		err = fmt.Errorf("%q ends before it starts", contentline.Clip(s))
	}
	return x, err
}

// freeBusyOf reads a VFREEBUSY.
func freeBusyOf(c Component) (*FreeBusy, error) {
	f := &FreeBusy{}
	for _, p := range c.Properties {
		if err := f.set(p); err != nil {
			return nil, fmt.Errorf("vfreebusy: %s: %w", strings.ToLower(p.Name), err)
		}
	}
	return f, nil
}

func (f *FreeBusy) set(p Property) error {
	text := strings.TrimSpace(p.Value)
	at := func(dst *Time) (err error) {
		if text != "" {
			*dst, err = timeOf(text, p)
		}
		return err
	}
	switch strings.ToUpper(p.Name) {
	case "UID":
		f.UID = text
	case "DTSTAMP":
		return at(&f.Stamp)
	case "DTSTART":
		return at(&f.Start)
	case "DTEND":
		return at(&f.End)
	case "URL":
		f.URL = text
	case "ORGANIZER":
		f.Organizer, _ = organizerOf(p)
	case "ATTENDEE":
		f.Attendees = append(f.Attendees, attendeeOf(p))
	case "FREEBUSY":
		for part := range strings.SplitSeq(text, ",") {
			if part = strings.TrimSpace(part); part == "" {
				continue
			}
			x, err := parsePeriod(part, p)
			if err != nil {
				return err
			}
			if x.end.IsZero() {
				x.end = x.start
				x.end.Wall = x.start.Wall.Add(x.length)
				if x.end.Kind == Date {
					x.end.Wall = x.end.Wall.Date()
				}
			}
			if !x.end.Wall.Valid() {
				return fmt.Errorf("%q ends too late", contentline.Clip(part))
			}
			f.Periods = append(f.Periods, Period{x.start, x.end, strings.ToUpper(p.Param("FBTYPE"))})
		}
	default:
		f.Extra = append(f.Extra, p)
	}
	return nil
}

// freeBusyFields are the properties that a FreeBusy has fields for.
var freeBusyFields = map[string]bool{
	"UID": true, "DTSTAMP": true, "DTSTART": true, "DTEND": true, "URL": true, "ORGANIZER": true, "ATTENDEE": true, "FREEBUSY": true,
}

func (f *FreeBusy) component() Component {
	c := Component{Name: "VFREEBUSY"}
	text := func(name, value string) {
		if value != "" {
			c.Properties = append(c.Properties, Property{Name: name, Value: value})
		}
	}
	at := func(name string, t Time) {
		if !t.IsZero() {
			c.Properties = append(c.Properties, timeProperty(name, t))
		}
	}
	if f.Organizer != nil {
		c.Properties = append(c.Properties, organizer(f.Organizer, nil))
	}
	for _, a := range f.Attendees {
		c.Properties = append(c.Properties, a.property())
	}
	text("UID", f.UID)
	at("DTSTAMP", f.Stamp)
	at("DTSTART", f.Start)
	at("DTEND", f.End)
	text("URL", f.URL)
	for _, x := range f.Periods {
		p := Property{Name: "FREEBUSY", Value: x.Start.String() + "/" + x.End.String()}
		if x.Type != "" {
			p.Params = append(p.Params, Param{Name: "FBTYPE", Value: x.Type})
		}
		if x.Start.Kind == Zoned {
			p.Params = append(p.Params, Param{Name: "TZID", Value: x.Start.Zone})
		}
		c.Properties = append(c.Properties, p)
	}
	for _, p := range f.Extra {
		if !freeBusyFields[strings.ToUpper(p.Name)] {
			c.Properties = append(c.Properties, p)
		}
	}
	return c
}
