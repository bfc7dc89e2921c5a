package interval

import "math"

// Counted is a Bitmap that is kept up to date as events come and go: beside
// the map it counts the events in each slot, so that a slot becomes free with
// the last of them and nothing has to be rebuilt. It takes two bytes a slot.
//
// A count that reaches 65,535 stays there, and its slot busy, whatever is
// removed afterwards: that errs to the safe side, and such a calendar is not
// one of meetings.
//
// As with an Index, any number of goroutines may read at the same time; Add
// and Remove need the Counted to themselves.
type Counted struct {
	grid   Grid
	busy   Bitmap
	counts []uint16
}

// NewCounted is a kept map over g with the given events. Only the part of an
// event within g counts.
func NewCounted(g Grid, events ...Span) *Counted {
	c := &Counted{grid: g, busy: g.NewBitmap(), counts: make([]uint16, g.Slots)}
	for _, e := range events {
		c.Add(e)
	}
	return c
}

// Grid is what the map lies over.
func (c *Counted) Grid() Grid { return c.grid }

// Bitmap is the kept map itself, not a copy: read only, and different after
// the next Add or Remove.
func (c *Counted) Bitmap() Bitmap { return c.busy }

// Count is the number of events that have any time in the slot, at most
// 65,535.
func (c *Counted) Count(slot int) int { return int(c.counts[slot]) }

// Add adds an event: every slot that it has any time in is busy.
func (c *Counted) Add(span Span) {
	lo, hi := c.grid.touched(span)
	for i, n := range c.counts[lo:hi] {
		if n < math.MaxUint16 {
			c.counts[lo+i] = n + 1
		}
	}
	c.busy.setRange(lo, hi)
}

// Remove takes back an Add of the same span. It is false, and nothing
// changes, if some slot of span has no event, so that span cannot have been
// added. Whether it has been otherwise is for the caller to know.
func (c *Counted) Remove(span Span) bool {
	lo, hi := c.grid.touched(span)
	for _, n := range c.counts[lo:hi] {
		if n == 0 {
			return false
		}
	}
	for i := lo; i < hi; i++ {
		switch c.counts[i] {
		case math.MaxUint16: // how many more there were is not known
		case 1:
			c.counts[i] = 0
			c.busy[i>>6] &^= 1 << (uint(i) & 63)
		default:
			c.counts[i]--
		}
	}
	return true
}
