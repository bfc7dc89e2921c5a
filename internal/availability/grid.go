package availability

import (
	"math/bits"
	"time"

	"rmp/calendar/zone"
)

// grid is the starts that a search looks at: n of them, step microseconds
// apart.
type grid struct {
	first, step int64
	n           int
}

func (g grid) at(i int) int64 { return g.first + int64(i)*g.step }

// starts is a set of the starts of a grid.
type starts []uint64

func (g grid) all() starts {
	s := make(starts, (g.n+63)/64)
	for i := range s {
		s[i] = ^uint64(0)
	}
	if rest := g.n % 64; rest != 0 {
		s[len(s)-1] = 1<<rest - 1
	}
	return s
}

func (g grid) none() starts { return make(starts, (g.n+63)/64) }

// remove takes out the starts between two instants, both excluded.
func (g grid) remove(s starts, after, before int64) {
	lo, hi := 0, g.n-1
	if d := after - g.first; d >= 0 {
		lo = int(d/g.step) + 1
	}
	switch d := before - g.first; {
	case d <= 0:
		return
	case d <= int64(hi)*g.step:
		hi = int((d - 1) / g.step)
	}
	if lo > hi {
		return
	}
	a, b := lo>>6, hi>>6
	from, till := ^uint64(0)<<(lo&63), ^uint64(0)>>(63-hi&63)
	if a == b {
		s[a] &^= from & till
		return
	}
	s[a] &^= from
	for i := a + 1; i < b; i++ {
		s[i] = 0
	}
	s[b] &^= till
}

func (s starts) and(o starts) {
	for i := range s {
		s[i] &= o[i]
	}
}

func (s starts) count() (n int) {
	for _, w := range s {
		n += bits.OnesCount64(w)
	}
	return n
}

func (s starts) has(i int) bool { return s[i>>6]>>(i&63)&1 == 1 }

// each calls f with the starts of the set in their order until it answers
// false.
func (s starts) each(f func(i int) bool) {
	for k, w := range s {
		for ; w != 0; w &= w - 1 {
			if !f(k<<6 + bits.TrailingZeros64(w)) {
				return
			}
		}
	}
}

// days calls f with each day of a zone that touches [from, till).
func days(from, till int64, loc *time.Location, f func(begin, end time.Time)) {
	t := instant(from).In(loc)
	begin := zone.OnClock(t.Year(), t.Month(), t.Day(), 0, loc)
	for micros(begin) < till {
		end := zone.OnClock(begin.Year(), begin.Month(), begin.Day()+1, 0, loc)
		f(begin, end)
		begin = end
	}
}
