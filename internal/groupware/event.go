package groupware

import (
	"strings"
	"time"

	"rmp/calendar/ical"
	"rmp/calendar/zone"
	"rmp/internal/booking"
	"rmp/internal/outbox"
	"rmp/internal/tenant"
)

const prodID = "-//RMP//Resource Management Platform//EN"

// event is the booking as the calendar of a job is to hold it. The organizer
// is the service account, which alone may change it; who booked stands in
// X-RMP-ACTUAL-ORGANIZER. What a private booking is about is in the calendars
// of its people only.
func event(t tenant.Tenant, j outbox.Job) *ical.Calendar {
	b := j.Booking
	title, description, class := b.Title, b.Description, "PUBLIC"
	veiled := b.Private && j.Kind != booking.PersonCalendar
	if b.Private {
		class = "PRIVATE"
	}
	where := location(b)
	if veiled {
		title, description = "Private", ""
		where = location(booking.Booking{Resources: b.Resources})
	}
	organizer := b.Organizer.Name
	if organizer == "" {
		organizer = b.Organizer.Email
	}
	e := &ical.Event{
		UID: b.UID, Sequence: b.Sequence, Stamp: ical.At(b.UpdatedAt), Created: ical.At(b.CreatedAt),
		Start: ical.At(b.Start), End: ical.At(b.End), Summary: title, Description: description, Location: where,
		Organizer: &ical.Address{Email: t.ServiceAccount(), Name: organizer},
		Transp:    "OPAQUE", BusyStatus: "BUSY", Class: class, Status: "CONFIRMED",
		Extra: []ical.Property{{Name: "X-RMP-ACTUAL-ORGANIZER", Value: "MAILTO:" + b.Organizer.Email}},
	}
	setTimes(e, b)
	for _, r := range b.Resources {
		e.Attendees = append(e.Attendees, ical.Attendee{Address: ical.Address{Email: r.Email, Name: r.Name},
			CUType: "RESOURCE", Role: "NON-PARTICIPANT", PartStat: "ACCEPTED"})
	}
	e.Attendees = append(e.Attendees, ical.Attendee{Address: ical.Address{Email: b.Organizer.Email, Name: b.Organizer.Name},
		CUType: "INDIVIDUAL", Role: "CHAIR", PartStat: "ACCEPTED"})
	for _, a := range b.Attendees {
		if veiled || strings.EqualFold(a.Email, b.Organizer.Email) {
			continue
		}
		role := "REQ-PARTICIPANT"
		if a.Role == "optional" {
			role = "OPT-PARTICIPANT"
		}
		e.Attendees = append(e.Attendees, ical.Attendee{Address: ical.Address{Email: a.Email, Name: a.Name},
			CUType: "INDIVIDUAL", Role: role, PartStat: strings.ToUpper(a.PartStat), RSVP: true})
	}
	setSeries(e, b, veiled)
	return &ical.Calendar{Method: "PUBLISH", ProdID: prodID, Version: "2.0", Events: []*ical.Event{e}}
}

// Feed writes bookings as an iCalendar file for a subscription, as the person
// who asks may see them.
func Feed(t tenant.Tenant, name string, list []booking.Booking) []byte {
	out := &ical.Calendar{Method: "PUBLISH", ProdID: prodID, Version: "2.0", Extra: []ical.Property{
		{Name: "X-WR-CALNAME", Value: feedText(name)}, {Name: "REFRESH-INTERVAL", Params: []ical.Param{{Name: "VALUE", Value: "DURATION"}}, Value: "PT15M"}, {Name: "X-PUBLISHED-TTL", Value: "PT15M"}}}
	for _, b := range list {
		// The booking is veiled already where it has to be.
		c := event(t, outbox.Job{Booking: b, Kind: booking.PersonCalendar})
		for _, e := range c.Events {
			e.Extra = nil
			for i := range e.Attendees {
				e.Attendees[i].RSVP = false // a subscription is not an invitation
			}
		}
		out.Events = append(out.Events, c.Events...)
	}
	return out.AppendText(nil)
}

// feedText makes a text fit for a property that is written as it is.
func feedText(s string) string {
	return strings.NewReplacer("\\", "\\\\", ";", "\\;", ",", "\\,", "\r", " ", "\n", " ").Replace(s)
}

// inWall is an instant as the wall time of the booking's zone, or in UTC
// where it is the second of two equal wall times, which only UTC can say.
func inWall(t time.Time, loc *time.Location) ical.Time {
	if w := ical.InZone(t, loc); w.Wall.In(loc).Equal(t) {
		return w
	}
	return ical.At(t)
}

func setTimes(e *ical.Event, b booking.Booking) {
	loc, err := zone.LoadIANA(b.TimeZone)
	if err != nil {
		return
	}
	start, end := inWall(b.Start, loc), inWall(b.End, loc)
	if start.Kind == end.Kind {
		e.Start, e.End = start, end
	}
	if b.Recurrence != nil { // recurs in wall time whatever the first date is
		e.Start, e.End = ical.InZone(b.Start, loc), ical.InZone(b.End, loc)
	}
}

// setSeries adds the recurrence, and the dates that are not as it has them: a
// date that does not take place is left out, a changed one is an exception.
func setSeries(e *ical.Event, b booking.Booking, veiled bool) {
	if b.Recurrence == nil {
		return
	}
	loc, err := zone.LoadIANA(b.TimeZone)
	if err != nil {
		loc = time.UTC
	}
	if b.Recurrence.RRule != "" {
		e.RRules = []string{b.Recurrence.RRule}
	}
	for _, t := range b.Recurrence.RDates {
		e.RDates = append(e.RDates, ical.InZone(t, loc))
	}
	for _, t := range b.Recurrence.ExDates {
		e.ExDates = append(e.ExDates, ical.InZone(t, loc))
	}
	for _, o := range b.Overrides {
		if o.State != booking.ChangedDate {
			e.ExDates = append(e.ExDates, ical.InZone(o.Original, loc))
			continue
		}
		x := *e
		x.RRules, x.RDates, x.ExDates, x.Exceptions = nil, nil, nil, nil
		x.RecurrenceID = ical.InZone(o.Original, loc)
		x.Start, x.End = inWall(o.Start, loc), inWall(o.End, loc)
		if x.Start.Kind != x.End.Kind {
			x.Start, x.End = ical.At(o.Start), ical.At(o.End)
		}
		if !veiled {
			x.Summary, x.Description = o.Title, o.Description
		}
		if o.Location != "" && !veiled {
			x.Location = o.Location
		}
		e.Exceptions = append(e.Exceptions, &x)
	}
}

// location is what the booking says, or the names of its resources.
func location(b booking.Booking) string {
	if b.Location != "" {
		return b.Location
	}
	names := make([]string, len(b.Resources))
	for i, r := range b.Resources {
		names[i] = r.Name
	}
	return strings.Join(names, ", ")
}
