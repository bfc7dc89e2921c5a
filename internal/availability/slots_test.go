package availability

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"rmp/internal/booking"
	"rmp/internal/directory"
	"rmp/internal/tenant"
)

var berlin = func() *time.Location {
	loc, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		panic(err)
	}
	return loc
}()

// calendarOf makes the calendar of an account from spans of minutes.
func calendarOf(email string, base time.Time, spans [][2]int, err error) calendar {
	var list []busy
	for _, s := range spans {
		list = append(list, busy{micros(base.Add(time.Duration(s[0]) * time.Minute)), micros(base.Add(time.Duration(s[1]) * time.Minute)), statuses["busy"]})
	}
	first := dayOf(micros(base)) - 2
	return calendar{email: email, err: err, quantity: 1, windows: []*window{(*window)(nil).with(first, first+12, list, 0)}}
}

func ptr[T any](v T) *T { return &v }

// model is a random world and question, small enough to look at each minute.
type model struct {
	q         Query
	w         world
	base, now time.Time
	busy      map[string][][2]int
}

func drawModel(t *rapid.T) *model {
	// The last Sunday of March: a day of 23 hours is in the middle.
	base := time.Date(2027, 3, 26, 0, 0, 0, 0, berlin).UTC()
	m := &model{base: base, busy: map[string][][2]int{}}
	minutes := func(lo, hi int, name string) int { return rapid.IntRange(lo/5, hi/5).Draw(t, name) * 5 }
	spans := func(name string) (out [][2]int) {
		for range rapid.IntRange(0, 14).Draw(t, name) {
			s := rapid.IntRange(-600, 4*1440).Draw(t, "start")
			out = append(out, [2]int{s, s + rapid.IntRange(1, 900).Draw(t, "length")})
		}
		return out
	}
	now := base.Add(time.Duration(minutes(-1440, 1440, "now")) * time.Minute)
	m.now, m.w.now = now, micros(now)
	hours := func() *Hours {
		h := &Hours{From: minutes(0, 720, "opens")}
		h.To = h.From + minutes(60, 720, "open for")
		for d := range h.Days {
			h.Days[d] = rapid.IntRange(0, 3).Draw(t, "open") > 0
		}
		return h
	}
	errAway := errors.New("is away")
	q := &m.q
	q.Who = tenant.Principal{Tenant: "a", Email: "anna@a.test", Role: tenant.User}
	q.From = base.Add(time.Duration(rapid.IntRange(0, 600).Draw(t, "from")) * time.Minute)
	q.Till = q.From.Add(time.Duration(rapid.IntRange(60, 3*1440).Draw(t, "range")) * time.Minute)
	q.Duration = time.Duration(rapid.IntRange(1, 300).Draw(t, "duration")) * time.Minute
	q.Limit = 10_000
	q.Zone = berlin
	q.Granularity = time.Duration(rapid.SampledFrom([]int{5, 15, 20, 30, 60}).Draw(t, "granularity")) * time.Minute
	q.ExcludeWeekends, q.MorningOnly, q.AfternoonOnly = rapid.Bool().Draw(t, "noWeekend"), rapid.IntRange(0, 4).Draw(t, "am") == 0, rapid.IntRange(0, 4).Draw(t, "pm") == 0
	if rapid.IntRange(0, 2).Draw(t, "hours") == 0 {
		q.Hours = hours()
	}
	if rapid.IntRange(0, 3).Draw(t, "holiday") == 0 {
		q.Holidays = []string{"2027-03-27"}
	}
	q.MinimumNotice = time.Duration(minutes(0, 300, "notice")) * time.Minute
	q.BufferBefore, q.BufferAfter = time.Duration(rapid.IntRange(0, 30).Draw(t, "before"))*time.Minute, time.Duration(rapid.IntRange(0, 30).Draw(t, "after"))*time.Minute
	for i := range rapid.IntRange(0, 4).Draw(t, "people") {
		p := Participant{Email: fmt.Sprintf("p%d@a.test", i), Optional: rapid.IntRange(0, 2).Draw(t, "optional") == 0}
		if rapid.IntRange(0, 3).Draw(t, "own hours") == 0 {
			p.Hours, p.Zone = hours(), time.UTC
		}
		var err error
		if rapid.IntRange(0, 12).Draw(t, "away") == 0 {
			err = errAway
		}
		m.busy[p.Email] = spans("busy")
		q.People = append(q.People, p)
		m.w.people = append(m.w.people, calendarOf(p.Email, base, m.busy[p.Email], err))
	}
	if len(q.People) > 1 && rapid.IntRange(0, 2).Draw(t, "quorum") == 0 {
		q.Quorum = rapid.IntRange(1, len(q.People)).Draw(t, "of")
	}
	resource := func(i int) calendar {
		r := directory.Resource{ID: fmt.Sprint(i), Email: fmt.Sprintf("r%d@a.test", i), Name: fmt.Sprint("Room ", i), Type: "conference-room", Capacity: i, TimeZone: "Europe/Berlin", Active: true,
			Units: rapid.SampledFrom([]int{1, 1, 2, 3}).Draw(t, "units")}
		if rapid.Bool().Draw(t, "policy") {
			p := &r.Policy
			p.SetupTimeInMinutes, p.TeardownTimeInMinutes = ptr(rapid.IntRange(0, 20).Draw(t, "setup")), ptr(rapid.IntRange(0, 20).Draw(t, "teardown"))
			p.ScheduleOnlyDuringWorkHours = ptr(rapid.Bool().Draw(t, "binding"))
			p.WorkingHours = &directory.WorkingHours{Days: []string{"MO", "FR", "SU"}, Start: "08:00", End: "19:30"}
			p.MaximumDurationInMinutes = ptr(rapid.SampledFrom([]int{0, 0, 120}).Draw(t, "max"))
			p.MinimumLeadTimeInMinutes = ptr(rapid.SampledFrom([]int{0, 0, 600}).Draw(t, "lead"))
			p.BookingWindowInDays = ptr(rapid.SampledFrom([]int{0, 0, 1}).Draw(t, "window"))
			if rapid.IntRange(0, 3).Draw(t, "closed") == 0 {
				p.ClosedDays = []string{"2027-03-28"}
			}
			p.AllBookInPolicy = ptr(rapid.IntRange(0, 8).Draw(t, "all") > 0)
		}
		var err error
		if rapid.IntRange(0, 12).Draw(t, "away") == 0 {
			err = errAway
		}
		m.busy[r.Email] = spans("taken")
		c := calendarOf(r.Email, base, m.busy[r.Email], err)
		c.resource = &booking.Load{Resource: r, Rules: r.Rules()}
		c.quantity = rapid.SampledFrom([]int{1, 1, 2}).Draw(t, "quantity")
		return c
	}
	n := 0
	for range rapid.IntRange(0, 2).Draw(t, "named") {
		m.w.named = append(m.w.named, resource(n))
		n++
	}
	for range rapid.IntRange(0, 1).Draw(t, "anyOf") {
		var pool []calendar
		for range rapid.IntRange(0, 4).Draw(t, "pool") {
			c := resource(n)
			c.quantity = 1
			pool = append(pool, c)
			n++
		}
		q.AnyOf = append(q.AnyOf, AnyOf{Type: "conference-room", Count: rapid.IntRange(1, 2).Draw(t, "count")})
		m.w.pool = append(m.w.pool, pool)
	}
	return m
}

// judged is what the booking engine says of a resource.
func (m *model) judged(c calendar, start, end time.Time) booking.Verdict {
	l := *c.resource
	l.Err = c.err
	for _, s := range m.busy[c.email] {
		from, till := m.base.Add(time.Duration(s[0])*time.Minute), m.base.Add(time.Duration(s[1])*time.Minute)
		l.Blocks = append(l.Blocks, booking.Block{From: from, Till: till, Start: from, End: till, Foreign: true})
	}
	slices.SortFunc(l.Blocks, func(a, b booking.Block) int { return a.From.Compare(b.From) })
	return l.Judge(booking.Case{Who: m.q.Who, Now: m.now, Start: start, End: end, Quantity: c.quantity})
}

// naive looks at each minute of each start.
func (m *model) naive() []Slot {
	q := m.q
	local := q.From.In(berlin)
	origin := time.Date(local.Year(), local.Month(), local.Day(), 0, 0, 0, 0, berlin) // there is a midnight every day
	type found struct {
		Slot
		n int
	}
	var all []found
	count := 0
	first := q.From
	if s := m.now.Add(q.MinimumNotice); s.After(first) {
		first = s
	}
	total := 0
	for s := origin; !s.Add(q.Duration).After(q.Till); s = s.Add(q.Granularity) {
		if !s.Before(first) {
			total++
		}
	}
	outside := func(h *Hours, loc *time.Location, t time.Time) bool {
		t = t.In(loc)
		minute := t.Hour()*60 + t.Minute()
		return !h.Days[t.Weekday()] || minute < h.From || minute >= h.To
	}
	for s := origin; !s.Add(q.Duration).After(q.Till); s = s.Add(q.Granularity) {
		if s.Before(first) {
			continue
		}
		count++
		end := s.Add(q.Duration)
		bad := false
		missing := map[string]bool{}
		for t := s; t.Before(end); t = t.Add(time.Minute) {
			l := t.In(berlin)
			weekend := l.Weekday() == time.Saturday || l.Weekday() == time.Sunday
			bad = bad || q.ExcludeWeekends && weekend || slices.Contains(q.Holidays, l.Format(time.DateOnly)) || q.MorningOnly && l.Hour() >= 12 || q.AfternoonOnly && l.Hour() < 12 ||
				q.Hours != nil && outside(q.Hours, berlin, t)
			for _, p := range q.People {
				if p.Hours != nil && outside(p.Hours, p.Zone, t) {
					missing[p.Email] = true
				}
			}
		}
		for t := s.Add(-q.BufferBefore); t.Before(end.Add(q.BufferAfter)); t = t.Add(time.Minute) {
			minute := int(t.Sub(m.base) / time.Minute)
			for _, p := range q.People {
				for _, b := range m.busy[p.Email] {
					if minute >= b[0] && minute < b[1] {
						missing[p.Email] = true
					}
				}
			}
		}
		there, required := 0, 0
		var names []string
		for i, p := range q.People {
			gone := missing[p.Email] || m.w.people[i].err != nil
			if gone {
				names = append(names, p.Email)
			}
			if !p.Optional {
				required++
				if !gone {
					there++
				}
			}
		}
		need := required
		if q.Quorum > 0 {
			need = min(q.Quorum, required)
		}
		if bad || there < need {
			continue
		}
		slot := Slot{Start: s.UTC(), End: end.UTC(), Missing: append([]string{}, names...), Resources: []string{}}
		ok := true
		for _, c := range m.w.named {
			ok = ok && m.judged(c, s, end).Free()
			slot.Resources = append(slot.Resources, c.email)
		}
		for k, pool := range m.w.pool {
			n := 0
			for _, c := range pool {
				if n < q.AnyOf[k].Count && m.judged(c, s, end).Free() {
					slot.Resources = append(slot.Resources, c.email)
					n++
				}
			}
			ok = ok && n == q.AnyOf[k].Count
		}
		if ok {
			all = append(all, found{slot, count - 1})
		}
	}
	for i := range all {
		x := &all[i]
		x.Score = 1000 - 300*x.n/max(1, total)
		if n := len(q.People); n > 0 {
			x.Score -= 500 * len(x.Missing) / n
		}
	}
	slices.SortStableFunc(all, func(a, b found) int { return b.Score - a.Score })
	var out []Slot
	for _, x := range all {
		out = append(out, x.Slot)
	}
	return out
}

// TestSlotsAgainstEachMinute: what is found is what looking at each minute
// finds, in the same order, and what the booking engine says of the resources.
func TestSlotsAgainstEachMinute(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := drawModel(t)
		f := newFinder(m.q, m.w)
		got, want := f.find(), m.naive()
		for i := range got {
			got[i].Reasons = nil
		}
		if len(got) != len(want) || len(got) > 0 && !reflect.DeepEqual(got, want) {
			t.Fatalf("got %d slots, want %d:\n got %v\nwant %v", len(got), len(want), got, want)
		}
		if len(got) > 0 {
			return
		}
		// Nothing fits: each relaxation gives what it says, by itself.
		for _, r := range f.relaxations() {
			if r.First.End.Sub(r.First.Start) > m.q.Duration || r.First.Start.Before(m.q.From) || r.First.End.After(m.q.Till) {
				t.Fatalf("%+v", r)
			}
		}
		for _, w := range f.why() {
			if w.Share <= 0 || w.Share > 1 {
				t.Fatalf("%+v", w)
			}
		}
	})
}

// TestLayerAgainstReading: what is kept is what was read, whatever was asked
// for before and forgotten in between.
func TestLayerAgainstReading(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		base := time.Date(2027, 3, 1, 0, 0, 0, 0, time.UTC)
		now := base
		truth := map[string][][2]int{}
		var mu sync.Mutex // a reading in the background goes on beside the test
		l := newLayer(10*time.Minute, func() time.Time { mu.Lock(); defer mu.Unlock(); return now }, func(_ context.Context, _ tenant.ID, accounts []string, from, till time.Time) []fetched {
			mu.Lock()
			defer mu.Unlock()
			out := make([]fetched, len(accounts))
			for i, a := range accounts {
				for _, s := range truth[a] {
					b := busy{micros(base.Add(time.Duration(s[0]) * time.Hour)), micros(base.Add(time.Duration(s[1]) * time.Hour)), statuses["busy"]}
					if b.from < micros(till) && b.till > micros(from) {
						out[i].spans = append(out[i].spans, b)
					}
				}
			}
			return out
		})
		for range rapid.IntRange(1, 30).Draw(t, "steps") {
			account := rapid.SampledFrom([]string{"a", "b"}).Draw(t, "account")
			switch rapid.IntRange(0, 5).Draw(t, "step") {
			case 0:
				s := rapid.IntRange(-100, 400).Draw(t, "start")
				e := s + rapid.IntRange(1, 80).Draw(t, "length")
				mu.Lock()
				truth[account] = append(truth[account], [2]int{s, e})
				mu.Unlock()
				l.forget("t", []string{account}, base.Add(time.Duration(s)*time.Hour), base.Add(time.Duration(e)*time.Hour))
			case 1:
				mu.Lock()
				now = now.Add(time.Duration(rapid.IntRange(0, 20).Draw(t, "minutes")) * time.Minute)
				mu.Unlock()
			default:
				from := rapid.IntRange(-100, 300).Draw(t, "from")
				till := from + rapid.IntRange(1, 200).Draw(t, "range")
				a, b := micros(base.Add(time.Duration(from)*time.Hour)), micros(base.Add(time.Duration(till)*time.Hour))
				windows, errs := l.read(t.Context(), "t", []string{account}, instant(a), instant(b))
				if errs[0] != nil {
					t.Fatal(errs[0])
				}
				var got, want [][2]int64
				windows[0].each(a, b, func(x busy) { got = append(got, [2]int64{x.from, x.till}) })
				for _, s := range truth[account] {
					x := [2]int64{micros(base.Add(time.Duration(s[0]) * time.Hour)), micros(base.Add(time.Duration(s[1]) * time.Hour))}
					if x[0] < b && x[1] > a {
						want = append(want, x)
					}
				}
				order := func(x, y [2]int64) int { return slices.Compare(x[:], y[:]) }
				slices.SortFunc(got, order)
				slices.SortFunc(want, order)
				if !slices.Equal(got, want) {
					t.Fatalf("got %v, want %v", got, want)
				}
			}
		}
	})
}

// TestOneReadingForMany: who asks at the same time, or soon after, shares a
// reading; what has failed is read again; what changes while it is read is not
// kept.
func TestOneReadingForMany(t *testing.T) {
	base := time.Date(2027, 3, 1, 0, 0, 0, 0, time.UTC)
	now := base
	var reads atomic.Int32
	hold := make(chan struct{})
	var fail atomic.Bool
	l := newLayer(10*time.Minute, func() time.Time { return now }, func(_ context.Context, _ tenant.ID, accounts []string, _, _ time.Time) []fetched {
		reads.Add(1)
		<-hold
		out := make([]fetched, len(accounts))
		if fail.Load() {
			for i := range out {
				out[i].err = ErrDenied
			}
		}
		return out
	})
	ask := func(n int) {
		t.Helper()
		var wg sync.WaitGroup
		for range n {
			wg.Go(func() {
				_, errs := l.read(context.WithoutCancel(t.Context()), "t", []string{"a"}, base, base.Add(day))
				if (errs[0] != nil) != fail.Load() {
					t.Error(errs[0])
				}
			})
		}
		wg.Wait()
	}
	expect := func(what string, n int32) {
		t.Helper()
		if got := reads.Swap(0); got != n {
			t.Errorf("%s: read %d times, want %d", what, got, n)
		}
	}
	close(hold)
	fail.Store(true)
	ask(1)
	ask(1)
	expect("a failure is not kept", 2)
	fail.Store(false)
	hold = make(chan struct{})
	waiting := make(chan struct{})
	go func() { defer close(waiting); ask(20) }()
	for reads.Load() == 0 {
		runtime.Gosched()
	}
	close(hold)
	<-waiting
	ask(5)
	expect("shared", 1)
	l.forget("t", []string{"a"}, base, base.Add(time.Hour))
	ask(3)
	if n := reads.Swap(0); n < 1 || n > 3 {
		t.Errorf("forgotten: read %d times", n)
	}
	// It is forgotten while it is read: who waits reads again.
	now = now.Add(time.Hour)
	hold = make(chan struct{})
	waiting = make(chan struct{})
	go func() { defer close(waiting); ask(1) }()
	for reads.Load() == 0 {
		runtime.Gosched()
	}
	l.forget("t", []string{"a"}, base, base.Add(time.Hour))
	close(hold)
	<-waiting
	expect("forgotten while it was read", 2)
}
