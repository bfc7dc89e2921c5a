package interval

import (
	"iter"
	"math/bits"
)

// A run is a number of consecutive slots that are free in every one of some
// maps. All searches for one read the union of the maps, which is never
// stored: it is computed lane by lane as the search gets there, so one that
// succeeds early reads little.

// laneWords is the number of words of each map that are joined at a time: a
// cache line, and few enough that their union stays in registers.
const laneWords = 8

// lane is the part of the union of maps at which a search stands.
type lane struct {
	maps  []Bitmap
	words int // of each map
	base  int // index of the first word in buf; a multiple of laneWords
	buf   [laneWords]uint64
}

func (g Grid) lane(maps []Bitmap) lane {
	return lane{maps: maps, words: g.words(), base: -laneWords}
}

// word is word i of the union.
func (l *lane) word(i int) uint64 {
	if i&^(laneWords-1) != l.base {
		l.load(i &^ (laneWords - 1))
	}
	return l.buf[i&(laneWords-1)]
}

// load joins the words from base on.
func (l *lane) load(base int) {
	l.base = base
	if base+laneWords > l.words {
		clear(l.buf[:])
		n := l.words - base
		buf := l.buf[:n]
		for _, m := range l.maps {
			for i, w := range m[base:][:n] {
				buf[i] |= w
			}
		}
		return
	}
	var a, b, c, d, e, f, g, h uint64
	for _, m := range l.maps {
		p := (*[laneWords]uint64)(m[base:])
		a |= p[0]
		b |= p[1]
		c |= p[2]
		d |= p[3]
		e |= p[4]
		f |= p[5]
		g |= p[6]
		h |= p[7]
	}
	l.buf = [laneWords]uint64{a, b, c, d, e, f, g, h}
}

// free is the first slot at or after at that is free in all maps; at or past
// limit there may be none.
func (l *lane) free(at, limit int) int {
	if at >= limit {
		return limit
	}
	i := at >> 6
	if w := ^l.word(i) >> (uint(at) & 63); w != 0 {
		return min(limit, at+bits.TrailingZeros64(w))
	}
	for i++; i<<6 < limit; i++ {
		if w := ^l.word(i); w != 0 {
			return min(limit, i<<6+bits.TrailingZeros64(w))
		}
	}
	return limit
}

// busy is the first slot at or after at that is busy in any map, limit if
// there is none before it.
func (l *lane) busy(at, limit int) int {
	if at >= limit {
		return limit
	}
	i := at >> 6
	if w := l.word(i) >> (uint(at) & 63); w != 0 {
		return min(limit, at+bits.TrailingZeros64(w))
	}
	for i++; i<<6 < limit; i++ {
		if w := l.word(i); w != 0 {
			return min(limit, i<<6+bits.TrailingZeros64(w))
		}
	}
	return limit
}

// FirstFreeRun is the first slot, not before from, with which n consecutive
// slots begin that are free in all of maps. A step above 1 admits only slots
// whose number is a multiple of it (a meeting of 45 minutes on the half hour,
// over a grid of 15 minutes, is n 3 and step 2). It is false if there is no
// such run, in particular if n is below 1 or above the number of slots.
// Without any maps every slot is free.
func (g Grid) FirstFreeRun(from, n, step int, maps ...Bitmap) (slot int, ok bool) {
	if n < 1 || n > g.Slots {
		return 0, false
	}
	l := g.lane(maps)
	last := g.Slots - n // the last slot that a run can begin with
	for at := max(from, 0); at <= last; {
		i := at >> 6
		next := (i + 1) << 6
		lo, hi := ^l.word(i)&(^uint64(0)<<(uint(at)&63)), uint64(0)
		if lo != 0 && i+1 < l.words {
			hi = ^l.word(i + 1)
		}
		for starts := runStarts(lo, hi, min(n, 64)); starts != 0; {
			slot = i<<6 + bits.TrailingZeros64(starts)
			if step > 1 && slot%step != 0 {
				starts &= ^uint64(0) << (uint(slot)&63 + uint(step-slot%step))
				continue
			}
			if slot > last {
				return 0, false
			}
			if n <= 64 {
				return slot, true
			}
			// Up to the first busy slot behind the 64 there is no other run
			// that is long enough.
			if next = l.busy(slot+64, slot+n); next == slot+n {
				return slot, true
			}
			break
		}
		at = next
	}
	return 0, false
}

// runStarts is the bits of lo at which n set bits in a row begin, the last of
// which may be in hi, the word after lo; n is 1 to 64. It doubles the length
// that is known to be set until it is n, whatever the bits look like: the
// many short gaps of busy people cost a walk from gap to gap a misprediction
// each.
func runStarts(lo, hi uint64, n int) uint64 {
	for have := 1; have < n && lo != 0; {
		more := uint(min(have, n-have))
		lo &= lo>>more | hi<<(64-more)
		hi &= hi >> more
		have += int(more)
	}
	return lo
}

// FreeRuns yields the runs of slots that are free in all of maps, each as long
// as can be: first slot and number of slots, in order.
func (g Grid) FreeRuns(maps ...Bitmap) iter.Seq2[int, int] {
	return func(yield func(slot, n int) bool) {
		l := g.lane(maps)
		for end := 0; ; {
			slot := l.free(end, g.Slots)
			if slot >= g.Slots {
				return
			}
			end = l.busy(slot, g.Slots)
			if !yield(slot, end-slot) {
				return
			}
		}
	}
}

// LongestFreeRun is the longest run of slots that are free in all of maps, the
// first of them if several are as long; n is 0 if there is none.
func (g Grid) LongestFreeRun(maps ...Bitmap) (slot, n int) {
	for s, m := range g.FreeRuns(maps...) {
		if m > n {
			slot, n = s, m
		}
	}
	return slot, n
}

// CountFree is, for each slot, in how many of maps it is free. It uses the
// memory of dst if that is large enough.
//
// 64 slots are counted at a time, in counters that lie across words: bit i of
// plane k is bit k of the count of slot i, and a map is added to all of them
// by a few logical operations.
func (g Grid) CountFree(dst []int32, maps ...Bitmap) []int32 {
	if cap(dst) < g.Slots {
		dst = make([]int32, g.Slots)
	}
	dst = dst[:g.Slots]
	planes := bits.Len(uint(len(maps)))
	for i := range g.words() {
		var plane [32]uint64
		for _, m := range maps {
			carry := ^m[i]
			for k := 0; carry != 0; k++ {
				plane[k&31], carry = plane[k&31]^carry, plane[k&31]&carry
			}
		}
		counts := dst[i<<6 : min(i<<6+64, g.Slots)]
		for j := range counts {
			var c int32
			for k := range planes {
				c |= int32(plane[k&31]>>uint(j)&1) << uint(k)
			}
			counts[j] = c
		}
	}
	return dst
}
