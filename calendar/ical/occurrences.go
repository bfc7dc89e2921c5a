package ical

import (
	"fmt"
	"strings"
	"time"

	"rmp/calendar/recurrence"
	"rmp/calendar/zone"
)

// Recurs reports whether the event may take place more than once.
func (e *Event) Recurs() bool { return len(e.RRules)+len(e.RDates) > 0 }

// Span is the time of the event, of its first occurrence if it recurs. local
// places dates and floating times. Without an end or duration a day lasts a
// day and a time has no length (RFC 5545 section 3.6.1).
func (e *Event) Span(resolve Resolve, local *time.Location) (start, end time.Time, err error) {
	if e.Start.IsZero() {
		return start, end, fmt.Errorf("dtstart: is missing")
	}
	if start, err = e.Start.Instant(resolve, local); err != nil {
		return start, end, fmt.Errorf("dtstart: %w", err)
	}
	switch {
	case !e.End.IsZero():
		if end, err = e.End.Instant(resolve, local); err != nil {
			return start, end, fmt.Errorf("dtend: %w", err)
		}
	case e.Duration > 0:
		end = start.Add(e.Duration)
	case e.Start.Kind == Date:
		end = e.Start.Wall.AddDays(1).In(local)
	default:
		end = start
	}
	if end.Before(start) {
		return start, end, fmt.Errorf("dtend: is before dtstart")
	}
	return start, end, nil
}

// Series compiles the event's recurrence; one that does not recur is a series
// of one occurrence.
func (e *Event) Series(resolve Resolve, local *time.Location) (*recurrence.Series, error) {
	loc, err := e.Start.location(resolve, local)
	if err != nil {
		return nil, fmt.Errorf("dtstart: %w", err)
	}
	start, end, err := e.Span(resolve, local)
	if err != nil {
		return nil, err
	}
	s := recurrence.Spec{Start: e.Start.Wall, Zone: loc, AllDay: e.Start.Kind == Date, RRules: e.RRules, Duration: end.Sub(start)}
	if s.AllDay {
		s.Duration = zone.WallOf(end, loc).Sub(e.Start.Wall)
	}
	inZone := func(t Time) (zone.Wall, error) {
		if t.Kind == Date || t.Kind == Floating {
			return t.Wall, nil
		}
		at, err := t.Instant(resolve, local)
		return zone.WallOf(at, loc), err
	}
	for _, t := range e.RDates {
		w, err := inZone(t)
		if err != nil {
			return nil, fmt.Errorf("rdate: %w", err)
		}
		s.RDates = append(s.RDates, w)
	}
	for _, t := range e.ExDates {
		w, err := inZone(t)
		if err != nil {
			return nil, fmt.Errorf("exdate: %w", err)
		}
		s.ExDates = append(s.ExDates, recurrence.ExDate{Wall: w, DateOnly: t.Kind == Date && !s.AllDay})
	}
	for _, x := range e.Exceptions {
		w, err := inZone(x.RecurrenceID)
		if err != nil {
			return nil, fmt.Errorf("recurrence-id: %w", err)
		}
		o := recurrence.Override{RecurrenceID: w, Cancelled: strings.EqualFold(x.Status, "CANCELLED"), ThisAndFuture: x.ThisAndAfter}
		if o.Start, o.End, err = x.Span(resolve, local); err != nil {
			return nil, err
		}
		s.Overrides = append(s.Overrides, o)
	}
	return recurrence.Compile(s)
}
