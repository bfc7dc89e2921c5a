package interval

import (
	"errors"
	"math/bits"
	"slices"
	"time"
)

// Grid cuts time into Slots slots of the length Slot, the first of them at
// Start (microseconds since 1970 UTC). Maps can be combined only if they lie
// over the same Grid, which is why the operations on them belong to it.
type Grid struct {
	Start int64
	Slot  time.Duration
	Slots int
}

// Valid is nil if the grid can be used: slots of whole microseconds, zero or
// more of them, and an end that is an instant.
func (g Grid) Valid() error {
	switch {
	case g.Slot < time.Microsecond || g.Slot%time.Microsecond != 0:
		return errors.New("grid: a slot must be a whole number of microseconds, at least one")
	case g.Slots < 0:
		return errors.New("grid: negative number of slots")
	case g.Start < Min || g.Start > Max || int64(g.Slots) > (Max-g.Start)/g.slot():
		return errors.New("grid: reaches out of the range of instants")
	}
	return nil
}

// slot is the length of a slot in microseconds.
func (g Grid) slot() int64 { return int64(g.Slot / time.Microsecond) }

// words is the number of words of a Bitmap over g.
func (g Grid) words() int { return (g.Slots + 63) >> 6 }

// Window is all the time of the grid.
func (g Grid) Window() Span { return g.Span(0, g.Slots) }

// Span is the time of n slots from the given one on.
func (g Grid) Span(slot, n int) Span {
	return Span{g.Start + int64(slot)*g.slot(), g.Start + int64(slot+n)*g.slot()}
}

// SlotOf is the slot that the instant t is in; it is false outside the grid.
func (g Grid) SlotOf(t int64) (int, bool) {
	if !g.Window().Contains(t) {
		return 0, false
	}
	return int((t - g.Start) / g.slot()), true
}

// touched is the slots, from lo up to hi, that span has any time in.
func (g Grid) touched(span Span) (lo, hi int) {
	span = span.Intersect(g.Window())
	if span.Empty() {
		return 0, 0
	}
	slot := g.slot()
	return int((span.Start - g.Start) / slot), int((span.End-g.Start-1)/slot) + 1
}

// within is the slots, from lo up to hi, that lie wholly in span.
func (g Grid) within(span Span) (lo, hi int) {
	span = span.Intersect(g.Window())
	if span.Empty() {
		return 0, 0
	}
	slot := g.slot()
	lo, hi = int((span.Start-g.Start+slot-1)/slot), int((span.End-g.Start)/slot)
	return lo, max(lo, hi)
}

// Bitmap says of each slot of a Grid whether it is busy: slot i is bit i%64
// of word i/64. Bits past the last slot are zero. Its methods that change it
// do so in place; it is not safe for use by several goroutines while one of
// them does.
type Bitmap []uint64

// NewBitmap is a map over g with every slot free.
func (g Grid) NewBitmap() Bitmap { return make(Bitmap, g.words()) }

// FromSet is a map over g with the slots busy that s has any time in.
func (g Grid) FromSet(s Set) Bitmap { return g.Fill(g.NewBitmap(), s) }

// Fill is FromSet in the memory of b, a map over g whose content does not
// matter.
func (g Grid) Fill(b Bitmap, s Set) Bitmap {
	clear(b)
	for _, sp := range s.Touching(g.Window()) {
		g.Set(b, sp)
	}
	return b
}

// Set makes every slot busy that span has any time in.
func (g Grid) Set(b Bitmap, span Span) { b.setRange(g.touched(span)) }

// Clear makes every slot free that lies wholly in span. One that span covers
// only in part stays as it is: the rest of it may be busy for another reason.
// To take back a Set when events share slots, keep a Counted.
func (g Grid) Clear(b Bitmap, span Span) { b.clearRange(g.within(span)) }

// AppendSet appends to dst the time of the busy slots of b.
func (g Grid) AppendSet(dst Set, b Bitmap) Set {
	for at := 0; ; {
		start := nextOne(b, at)
		if start >= g.Slots {
			return dst
		}
		at = min(nextZero(b, start), g.Slots)
		dst = append(dst, g.Span(start, at-start))
	}
}

// Union makes busy in b what is busy in o.
func (b Bitmap) Union(o Bitmap) {
	o = o[:len(b)]
	for i := range b {
		b[i] |= o[i]
	}
}

// Intersect makes free in b what is free in o.
func (b Bitmap) Intersect(o Bitmap) {
	o = o[:len(b)]
	for i := range b {
		b[i] &= o[i]
	}
}

// Complement makes busy in b what was free, and the reverse.
func (g Grid) Complement(b Bitmap) {
	for i := range b {
		b[i] = ^b[i]
	}
	if tail := uint(g.Slots) & 63; tail != 0 {
		b[len(b)-1] &= 1<<tail - 1
	}
}

// Clone is a copy of b.
func (b Bitmap) Clone() Bitmap { return slices.Clone(b) }

// Busy reports whether the slot is busy.
func (b Bitmap) Busy(slot int) bool { return b[slot>>6]>>(uint(slot)&63)&1 != 0 }

// Count is the number of busy slots.
func (b Bitmap) Count() int {
	n := 0
	for _, w := range b {
		n += bits.OnesCount64(w)
	}
	return n
}

// setRange sets the bits from lo up to hi.
func (b Bitmap) setRange(lo, hi int) {
	if lo >= hi {
		return
	}
	first, last := lo>>6, (hi-1)>>6
	head, tail := rangeMasks(lo, hi)
	if first == last {
		b[first] |= head & tail
		return
	}
	b[first] |= head
	for i := first + 1; i < last; i++ {
		b[i] = ^uint64(0)
	}
	b[last] |= tail
}

// clearRange clears the bits from lo up to hi.
func (b Bitmap) clearRange(lo, hi int) {
	if lo >= hi {
		return
	}
	first, last := lo>>6, (hi-1)>>6
	head, tail := rangeMasks(lo, hi)
	if first == last {
		b[first] &^= head & tail
		return
	}
	b[first] &^= head
	clear(b[first+1 : last])
	b[last] &^= tail
}

// rangeMasks is the bits of the first word from lo on, and those of the last
// word before hi.
func rangeMasks(lo, hi int) (head, tail uint64) {
	return ^uint64(0) << (uint(lo) & 63), ^uint64(0) >> (-uint(hi) & 63)
}

// nextOne is the first set bit at or after at, past the end if there is none.
func nextOne(b Bitmap, at int) int {
	i := at >> 6
	if i >= len(b) {
		return len(b) << 6
	}
	if w := b[i] >> (uint(at) & 63); w != 0 {
		return at + bits.TrailingZeros64(w)
	}
	for i++; i < len(b); i++ {
		if b[i] != 0 {
			return i<<6 + bits.TrailingZeros64(b[i])
		}
	}
	return len(b) << 6
}

// nextZero is the first clear bit at or after at, past the end if there is
// none.
func nextZero(b Bitmap, at int) int {
	i := at >> 6
	if i >= len(b) {
		return len(b) << 6
	}
	if w := ^b[i] >> (uint(at) & 63); w != 0 {
		return at + bits.TrailingZeros64(w)
	}
	for i++; i < len(b); i++ {
		if b[i] != ^uint64(0) {
			return i<<6 + bits.TrailingZeros64(^b[i])
		}
	}
	return len(b) << 6
}
