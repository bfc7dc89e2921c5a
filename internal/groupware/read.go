package groupware

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"rmp/calendar/ical"
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
		n := min(len(part), max(0, len(calendars)-i))
		if err := g.readBatch(ctx, t, part, n, from, till); err != nil {
			for j := range part {
				part[j].Err = err
			}
			continue
		}
		g.otherwise(ctx, t, part[n:], from, till)
	}
	g.veil(ctx, t, out)
	return out
}

// veil takes out what was read of other tenants' accounts: the server may be
// theirs too, and they are none of this one's business, not even whether they
// are there. Addresses that are of no tenant are as the server answers them.
func (g *Groupware) veil(ctx context.Context, id tenant.ID, readings []availability.Reading) {
	o, err := g.of(ctx, id)
	if err != nil {
		return // nothing has been read
	}
	abroad := func(r availability.Reading) bool { return !o.tenant.Owns(r.Account) }
	if !slices.ContainsFunc(readings, abroad) {
		return
	}
	all, err := g.tenants.Tenants(ctx)
	for i, r := range readings {
		switch {
		case !abroad(r):
		case err != nil:
			readings[i] = availability.Reading{Account: r.Account, Err: err}
		case slices.ContainsFunc(all, func(t tenant.Tenant) bool { return t.ID != id && t.Owns(r.Account) }):
			readings[i] = availability.Reading{Account: r.Account, Err: availability.ErrNoAccount}
		}
	}
}

// otherwise reads people whose free/busy came in a form that is not
// understood: from the calendar, where the service account may, else from the
// file that the account publishes. How, and why, is noted in the reading.
func (g *Groupware) otherwise(ctx context.Context, t tenant.ID, people []availability.Reading, from, till time.Time) {
	var odd []*availability.Reading
	for i := range people {
		if errors.Is(people[i].Err, ximss.ErrProtocol) {
			odd = append(odd, &people[i])
		}
	}
	if len(odd) == 0 {
		return
	}
	pool, err := g.pool(ctx, t)
	if err != nil {
		return
	}
	parts := windows(from, till)
	var requests []*ximss.Request
	for i, r := range odd {
		h := "o" + strconv.Itoa(i)
		requests = append(requests, ximss.OpenCalendar(h, calendarPath(r.Account)))
		for _, w := range parts {
			requests = append(requests, ximss.FindEvents(h, w[0], w[1]))
		}
		requests = append(requests, ximss.CloseCalendar(h), ximss.ReadFile("~"+r.Account+"/freebusy.vfb"))
	}
	replies, err := pool.Do(ctx, requests...)
	if err != nil {
		return
	}
	for _, r := range odd {
		opened, file := replies[0], replies[len(parts)+2]
		why := r.Err
		from := availability.Reading{Account: r.Account}
		for i := range parts {
			addEvents(&from, opened, replies[1+i])
		}
		via := "calendar"
		if from.Err != nil {
			from = availability.Reading{Account: r.Account}
			via = "published free/busy"
			if err := addPublished(&from, file); err != nil {
				from.Err = why
			}
		}
		if from.Err == nil {
			for i := range from.Events { // who asks for free/busy is told no more than that
				from.Events[i].UID, from.Events[i].Summary, from.Events[i].Organizer = "", "", ""
			}
			from.Via = via + ": " + why.Error()
			g.log.InfoContext(ctx, "free/busy is read in another way", "account", r.Account, "via", via, "err", why)
		}
		*r = from
		replies = replies[len(parts)+3:]
	}
}

// addPublished takes over the busy times of a published free/busy file.
func addPublished(r *availability.Reading, reply *ximss.Reply) error {
	data, err := reply.File()
	if err != nil {
		return err
	}
	list, err := ical.ParseText(data, ical.Limits{})
	if err != nil {
		return err
	}
	found := false
	for _, c := range list {
		for _, f := range c.Busy {
			found = true
			for _, p := range f.Periods {
				if p.Type == "FREE" || p.Start.Kind != ical.UTC || p.End.Kind != ical.UTC {
					continue
				}
				r.Events = append(r.Events, availability.Event{Start: p.Start.Wall.In(time.UTC), End: p.End.Wall.In(time.UTC),
					Status: statusWord(map[string]string{"BUSY-TENTATIVE": "TENTATIVE", "BUSY-UNAVAILABLE": "OOF"}[p.Type])})
			}
		}
	}
	if !found {
		return errors.New("the file holds no free/busy")
	}
	return nil
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
