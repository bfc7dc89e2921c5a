package groupware

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"rmp/communigate/ximss"
	"rmp/internal/availability"
	"rmp/internal/tenant"
)

// maxBatch is how many accounts one round trip asks for.
const maxBatch = 200

// Read implements availability.Calendars.
func (g *Groupware) Read(ctx context.Context, t tenant.ID, calendars, people []string, from, till time.Time) []availability.Reading {
	out := make([]availability.Reading, 0, len(calendars)+len(people))
	for _, a := range calendars {
		out = append(out, availability.Reading{Account: a})
	}
	for _, a := range people {
		out = append(out, availability.Reading{Account: a})
	}
	for i := 0; i < len(out); i += maxBatch {
		part := out[i:min(i+maxBatch, len(out))]
		if err := g.readBatch(ctx, t, part, min(len(part), max(0, len(calendars)-i)), from, till); err != nil {
			for j := range part {
				part[j].Err = err
			}
		}
	}
	return out
}

// perCalendar is how many requests it takes to write a calendar: open, write,
// close.
const perCalendar = 3

// maxWindow is the longest range that one request asks for; a longer one is
// asked for in parts.
const maxWindow = 100 * 24 * time.Hour

// windows are the parts of a range.
func windows(from, till time.Time) (out [][2]time.Time) {
	for till.Sub(from) > maxWindow {
		next := from.Add(maxWindow)
		out = append(out, [2]time.Time{from, next})
		from = next
	}
	return append(out, [2]time.Time{from, till})
}

// readBatch reads the first n accounts as calendars, the others as free/busy,
// in one round trip.
func (g *Groupware) readBatch(ctx context.Context, t tenant.ID, part []availability.Reading, n int, from, till time.Time) error {
	pool, err := g.pool(ctx, t)
	if err != nil {
		return err
	}
	parts := windows(from, till)
	var requests []*ximss.Request
	for i, r := range part {
		if i >= n {
			for _, w := range parts {
				requests = append(requests, g.cfg.Dialect.FreeBusy(r.Account, w[0], w[1]))
			}
			continue
		}
		h := "r" + strconv.Itoa(i)
		requests = append(requests, ximss.OpenCalendar(h, calendarPath(r.Account)))
		for _, w := range parts {
			requests = append(requests, ximss.FindEvents(h, w[0], w[1]))
		}
		requests = append(requests, ximss.CloseCalendar(h))
	}
	replies, err := pool.Do(ctx, requests...)
	if err != nil {
		return err
	}
	next := func() *ximss.Reply {
		r := replies[0]
		replies = replies[1:]
		return r
	}
	for i := range part {
		if i >= n {
			for range parts {
				addBusy(&part[i], next())
			}
			continue
		}
		opened := next()
		for range parts {
			addEvents(&part[i], opened, next())
		}
		next() // the closing
	}
	return nil
}

func addBusy(r *availability.Reading, reply *ximss.Reply) {
	busy, err := reply.FreeBusy()
	if err != nil {
		r.Err = readingError(err)
	}
	for _, b := range busy {
		r.Events = append(r.Events, availability.Event{Start: b.Start, End: b.End, Status: statusWord(b.Status)})
	}
}

// addEvents takes over the events of a part of the range. One that reaches
// over the border of two parts comes twice.
func addEvents(r *availability.Reading, opened, reply *ximss.Reply) {
	err := opened.Err
	var found []ximss.Occurrence
	if err == nil {
		found, err = reply.Occurrences()
	}
	if err != nil {
		r.Err = readingError(err)
	}
	for _, o := range found {
		if strings.EqualFold(o.BusyStatus, "FREE") || !o.End.After(o.Start) {
			continue
		}
		e := availability.Event{UID: o.ItemUID, Start: o.Start, End: o.End, Status: statusWord(o.BusyStatus), Summary: o.Summary, Organizer: o.Organizer}
		if !slices.Contains(r.Events[max(0, len(r.Events)-borderEvents):], e) {
			r.Events = append(r.Events, e)
		}
	}
}

// borderEvents is how far back an event is looked for that came with the part
// before.
const borderEvents = 64

func readingError(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, ximss.ErrNoAccount):
		return fmt.Errorf("%w: %w", availability.ErrNoAccount, err)
	case errors.Is(err, ximss.ErrDenied):
		return fmt.Errorf("%w: %w", availability.ErrDenied, err)
	}
	return err
}

func statusWord(s string) string {
	switch strings.ToUpper(s) {
	case "TENTATIVE":
		return "tentative"
	case "OOF":
		return "out-of-office"
	}
	return "busy"
}
