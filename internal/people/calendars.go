package people

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"rmp/calendar/ical"
	"rmp/calendar/zone"
	"rmp/internal/fault"
	"rmp/internal/tenant"
)

// zones finds the zones that calendar data name.
var zones = zone.Resolver{}.Load

// MostEvents bounds what one question answers.
const MostEvents = 5000

// Calendars answers the calendars of the person: their own and those that
// others share with them.
func (s *Service) Calendars(ctx context.Context, p tenant.Principal) ([]Calendar, error) {
	c, err := s.caller(ctx, p)
	if err != nil {
		return nil, err
	}
	list, err := s.Mail.Calendars(ctx, c)
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(list, func(a, b Calendar) int {
		if a.Own != b.Own {
			if a.Own {
				return -1
			}
			return 1
		}
		return strings.Compare(a.Account+"/"+a.Name, b.Account+"/"+b.Name)
	})
	return list, nil
}

// access answers as whom an account's calendar is reached, and with which
// letters if that is known.
func (s *Service) access(ctx context.Context, p tenant.Principal, email, need string) (Caller, string, error) {
	c, err := s.caller(ctx, p)
	if err != nil {
		return c, "", err
	}
	if email, err = account(c.Tenant, email); err != nil {
		return c, "", err
	}
	switch {
	case email == c.Email:
		return c, email, nil
	case p.Role.AtLeast(tenant.Admin):
		return c.AsService(), email, nil
	case c.Password != "":
		return c, email, nil // the server decides
	}
	letters, err := s.Mail.Rights(ctx, c.Tenant, email, c.Email)
	switch {
	case err != nil:
		return c, "", err
	case letters == "":
		return c, "", fault.New(fault.NotFound, "there is no such calendar, or not for you")
	case !Has(letters, need):
		return c, "", fault.New(fault.Forbidden, "you may not do that in this calendar")
	}
	return c, email, nil
}

// Range are the events of an account in a range.
type Range struct {
	Items
	OnlyBusy bool // only when it is busy may be told
}

// Events answers the events of an account's calendar. Who may not read it is
// told when it is busy, as far as the server tells them that.
func (s *Service) Events(ctx context.Context, p tenant.Principal, email string, from, till time.Time) (Range, error) {
	c, email, err := s.access(ctx, p, email, "r")
	if err == nil {
		var items Items
		if items, err = s.Mail.Events(ctx, c, email, from, till); err == nil {
			if len(items.Spans) > MostEvents {
				return Range{}, fault.InvalidField("query.till", "the range has %d dates of events; at most %d are answered: ask for less time", len(items.Spans), MostEvents)
			}
			return Range{Items: items}, nil
		}
	}
	if fault.CodeOf(err) != fault.Forbidden || c.Password == "" {
		return Range{}, err
	}
	spans, busyErr := s.Mail.Busy(ctx, c, email, from, till)
	if busyErr != nil {
		return Range{}, err
	}
	return Range{Items: Items{Spans: spans}, OnlyBusy: true}, nil
}

// Event is a plain event as a person gives it.
type Event struct {
	UID                          string // empty: a new one is made
	Title, Location, Description string
	Start, End                   time.Time
	TimeZone                     string // IANA name
	AllDay                       bool   // Start and End are midnights of TimeZone, End behind the last day
	Private, Free                bool
	RRule                        string
	ExDates                      []time.Time
	Attendees                    []ical.Attendee
	Invite                       bool
	Occurrence                   time.Time // of a series: only this date, by its original start
	Expect                       string    // ETag of what is changed; empty: any
}

func (e *Event) check() error {
	var bad fault.Fields
	text := func(pointer, s string, most int) {
		if utf8.RuneCountInString(s) > most || !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\t' && r != '\r' }) {
			bad.Add(pointer, "must have at most %d characters, none of them a control character", most)
		}
	}
	if e.Title = strings.TrimSpace(e.Title); e.Title == "" {
		bad.Add("/title", "is missing")
	}
	text("/title", e.Title, 500)
	text("/location", e.Location, 500)
	text("/description", e.Description, 20_000)
	loc, err := zone.LoadIANA(e.TimeZone)
	if err != nil {
		bad.Add("/timeZone", "is not a time zone such as Europe/Berlin")
	}
	switch {
	case e.Start.IsZero() || e.End.IsZero():
	case !e.End.After(e.Start):
		bad.Add("/end", "is not after start")
	case e.End.Sub(e.Start) > 366*24*time.Hour:
		bad.Add("/end", "is more than a year after start")
	case e.AllDay && loc != nil && (!midnight(e.Start, loc) || !midnight(e.End, loc)):
		bad.Add("/allDay", "start and end of whole days are midnights in timeZone, end behind the last day")
	}
	if len(e.Attendees) > 1000 {
		bad.Add("/attendees", "at most 1,000 are taken")
	}
	if err := bad.Err(); err != nil {
		return err
	}
	if e.RRule != "" {
		if _, err := e.ical("x@x", "").Events[0].Series(zones, loc); err != nil {
			return fault.InvalidField("/recurrence", "%s", err.Error())
		}
	}
	return nil
}

func midnight(t time.Time, loc *time.Location) bool {
	w := zone.WallOf(t, loc)
	return w.Hour == 0 && w.Minute == 0 && w.Second == 0
}

func (e *Event) time(t time.Time, loc *time.Location) ical.Time {
	if e.AllDay {
		w := zone.WallOf(t, loc)
		return ical.Day(w.Year, w.Month, w.Day)
	}
	if loc == time.UTC {
		return ical.At(t)
	}
	if w := ical.InZone(t, loc); e.RRule != "" || w.Wall.In(loc).Equal(t) {
		return w
	}
	return ical.At(t) // the second of two equal wall times
}

func (e *Event) ical(organizer, name string) *ical.Calendar {
	loc, err := zone.LoadIANA(e.TimeZone)
	if err != nil {
		loc = time.UTC
	}
	x := &ical.Event{UID: e.UID, Start: e.time(e.Start, loc), End: e.time(e.End, loc), Summary: e.Title, Location: e.Location, Description: e.Description,
		Transp: "OPAQUE", BusyStatus: "BUSY", Class: "PUBLIC", Status: "CONFIRMED"}
	if e.Private {
		x.Class = "PRIVATE"
	}
	if e.Free {
		x.Transp, x.BusyStatus = "TRANSPARENT", "FREE"
	}
	if e.RRule != "" {
		x.RRules = []string{e.RRule}
	}
	for _, t := range e.ExDates {
		x.ExDates = append(x.ExDates, e.time(t, loc))
	}
	if len(e.Attendees) > 0 {
		x.Organizer = &ical.Address{Email: organizer, Name: name}
		x.Attendees = e.Attendees
	}
	return &ical.Calendar{Method: "PUBLISH", Version: "2.0", ProdID: ProdID, Events: []*ical.Event{x}}
}

// ProdID names RMP in iCalendar.
const ProdID = "-//RMP//Resource Management Platform//EN"

// Create adds an event to an account's calendar.
func (s *Service) Create(ctx context.Context, p tenant.Principal, email string, e Event) (*ical.Event, error) {
	if err := e.check(); err != nil {
		return nil, err
	}
	c, email, err := s.access(ctx, p, email, "i")
	if err != nil {
		return nil, err
	}
	if e.UID == "" {
		e.UID = rand.Text() + "@" + c.Tenant.Domain
	} else if taken, err := s.Booked(ctx, c.Tenant.ID, email, []string{e.UID}); err != nil {
		return nil, err
	} else if taken[e.UID] {
		return nil, errBooked
	} else if _, err := s.find(ctx, c, email, e.UID, e.Start, e.End); err == nil {
		return nil, fault.InvalidField("/uid", "there is an event with this UID already")
	}
	cal := e.ical(email, p.Name)
	x := cal.Events[0]
	x.Stamp, x.Created = ical.At(s.Now()), ical.At(s.Now())
	return x, s.publish(ctx, c, email, cal, e)
}

func (s *Service) publish(ctx context.Context, c Caller, email string, cal *ical.Calendar, e Event) error {
	if err := s.Mail.Publish(ctx, c, email, cal, e.Invite); err != nil {
		return err
	}
	s.Changed(c.Tenant.ID, email, e.Start.Add(-48*time.Hour), s.till(cal.Events[0], e.End))
	return nil
}

// till is how far an event reaches for caches.
func (s *Service) till(x *ical.Event, end time.Time) time.Time {
	if x.Recurs() {
		return time.Time{}
	}
	return end.Add(48 * time.Hour)
}

var errNoEvent = fault.New(fault.NotFound, "there is no such event in this calendar")

// find looks for an event by its UID around a time.
func (s *Service) find(ctx context.Context, c Caller, email, uid string, from, till time.Time) (*ical.Event, error) {
	if from.IsZero() {
		from, till = s.Now().AddDate(-1, 0, 0), s.Now().AddDate(2, 0, 0)
	}
	items, err := s.Mail.Events(ctx, c, email, from.Add(-24*time.Hour), till.Add(24*time.Hour))
	if err != nil {
		return nil, err
	}
	if x := items.Events[uid]; x != nil {
		return x, nil
	}
	return nil, errNoEvent
}

// ETag names the state of an event.
func ETag(x *ical.Event) string {
	c := *x
	c.Stamp, c.LastModified = ical.Time{}, ical.Time{}
	sum := sha256.Sum256((&ical.Calendar{Events: []*ical.Event{&c}}).AppendText(nil))
	return `"` + hex.EncodeToString(sum[:12]) + `"`
}

// Event answers one event of an account's calendar; near tells when it takes
// place, if that is not within a year back or two ahead.
func (s *Service) Event(ctx context.Context, p tenant.Principal, email, uid string, near time.Time) (*ical.Event, error) {
	c, email, err := s.access(ctx, p, email, "r")
	if err != nil {
		return nil, err
	}
	return s.find(ctx, c, email, uid, near, near)
}

// Change replaces an event, or one date of a series, and keeps of it what RMP
// does not know.
func (s *Service) Change(ctx context.Context, p tenant.Principal, email string, e Event, near time.Time) (*ical.Event, error) {
	if err := e.check(); err != nil {
		return nil, err
	}
	c, email, err := s.access(ctx, p, email, "i")
	if err != nil {
		return nil, err
	}
	old, err := s.find(ctx, c, email, e.UID, near, near)
	if err != nil {
		return nil, err
	}
	if e.Expect != "" && e.Expect != ETag(old) {
		return nil, fault.New(fault.Stale, "the event has changed since you read it; read it again")
	}
	if booked(old) {
		return nil, errBooked
	}
	cal := e.ical(email, p.Name)
	x := cal.Events[0]
	x.Sequence, x.Stamp, x.Created, x.LastModified = old.Sequence+1, ical.At(s.Now()), old.Created, ical.At(s.Now())
	x.Alarms, x.Extra, x.Categories, x.URL, x.Priority = old.Alarms, old.Extra, old.Categories, old.URL, old.Priority
	if len(e.Attendees) > 0 && old.Organizer != nil {
		x.Organizer, x.OrganizerParams = old.Organizer, old.OrganizerParams
	}
	for i, a := range x.Attendees { // who has answered has answered
		for _, was := range old.Attendees {
			if strings.EqualFold(a.Email, was.Email) {
				x.Attendees[i].PartStat, x.Attendees[i].Params = was.PartStat, was.Params
			}
		}
	}
	if !e.Occurrence.IsZero() {
		if x, err = oneDate(old, x, e); err != nil {
			return nil, err
		}
		cal.Events[0] = x
	} else if e.RRule != "" && slices.Equal(x.RRules, old.RRules) && x.Start == old.Start {
		x.Exceptions = old.Exceptions
	}
	return x, s.publish(ctx, c, email, cal, e)
}

// oneDate is the series with one date changed.
func oneDate(old, changed *ical.Event, e Event) (*ical.Event, error) {
	loc, err := zone.LoadIANA(e.TimeZone)
	if err != nil {
		return nil, err
	}
	id, err := dateOf(old, e.Occurrence, loc)
	if err != nil {
		return nil, err
	}
	series := *old
	series.Sequence, series.Stamp, series.LastModified = changed.Sequence, changed.Stamp, changed.LastModified
	x := *changed
	x.RRules, x.ExDates, x.RecurrenceID = nil, nil, id
	series.Exceptions = slices.DeleteFunc(slices.Clone(old.Exceptions), func(o *ical.Event) bool { return o.RecurrenceID == id })
	series.Exceptions = append(series.Exceptions, &x)
	return &series, nil
}

// dateOf is the date of a series that originally starts at a time.
func dateOf(x *ical.Event, at time.Time, local *time.Location) (ical.Time, error) {
	if !x.Recurs() {
		return ical.Time{}, fault.InvalidField("query.occurrence", "the event takes place once")
	}
	dates, err := x.Series(zones, local)
	if err != nil {
		return ical.Time{}, fault.Wrap(err, fault.Invalid, "the recurrence of the event cannot be read")
	}
	found, err := dates.Between(at, at.Add(time.Second))
	if err != nil {
		return ical.Time{}, fault.Wrap(err, fault.Invalid, "the recurrence of the event cannot be read")
	}
	for _, o := range found {
		if !o.Start.Equal(at) {
			continue
		}
		if x.Start.Kind == ical.Zoned {
			if loc, err := zones(x.Start.Zone); err == nil {
				t := ical.InZone(at, loc)
				t.Zone = x.Start.Zone
				return t, nil
			}
		}
		if x.Start.Kind == ical.Date {
			w := zone.WallOf(at, local)
			return ical.Day(w.Year, w.Month, w.Day), nil
		}
		return ical.At(at), nil
	}
	return ical.Time{}, fault.InvalidField("query.occurrence", "the series has no date that starts then")
}

// booked reports whether an event is RMP's own: it is changed by its booking.
func booked(x *ical.Event) bool { return x.ExtraValue("X-RMP-ACTUAL-ORGANIZER") != "" }

var errBooked = fault.New(fault.Forbidden, "this event is a booking; change or cancel the booking instead")

// Remove takes an event, or one date of a series, out of an account's
// calendar.
func (s *Service) Remove(ctx context.Context, p tenant.Principal, email, uid string, date, near time.Time, expect string, invite bool, comment string) error {
	c, email, err := s.access(ctx, p, email, "t")
	if err != nil {
		return err
	}
	if near.IsZero() {
		near = date
	}
	old, err := s.find(ctx, c, email, uid, near, near)
	if err != nil {
		return err
	}
	if expect != "" && expect != ETag(old) {
		return fault.New(fault.Stale, "the event has changed since you read it; read it again")
	}
	if booked(old) {
		return errBooked
	}
	var id ical.Time
	if !date.IsZero() {
		if id, err = dateOf(old, date, time.UTC); err != nil {
			return err
		}
	}
	if err := s.Mail.Cancel(ctx, c, email, uid, id, invite, comment); err != nil {
		return err
	}
	s.Changed(c.Tenant.ID, email, time.Time{}, time.Time{})
	return nil
}

// Invitations answers the requests in the person's INBOX.
func (s *Service) Invitations(ctx context.Context, p tenant.Principal) ([]Invitation, error) {
	c, err := s.asPerson(ctx, p)
	if err != nil {
		return nil, err
	}
	return s.Mail.Invitations(ctx, c)
}

// Answer accepts or declines one; the answer goes to the organizer.
func (s *Service) Answer(ctx context.Context, p tenant.Principal, id int64, answer, comment string) error {
	c, err := s.asPerson(ctx, p)
	if err != nil {
		return err
	}
	if !slices.Contains([]string{"accepted", "declined", "tentative"}, answer) {
		return fault.InvalidField("/answer", "is not one of accepted, declined, tentative")
	}
	if err := s.Mail.Answer(ctx, c, id, strings.ToUpper(answer), comment); err != nil {
		return err
	}
	s.Changed(c.Tenant.ID, c.Email, time.Time{}, time.Time{})
	return nil
}
