package availability

import (
	"context"
	"slices"
	"time"

	"github.com/maypok86/otter/v2"

	"rmp/internal/tenant"
)

const day = 24 * time.Hour

// cache keeps readings for display: per tenant, account and day (UTC).
// Failures are not kept, so that a server that comes back is seen at once.
type cache struct {
	days *otter.Cache[dayKey, dayReading]
}

type dayKey struct {
	tenant   tenant.ID
	account  string
	calendar bool // events of a calendar, or free/busy of a person
	day      int64
}

type dayReading struct {
	events []Event
	asOf   time.Time
}

func newCache(keep time.Duration) *cache {
	return &cache{days: otter.Must(&otter.Options[dayKey, dayReading]{
		MaximumSize:      200_000,
		ExpiryCalculator: otter.ExpiryWriting[dayKey, dayReading](keep),
	})}
}

// read answers from what is kept and fetches the rest in one batch over the
// whole days of the range. The time answered is that of the oldest reading.
func (c *cache) read(ctx context.Context, e *Engine, t tenant.ID, calendars, people []string, from, till time.Time) ([]Reading, time.Time) {
	first, last := floorDay(from), floorDay(till.Add(-1))
	n := len(calendars)
	accounts := slices.Concat(calendars, people)
	out := make([]Reading, len(accounts))
	oldest := e.now()
	var missCal, missPeople []string
	for i, a := range accounts {
		out[i].Account = a
		for d := first; d <= last; d += int64(day) {
			got, ok := c.days.GetIfPresent(dayKey{t, a, i < n, d})
			if !ok {
				if i < n {
					missCal = append(missCal, a)
				} else {
					missPeople = append(missPeople, a)
				}
				break
			}
			if got.asOf.Before(oldest) {
				oldest = got.asOf
			}
			out[i].Events = append(out[i].Events, got.events...)
		}
	}
	if len(missCal)+len(missPeople) > 0 {
		got, _ := fresh(ctx, e, t, missCal, missPeople, time.Unix(0, first).UTC(), time.Unix(0, last).UTC().Add(day))
		asOf := e.now()
		for i, r := range got {
			if r.Err == nil {
				c.keep(t, r, i < len(missCal), first, last, asOf)
			}
			out[slices.Index(accounts, r.Account)] = r
		}
	}
	for i := range out {
		out[i].Events = dedupe(out[i].Events)
	}
	return out, oldest
}

func (c *cache) keep(t tenant.ID, r Reading, calendar bool, first, last int64, asOf time.Time) {
	for d := first; d <= last; d += int64(day) {
		kept := dayReading{asOf: asOf}
		for _, ev := range r.Events {
			if ev.Start.UnixNano() < d+int64(day) && ev.End.UnixNano() > d {
				kept.events = append(kept.events, ev)
			}
		}
		c.days.Set(dayKey{t, r.Account, calendar, d}, kept)
	}
}

// forget drops what is kept of the accounts in a range; no end means all that
// a reading for display can be about.
func (c *cache) forget(t tenant.ID, accounts []string, from, till time.Time) {
	const most = 800 * day
	if till.IsZero() || till.Sub(from) > most {
		till = from.Add(most)
	}
	for d := floorDay(from); d < till.UnixNano(); d += int64(day) {
		for _, a := range accounts {
			c.days.Invalidate(dayKey{t, a, true, d})
			c.days.Invalidate(dayKey{t, a, false, d})
		}
	}
}

// dedupe removes what was seen on each of several days.
func dedupe(events []Event) []Event {
	if len(events) < 2 {
		return events
	}
	slices.SortFunc(events, func(a, b Event) int {
		if c := a.Start.Compare(b.Start); c != 0 {
			return c
		}
		if c := a.End.Compare(b.End); c != 0 {
			return c
		}
		return slices.Compare([]string{a.UID}, []string{b.UID})
	})
	return slices.CompactFunc(events, func(a, b Event) bool {
		return a.UID == b.UID && a.Start.Equal(b.Start) && a.End.Equal(b.End)
	})
}

func floorDay(t time.Time) int64 { return t.UTC().Truncate(day).UnixNano() }
