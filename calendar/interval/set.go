package interval

import (
	"cmp"
	"slices"
	"time"
)

// Set is a set of instants as a sorted list of spans with some time between
// any two; see the package comment. The nil Set holds no time. Make one with
// New, or by appending spans that are known to keep the order (see Valid);
// treat it as a value and do not write to its spans.
type Set []Span

// New is the set of all time in any of spans, which may come in any order,
// overlap, touch or be empty.
func New(spans ...Span) Set { return Normalize(slices.Clone(spans)) }

// Normalize is New without an allocation: the set is built in the memory of
// spans, which must not be used otherwise any more.
func Normalize(spans []Span) Set {
	if !slices.IsSortedFunc(spans, compare) {
		slices.SortFunc(spans, compare)
	}
	return merge(spans[:0], spans)
}

// merge appends to dst the set that the sorted spans make. It never writes
// past what it has read, so dst may be spans[:0].
func merge(dst Set, spans []Span) Set {
	base := len(dst)
	for _, s := range spans {
		if s.Empty() {
			continue
		}
		if n := len(dst); n > base && s.Start <= dst[n-1].End {
			dst[n-1].End = max(dst[n-1].End, s.End)
			continue
		}
		dst = append(dst, s)
	}
	return dst
}

// compare orders by start, then by end.
func compare(a, b Span) int {
	if c := cmp.Compare(a.Start, b.Start); c != 0 {
		return c
	}
	return cmp.Compare(a.End, b.End)
}

// Valid reports whether s is what the type promises: sorted, no empty span,
// time between any two spans, all within Min and Max. It is for sets that
// were made elsewhere.
func (s Set) Valid() bool {
	for i, sp := range s {
		if sp.Empty() || sp.Start < Min || sp.End > Max || i > 0 && sp.Start <= s[i-1].End {
			return false
		}
	}
	return true
}

// endAfter is the index of the first span that ends after t, len(s) if there
// is none.
func (s Set) endAfter(t int64) int {
	lo, hi := 0, len(s)
	for lo < hi {
		if mid := int(uint(lo+hi) >> 1); s[mid].End > t {
			hi = mid
		} else {
			lo = mid + 1
		}
	}
	return lo
}

// startFrom is the index of the first span that starts at t or later, len(s)
// if there is none.
func (s Set) startFrom(t int64) int {
	lo, hi := 0, len(s)
	for lo < hi {
		if mid := int(uint(lo+hi) >> 1); s[mid].Start >= t {
			hi = mid
		} else {
			lo = mid + 1
		}
	}
	return lo
}

// Touching is the spans of s that have time in window, whole: the first and
// the last may reach out of it. It shares the memory of s and costs two
// binary searches.
func (s Set) Touching(window Span) Set {
	if window.Empty() {
		return nil
	}
	i := s.endAfter(window.Start)
	j := i + s[i:].startFrom(window.End)
	return s[i:j:j]
}

// Clip is the part of s in window. It shares the memory of s unless a span
// reaches over an edge of window and has to be cut.
func (s Set) Clip(window Span) Set {
	t := s.Touching(window)
	n := len(t)
	if n == 0 || t[0].Start >= window.Start && t[n-1].End <= window.End {
		return t
	}
	return appendClip(make(Set, 0, n), t, window)
}

// AppendClip appends s.Clip(window) to dst, which must not share memory with
// s.
func (s Set) AppendClip(dst Set, window Span) Set {
	return appendClip(dst, s.Touching(window), window)
}

// appendClip appends t, the spans that touch window, with the ends cut off.
// Only the first and the last can need it, so all are copied at once.
func appendClip(dst, t Set, window Span) Set {
	if len(t) == 0 {
		return dst
	}
	first := len(dst)
	dst = append(dst, t...)
	dst[first].Start = max(dst[first].Start, window.Start)
	last := len(dst) - 1
	dst[last].End = min(dst[last].End, window.End)
	return dst
}

// Contains reports whether the instant t is in s.
func (s Set) Contains(t int64) bool {
	i := s.endAfter(t)
	return i < len(s) && s[i].Start <= t
}

// Covers reports whether all of span is in s. An empty span always is.
func (s Set) Covers(span Span) bool {
	if span.Empty() {
		return true
	}
	i := s.endAfter(span.Start)
	return i < len(s) && s[i].Start <= span.Start && span.End <= s[i].End
}

// Overlaps reports whether any of span is in s. An empty span never is.
func (s Set) Overlaps(span Span) bool {
	if span.Empty() {
		return false
	}
	i := s.endAfter(span.Start)
	return i < len(s) && s[i].Start < span.End
}

// Micros is the time in s together, in microseconds.
func (s Set) Micros() int64 {
	var us int64
	for _, sp := range s {
		us += sp.End - sp.Start
	}
	return us
}

// Total is the time in s together, at most the longest time.Duration (292
// years).
func (s Set) Total() time.Duration { return duration(s.Micros()) }
