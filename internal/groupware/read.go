package groupware

import (
	"context"
	"errors"
	"fmt"
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

// perCalendar is how many requests it takes to read a calendar: open, find,
// close.
const perCalendar = 3

// readBatch reads the first n accounts as calendars, the others as free/busy,
// in one round trip.
func (g *Groupware) readBatch(ctx context.Context, t tenant.ID, part []availability.Reading, n int, from, till time.Time) error {
	pool, err := g.pool(ctx, t)
	if err != nil {
		return err
	}
	var requests []*ximss.Request
	for i, r := range part {
		if i >= n {
			requests = append(requests, g.cfg.Dialect.FreeBusy(r.Account, from, till))
			continue
		}
		h := "r" + strconv.Itoa(i)
		requests = append(requests, ximss.OpenCalendar(h, calendarPath(r.Account)), ximss.FindEvents(h, from, till), ximss.CloseCalendar(h))
	}
	replies, err := pool.Do(ctx, requests...)
	if err != nil {
		return err
	}
	for i := range part {
		r := &part[i]
		if i >= n {
			busy, err := replies[n*perCalendar+i-n].FreeBusy()
			r.Err = readingError(err)
			for _, b := range busy {
				r.Events = append(r.Events, availability.Event{Start: b.Start, End: b.End, Status: statusWord(b.Status)})
			}
			continue
		}
		err := replies[i*perCalendar].Err
		var found []ximss.Occurrence
		if err == nil {
			found, err = replies[i*perCalendar+1].Occurrences()
		}
		r.Err = readingError(err)
		for _, o := range found {
			if strings.EqualFold(o.BusyStatus, "FREE") || !o.End.After(o.Start) {
				continue
			}
			r.Events = append(r.Events, availability.Event{UID: o.ItemUID, Start: o.Start, End: o.End,
				Status: statusWord(o.BusyStatus), Summary: o.Summary, Organizer: o.Organizer})
		}
	}
	return nil
}

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
