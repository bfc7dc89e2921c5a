package interval

import (
	"slices"
	"sync/atomic"
	"time"
)

// Index is the busy time of one calendar, kept up to date as its events come
// and go. It remembers every event (two at the same time are two), so that
// removing one leaves busy what another still covers.
//
// Beside the events, sorted by start, it keeps the Set that they cover.
// Questions read that set and nothing else. A change works only on the spans
// of the set that the event meets; besides, it moves the tail of two sorted
// lists, which for the some thousand events of a calendar is a copy of less
// memory than a page of a book.
//
// The zero Index is empty and ready. Any number of goroutines may ask at the
// same time (Snapshot included); Add and Remove need the Index to themselves.
// A Snapshot stays as it is whatever happens afterwards, so a caller that
// answers slowly takes one under its lock and reads it outside.
type Index struct {
	events []Span // sorted by compare, none empty
	merged Set    // what events cover

	// shared says that merged was handed out and has to be copied before it
	// is written to. It is atomic because readers set it.
	shared atomic.Bool
}

// NewIndex is an index of the given events; it costs one sort.
func NewIndex(events ...Span) *Index {
	x := &Index{events: slices.DeleteFunc(slices.Clone(events), Span.Empty)}
	slices.SortFunc(x.events, compare)
	x.merged = merge(nil, x.events)
	return x
}

// Len is the number of events.
func (x *Index) Len() int { return len(x.events) }

// Add adds an event. An empty span takes no time and is not kept; Add is
// false for it.
func (x *Index) Add(span Span) bool {
	if span.Empty() {
		return false
	}
	i, _ := slices.BinarySearchFunc(x.events, span, compare)
	x.events = slices.Insert(x.events, i, span)

	// The spans from lo up to hi overlap or touch the new one (touching is
	// why the bounds are one microsecond wider) and become one with it.
	lo := x.merged.endAfter(span.Start - 1)
	hi := lo + x.merged[lo:].startFrom(span.End+1)
	if lo < hi {
		first, last := x.merged[lo], x.merged[hi-1]
		if hi-lo == 1 && first.Start <= span.Start && span.End <= first.End {
			return true // busy already: no need to copy a shared set
		}
		span.Start = min(span.Start, first.Start)
		span.End = max(span.End, last.End)
	}
	x.own()
	x.merged = slices.Replace(x.merged, lo, hi, span)
	return true
}

// Remove removes one event with exactly this start and end; it is false, and
// nothing changes, if there is none. Its cost grows with the number of events
// in the one busy stretch that held it.
func (x *Index) Remove(span Span) bool {
	i, found := slices.BinarySearchFunc(x.events, span, compare)
	if !found {
		return false
	}
	x.events = slices.Delete(x.events, i, i+1)

	// Whatever else is busy within the stretch comes from events that start
	// in it: an earlier one that reached into it would be part of it.
	at := x.merged.endAfter(span.Start)
	stretch := x.merged[at]
	lo := Set(x.events).startFrom(stretch.Start)
	hi := lo + Set(x.events[lo:]).startFrom(stretch.End)
	var few [16]Span
	left := merge(few[:0], x.events[lo:hi])
	if len(left) == 1 && left[0] == stretch {
		return true
	}
	x.own()
	x.merged = slices.Replace(x.merged, at, at+1, left...)
	return true
}

// own makes merged safe to write to.
func (x *Index) own() {
	if x.shared.Load() {
		n := len(x.merged)
		x.merged = append(make(Set, 0, n+n/8+4), x.merged...)
		x.shared.Store(false)
	}
}

// AppendBusy appends to dst what is busy from one instant up to another (in
// microseconds since 1970 UTC), cut off at both. It costs two binary searches
// and one copy, and allocates only when dst has no room.
func (x *Index) AppendBusy(dst Set, from, till int64) Set {
	return x.merged.AppendClip(dst, Span{from, till})
}

// Busy is AppendBusy to a new set.
func (x *Index) Busy(from, till int64) Set { return x.AppendBusy(nil, from, till) }

// Snapshot is all busy time as of now. It copies nothing; the next change
// that alters the set does, once.
func (x *Index) Snapshot() Set {
	if !x.shared.Load() {
		x.shared.Store(true)
	}
	return slices.Clip(x.merged)
}

// Contains reports whether the instant t is busy.
func (x *Index) Contains(t int64) bool { return x.merged.Contains(t) }

// Overlaps reports whether any of span is busy.
func (x *Index) Overlaps(span Span) bool { return x.merged.Overlaps(span) }

// FirstGap is Set.FirstGap of all busy time, without taking a Snapshot.
func (x *Index) FirstGap(window Span, atLeast time.Duration) (Span, bool) {
	return x.merged.FirstGap(window, atLeast)
}

// LongestGap is Set.LongestGap of all busy time, without taking a Snapshot.
func (x *Index) LongestGap(window Span) (Span, bool) { return x.merged.LongestGap(window) }
