package availability

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// Why names a calendar or a rule that rules out starts.
type Why struct {
	Kind  string // person, resource, resources, rule
	Name  string // address, code of a rule, or type of the resources
	Share float64
	Text  string
	// Unknown: the calendar could not be read.
	Unknown bool
}

// Relaxation is a change of the question that would give a slot.
type Relaxation struct {
	Code, Name string // without-person, without-rule, fewer-seats, shorter, later
	Text       string
	First      Slot
}

// mostWhy bounds what is named.
const mostWhy = 8

// why names what rules out most, by itself.
func (f *finder) why() []Why {
	if f.grid.n == 0 {
		return []Why{{Kind: "rule", Name: "range", Share: 1, Text: "the range, with the notice that is asked for, is shorter than the meeting"}}
	}
	var out []Why
	add := func(kind, name, text string, s starts, unknown bool) {
		if lost := f.grid.n - s.count(); lost > 0 {
			out = append(out, Why{Kind: kind, Name: name, Share: float64(lost) / float64(f.grid.n), Text: text, Unknown: unknown})
		}
	}
	for _, r := range f.rules() {
		add("rule", r.code, r.text, f.allowed(r), false)
	}
	for i, p := range f.People {
		if p.Optional {
			continue
		}
		c := f.people[i]
		text := p.Email + " is busy"
		if c.err != nil {
			text = "whether " + p.Email + " is free is not known: " + reasonOf(c.err)
		}
		add("person", p.Email, text, f.free(p, c), c.err != nil)
	}
	for _, c := range f.named {
		text := c.resource.Resource.Name + " is taken or closed"
		if c.err != nil {
			text = "whether " + c.resource.Resource.Name + " is free is not known: " + reasonOf(c.err)
		}
		add("resource", c.email, text, f.bookable(c), c.err != nil)
	}
	for i, a := range f.AnyOf {
		s, n := f.grid.none(), max(1, a.Count)
		counts := make([]uint16, f.grid.n)
		for _, c := range f.pool[i] {
			f.bookable(c).each(func(i int) bool { counts[i]++; return true })
		}
		for k, m := range counts {
			if int(m) >= n {
				s[k>>6] |= 1 << (k & 63)
			}
		}
		text := fmt.Sprintf("no %s that fits is free", a.Type)
		switch largest, small := f.largest[i]; {
		case small:
			text = fmt.Sprintf("no %s has %d seats; the largest has %d (%s)", a.Type, a.MinCapacity, largest.Capacity, largest.Name)
		case len(f.pool[i]) == 0:
			text = fmt.Sprintf("there is no %s that fits", a.Type)
		case len(f.pool[i]) < n:
			text = fmt.Sprintf("there are %d of the type %s that fit, not %d", len(f.pool[i]), a.Type, n)
		case n > 1:
			text = fmt.Sprintf("fewer than %d of the type %s that fit are free", n, a.Type)
		}
		add("resources", a.Type, text, s, false)
	}
	slices.SortStableFunc(out, func(a, b Why) int { return cmp.Compare(b.Share, a.Share) })
	return out[:min(len(out), mostWhy)]
}

// relaxations are the single changes that would give a slot, the smallest
// first: to go without a person, or a rule, a smaller room, a shorter meeting.
func (f *finder) relaxations() (out []Relaxation) {
	try := func(code, name, text string, change func(*Query, *world)) {
		q, w := f.Query, f.world
		q.Limit = 1
		change(&q, &w)
		if s := newFinder(q, w).find(); len(s) > 0 {
			out = append(out, Relaxation{code, name, text, s[0]})
		}
	}
	for i, p := range f.People {
		if p.Optional {
			continue
		}
		try("without-person", p.Email, "without "+p.Email, func(q *Query, w *world) {
			q.People = slices.Delete(slices.Clone(q.People), i, i+1)
			w.people = slices.Delete(slices.Clone(w.people), i, i+1)
			q.Quorum = min(q.Quorum, len(q.People))
		})
	}
	for i, a := range f.AnyOf {
		if a.MinCapacity > 0 || len(a.Features) > 0 || a.Site != "" {
			continue // candidates of another kind are not known here
		}
		if a.Count > 1 {
			try("fewer-resources", a.Type, fmt.Sprintf("with one %s fewer", a.Type), func(q *Query, _ *world) {
				q.AnyOf = slices.Clone(q.AnyOf)
				q.AnyOf[i].Count--
			})
		}
	}
	for _, r := range f.rules() {
		try("without-rule", r.code, "if it need not be "+r.text, func(q *Query, _ *world) {
			switch r.code {
			case "excludeWeekends":
				q.ExcludeWeekends = false
			case "holidays":
				q.Holidays = nil
			case "morningOnly":
				q.MorningOnly = false
			case "afternoonOnly":
				q.AfternoonOnly = false
			case "workingHours":
				q.Hours = nil
			}
		})
	}
	for _, c := range f.named {
		try("without-resource", c.email, "without "+c.resource.Resource.Name, func(q *Query, w *world) {
			w.named = slices.DeleteFunc(slices.Clone(w.named), func(x calendar) bool { return x.email == c.email })
		})
	}
	for d := f.Duration - 15*time.Minute; d >= 15*time.Minute && !slices.ContainsFunc(out, func(r Relaxation) bool { return r.Code == "shorter" }); d -= 15 * time.Minute {
		try("shorter", d.String(), fmt.Sprintf("if it were %d minutes long", int(d.Minutes())), func(q *Query, _ *world) { q.Duration = d })
	}
	return out
}
