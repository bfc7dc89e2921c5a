package groupware

import (
	"strings"
	"time"

	"rmp/calendar/ical"
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
	if veiled {
		title, description = "Private", ""
	}
	organizer := b.Organizer.Name
	if organizer == "" {
		organizer = b.Organizer.Email
	}
	e := &ical.Event{
		UID: b.UID, Sequence: b.Sequence, Stamp: ical.At(b.UpdatedAt), Created: ical.At(b.CreatedAt),
		Start: ical.At(b.Start), End: ical.At(b.End), Summary: title, Description: description, Location: location(b),
		Organizer: &ical.Address{Email: t.ServiceAccount(), Name: organizer},
		Transp:    "OPAQUE", BusyStatus: "BUSY", Class: class, Status: "CONFIRMED",
		Extra: []ical.Property{{Name: "X-RMP-ACTUAL-ORGANIZER", Value: "MAILTO:" + b.Organizer.Email}},
	}
	if loc, err := time.LoadLocation(b.TimeZone); err == nil {
		start, end := ical.InZone(b.Start, loc), ical.InZone(b.End, loc)
		if start.Wall.In(loc).Equal(b.Start) && end.Wall.In(loc).Equal(b.End) {
			e.Start, e.End = start, end
		} // else it is the second of two equal wall times, which only UTC can say
	}
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
	return &ical.Calendar{Method: "PUBLISH", ProdID: prodID, Version: "2.0", Events: []*ical.Event{e}}
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
