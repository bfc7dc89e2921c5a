package availability

import (
	"context"
	"fmt"
	"slices"
	"time"

	"rmp/internal/booking"
	"rmp/internal/directory"
	"rmp/internal/tenant"
)

// What is searched for alternatives, and how many are offered.
const (
	searchBefore = 4 * time.Hour
	searchAfter  = 8 * time.Hour
	searchStep   = 15 * time.Minute
	mostOfKind   = 3 // other times, and other resources
	mostEqual    = 24
)

// search is a wish with what is known of the resources.
type search struct {
	booking.Wish
	now   time.Time
	loads map[string]booking.Load
}

// Alternatives implements booking.Availability: other equal resources at the
// same time and other times for the same resources, best first. It reads
// through the cache, since nothing is promised by it.
func (e *Engine) Alternatives(ctx context.Context, t tenant.ID, w booking.Wish) ([]booking.Alternative, error) {
	equals, err := e.equalResources(ctx, t, w)
	if err != nil {
		return nil, err
	}
	all := slices.Concat(w.Resources, equals)
	from, till := around(all, w.Start.Add(-searchBefore), w.End.Add(searchAfter))
	loads, _, err := e.load(ctx, t, all, nil, from, till)
	if err != nil {
		return nil, fmt.Errorf("alternatives: %w", err)
	}
	s := search{w, e.now(), map[string]booking.Load{}}
	for _, l := range loads {
		s.loads[l.Resource.Email] = l
	}
	return append(s.otherResources(equals), s.otherTimes()...), nil
}

// equalResources answers resources of the same type, at least as large, that
// are not asked for already; nearest in size first. Only the taken resources
// are to be replaced.
func (e *Engine) equalResources(ctx context.Context, t tenant.ID, w booking.Wish) ([]directory.Resource, error) {
	var out []directory.Resource
	for _, r := range w.Resources {
		if !slices.Contains(w.Taken, r.Email) {
			continue
		}
		found, err := e.resources(t).Resources(ctx, directory.Filter{Type: r.Type, MinCapacity: r.Capacity, Features: r.Features})
		if err != nil {
			return nil, fmt.Errorf("alternatives: %w", err)
		}
		for _, f := range found {
			same := func(o directory.Resource) bool { return o.Email == f.Email }
			if f.Active && !slices.ContainsFunc(w.Resources, same) && !slices.ContainsFunc(out, same) {
				out = append(out, f)
			}
		}
	}
	slices.SortStableFunc(out, func(a, b directory.Resource) int { return a.Capacity - b.Capacity })
	return out[:min(len(out), mostEqual)], nil
}

func (s search) free(email string, start, end time.Time, quantity int) bool {
	return s.loads[email].Judge(booking.Case{Who: s.Who, Now: s.now, Start: start, End: end, Quantity: quantity, Ignore: s.Ignore}).Free()
}

// otherResources replaces each taken resource by a free equal one.
func (s search) otherResources(equals []directory.Resource) []booking.Alternative {
	var out []booking.Alternative
	used := map[string]bool{}
	for range mostOfKind {
		var emails []string
		for _, r := range s.Resources {
			if !slices.Contains(s.Taken, r.Email) {
				emails = append(emails, r.Email)
				continue
			}
			i := slices.IndexFunc(equals, func(q directory.Resource) bool {
				return q.Type == r.Type && q.Capacity >= r.Capacity && !used[q.Email] && s.free(q.Email, s.Start, s.End, s.Quantities[r.Email])
			})
			if i < 0 {
				return out
			}
			used[equals[i].Email] = true
			emails = append(emails, equals[i].Email)
		}
		out = append(out, booking.Alternative{Start: s.Start, End: s.End, Resources: emails, Reason: "another resource that is as large, at the same time"})
	}
	return out
}

// otherTimes finds the nearest spans of the same length in which all the
// resources are free.
func (s search) otherTimes() []booking.Alternative {
	emails := make([]string, len(s.Resources))
	for i, r := range s.Resources {
		emails[i] = r.Email
	}
	length := s.End.Sub(s.Start)
	free := func(at time.Time) bool {
		return !at.Before(s.now) && !slices.ContainsFunc(emails, func(m string) bool { return !s.free(m, at, at.Add(length), s.Quantities[m]) })
	}
	var out []booking.Alternative
	offer := func(at time.Time, shift time.Duration) {
		if len(out) >= mostOfKind || !free(at) {
			return
		}
		word := "later"
		if shift < 0 {
			word, shift = "earlier", -shift
		}
		out = append(out, booking.Alternative{Start: at, End: at.Add(length), Resources: emails,
			Reason: fmt.Sprintf("%d minutes %s", int(shift.Minutes()), word)})
	}
	for shift := searchStep; shift <= searchAfter && len(out) < mostOfKind; shift += searchStep {
		offer(s.Start.Add(shift), shift)
		if shift <= searchBefore {
			offer(s.Start.Add(-shift), -shift)
		}
	}
	return out
}
