// Package ical has one model of calendar data and the codecs for the forms in
// which it travels: iCalendar text (RFC 5545), the iCalendar-XML of
// CommuniGate Pro, vCard and vCardGroup.
//
// A Calendar is what one message or file holds. An Event is one VEVENT; the
// changed occurrences of a recurring one are its Exceptions. Times keep the
// form in which they were written (see Time), so that reading and writing
// again changes nothing. Properties that the model has no field for are kept
// in Extra.
package ical

import (
	"strings"
	"time"

	"rmp/calendar/contentline"
	"rmp/calendar/zone"
)

// Calendar is the content of one VCALENDAR.
type Calendar struct {
	Method  string // PUBLISH, REQUEST, REPLY, CANCEL, or "" for none
	ProdID  string
	Version string
	Events  []*Event
	Todos   []*Event    // VTODOs: Due and PercentComplete are used
	Zones   []*Timezone // VTIMEZONE definitions that came along; see Resolve
	Busy    []*FreeBusy // VFREEBUSYs
	Others  []Component // components that the model does not know, kept
	Extra   []Property
}

// Timezone is a VTIMEZONE kept as it was read, with its name.
type Timezone struct {
	TZID  string
	Rules []ZoneRule // STANDARD and DAYLIGHT parts
	Extra []Property
}

// ZoneRule is one STANDARD or DAYLIGHT part of a VTIMEZONE.
type ZoneRule struct {
	Daylight   bool
	Name       string
	Start      zone.Wall
	OffsetFrom int // seconds east of UTC before the transition
	OffsetTo   int // seconds east of UTC after it
	RRule      string
	RDates     []zone.Wall
	Extra      []Property
}

// Kind says how a Time is to be placed on the time line.
type Kind uint8

// The kinds of Time.
const (
	None     Kind = iota // no time at all: the property is absent
	Date                 // a whole day, in no particular zone (VALUE=DATE)
	Floating             // wall time wherever the reader is
	UTC                  // an instant
	Zoned                // wall time in Zone
)

// Time is a date or a time as calendar data writes it.
type Time struct {
	Kind Kind
	Wall zone.Wall
	Zone string // the TZID as it was written; only of kind Zoned
}

// At is the instant t as a Time of kind UTC, cut to whole seconds.
func At(t time.Time) Time { return Time{Kind: UTC, Wall: zone.WallOf(t, time.UTC)} }

// Day is a whole day.
func Day(y int, m time.Month, d int) Time {
	return Time{Kind: Date, Wall: zone.Wall{Year: y, Month: m, Day: d}}
}

// InZone is what a clock in loc shows at the instant t, with loc's name.
func InZone(t time.Time, loc *time.Location) Time {
	return Time{Kind: Zoned, Wall: zone.WallOf(t, loc), Zone: loc.String()}
}

// IsZero reports whether there is no time.
func (t Time) IsZero() bool { return t.Kind == None }

// Address is a calendar user: an organizer, or who one attendee is.
type Address struct {
	Email string // without MAILTO:, in the letter case it was written
	Name  string // CN
}

// Attendee is a person or resource of an event.
type Attendee struct {
	Address
	Role     string // REQ-PARTICIPANT, OPT-PARTICIPANT, NON-PARTICIPANT, CHAIR or ""
	PartStat string // NEEDS-ACTION, ACCEPTED, DECLINED, TENTATIVE, DELEGATED or ""
	CUType   string // INDIVIDUAL, GROUP, RESOURCE, ROOM, UNKNOWN or ""
	RSVP     bool
	Params   []Param // the others, kept
}

// Event is one VEVENT (or VTODO), with the exceptions of its recurrence.
type Event struct {
	UID          string
	Sequence     int
	Stamp        Time // DTSTAMP
	Created      Time
	LastModified Time

	Start    Time          // DTSTART
	End      Time          // DTEND, exclusive; None if Duration says it
	Duration time.Duration // DURATION, when End is None
	Due      Time          // VTODO only

	Summary     string
	Description string
	Location    string
	URL         string
	Categories  []string

	Organizer       *Address
	OrganizerParams []Param // SENT-BY and others, kept
	Attendees       []Attendee

	Transp          string // OPAQUE, TRANSPARENT or ""
	BusyStatus      string // FREE, TENTATIVE, BUSY, OOF or "" (X-MICROSOFT-CDO-BUSYSTATUS)
	Class           string // PUBLIC, PRIVATE, CONFIDENTIAL or ""
	Status          string // CONFIRMED, TENTATIVE, CANCELLED or ""
	Priority        int    // 0 is undefined
	PercentComplete int

	RRules       []string // as text: FREQ=WEEKLY;BYDAY=MO
	RDates       []Time
	ExDates      []Time
	RecurrenceID Time // of an exception: the original start
	ThisAndAfter bool // RANGE=THISANDFUTURE on the RECURRENCE-ID

	Exceptions []*Event // of a master: the changed occurrences
	Alarms     []Component
	Extra      []Property
}

// Param is a parameter of a property.
type Param = contentline.Param

// Property is a property without a field in the model. Value is what it says,
// without escapes, where it is known to be text (COMMENT, CONTACT, a
// DESCRIPTION of an alarm, all with VALUE=TEXT); else, and so for X-
// properties, it is the value as it was written, escapes included, because
// only those who know the property know whether it has any.
type Property = contentline.Property

// Component is a part of an event kept as it was read, such as a VALARM.
type Component struct {
	Name       string
	Properties []Property
	Components []Component
}

// Extra property access.

// ExtraValue is the value of the first extra property so named (letter case
// does not matter), or "".
func (e *Event) ExtraValue(name string) string {
	for _, p := range e.Extra {
		if strings.EqualFold(p.Name, name) {
			return p.Value
		}
	}
	return ""
}

// Free reports whether the event leaves its time free: it is transparent, or
// its busy status is FREE, or it is cancelled.
func (e *Event) Free() bool {
	return strings.EqualFold(e.Transp, "TRANSPARENT") || strings.EqualFold(e.BusyStatus, "FREE") || strings.EqualFold(e.Status, "CANCELLED")
}
