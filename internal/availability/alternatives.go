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

// Alternatives implements booking.Availability: other equal resources at the
// same time and other times for the same resources, best first. It reads
// through the cache, since nothing is promised by it.
func (e *Engine) Alternatives(ctx context.Context, t tenant.ID, resources []directory.Resource, taken []string, start, end time.Time) ([]booking.Alternative, error) {
	equals, err := e.equalResources(ctx, t, resources, taken)
	if err != nil {
		return nil, err
	}
	from, till := start.Add(-searchBefore), end.Add(searchAfter)
	var accounts []string
	for _, r := range resources {
		accounts = append(accounts, r.Email)
	}
	for _, r := range equals {
		accounts = append(accounts, r.Email)
	}
	all, err := e.Busy(ctx, t, accounts, from, till)
	if err != nil {
		return nil, fmt.Errorf("alternatives: %w", err)
	}
	byEmail := map[string]Account{}
	for _, a := range all {
		byEmail[a.Email] = a
	}
	out := e.otherResources(resources, taken, equals, byEmail, start, end)
	return append(out, e.otherTimes(resources, byEmail, start, end)...), nil
}

// equalResources answers resources of the same type, at least as large, that
// are not asked for already; nearest in size first. Only the taken resources
// are to be replaced.
func (e *Engine) equalResources(ctx context.Context, t tenant.ID, asked []directory.Resource, taken []string) ([]directory.Resource, error) {
	var out []directory.Resource
	for _, r := range asked {
		if !slices.Contains(taken, r.Email) {
			continue
		}
		found, err := e.resources(t).Resources(ctx, directory.Filter{Type: r.Type, MinCapacity: r.Capacity, Features: r.Features})
		if err != nil {
			return nil, fmt.Errorf("alternatives: %w", err)
		}
		for _, f := range found {
			same := func(o directory.Resource) bool { return o.Email == f.Email }
			if f.Active && !slices.ContainsFunc(asked, same) && !slices.ContainsFunc(out, same) {
				out = append(out, f)
			}
		}
	}
	slices.SortStableFunc(out, func(a, b directory.Resource) int { return a.Capacity - b.Capacity })
	return out[:min(len(out), mostEqual)], nil
}

func freeAt(a Account, start, end time.Time) bool {
	if a.Err != nil {
		return false
	}
	return !slices.ContainsFunc(a.Busy, func(s Span) bool { return s.Start.Before(end) && s.End.After(start) })
}

// otherResources replaces each taken resource by a free equal one.
func (e *Engine) otherResources(asked []directory.Resource, taken []string, equals []directory.Resource, busy map[string]Account, start, end time.Time) []booking.Alternative {
	var out []booking.Alternative
	used := map[string]bool{}
	for range mostOfKind {
		var emails []string
		for _, r := range asked {
			if !slices.Contains(taken, r.Email) {
				emails = append(emails, r.Email)
				continue
			}
			i := slices.IndexFunc(equals, func(q directory.Resource) bool {
				return q.Type == r.Type && q.Capacity >= r.Capacity && !used[q.Email] && freeAt(busy[q.Email], start, end)
			})
			if i < 0 {
				return out
			}
			used[equals[i].Email] = true
			emails = append(emails, equals[i].Email)
		}
		out = append(out, booking.Alternative{Start: start, End: end, Resources: emails, Reason: "another resource that is as large, at the same time"})
	}
	return out
}

// otherTimes finds the nearest spans of the same length in which all the
// resources are free.
func (e *Engine) otherTimes(asked []directory.Resource, busy map[string]Account, start, end time.Time) []booking.Alternative {
	emails := make([]string, len(asked))
	for i, r := range asked {
		emails[i] = r.Email
	}
	length := end.Sub(start)
	free := func(s time.Time) bool {
		if s.Before(e.now()) {
			return false
		}
		for _, m := range emails {
			if !freeAt(busy[m], s, s.Add(length)) {
				return false
			}
		}
		return true
	}
	var out []booking.Alternative
	offer := func(s time.Time, shift time.Duration) {
		if len(out) >= mostOfKind || !free(s) {
			return
		}
		word := "later"
		if shift < 0 {
			word, shift = "earlier", -shift
		}
		out = append(out, booking.Alternative{Start: s, End: s.Add(length), Resources: emails,
			Reason: fmt.Sprintf("%d minutes %s", int(shift.Minutes()), word)})
	}
	for shift := searchStep; shift <= searchAfter && len(out) < mostOfKind; shift += searchStep {
		offer(start.Add(shift), shift)
		if shift <= searchBefore {
			offer(start.Add(-shift), -shift)
		}
	}
	return out
}
