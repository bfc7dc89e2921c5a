// Package interval computes with busy and free time: sets of spans of time,
// the kept busy time of one calendar, and slot maps over a grid.
//
// # What it is
//
// Three forms of the same knowledge, each the cheapest for one question:
//
//   - A Set is busy (or free, or working) time as a short sorted list. It
//     answers exactly, to the microsecond, and is what free/busy replies are
//     made of.
//   - An Index is a Set that is kept: events are added and removed one by
//     one, and the Set of what they cover together is always at hand. It
//     exists so that a free/busy question never sorts or merges anything.
//   - A Bitmap is one bit for each slot of a Grid. It answers "when are all
//     of these free" for many calendars at 64 slots a step, at the price of
//     rounding to slots. Counted is the kept form of it, as Index is of Set.
//
// # What it is not
//
// It knows no time zones, recurrence, working hours or permissions: those
// turn into spans before they arrive here and stay with their owners. It
// does no I/O, starts no goroutines and holds no locks.
//
// # Invariants
//
//   - An instant is an int64 of microseconds since 1 January 1970 UTC, at
//     least Min and at most Max. Every length then fits an int64.
//   - A Span is half-open: its start belongs to it, its end does not. So two
//     meetings back to back do not overlap, and both of RFC 5545 (section
//     3.6.1: DTEND is the non-inclusive end) and RFC 4791 (section 9.9) can
//     be answered without adding or taking off a microsecond. A span that
//     ends where it starts, or earlier, holds no time; every operation
//     treats it as absent.
//   - A Set is sorted, and between two of its spans there is always some
//     time. Every span of it holds time. So equal sets of time are equal
//     lists.
//   - A Set is never changed once made. Operations may therefore return
//     memory of their operands; only the functions named Append and Normalize
//     write, and only to the buffer that is handed to them.
//   - A slot that is busy for any part is busy. A Bitmap may call busy what
//     is free, never the reverse.
//   - Bits of a Bitmap past the last slot of its Grid are zero.
package interval

import (
	"math"
	"time"
)

// Min and Max bound the instants of this package, in microseconds since 1970
// UTC; they are some 146,000 years away on each side and may stand for "since
// ever" and "for ever".
const (
	Min int64 = -Max
	Max int64 = 1<<62 - 1
)

// Span is the time from Start up to but not including End, both in
// microseconds since 1970 UTC.
type Span struct{ Start, End int64 }

// SpanOf is the span between two times; parts below a microsecond are cut
// off.
func SpanOf(start, end time.Time) Span { return Span{Micros(start), Micros(end)} }

// Empty reports whether s holds no time.
func (s Span) Empty() bool { return s.Start >= s.End }

// Micros is the length of s in microseconds, 0 if it is empty.
func (s Span) Micros() int64 { return max(0, s.End-s.Start) }

// Duration is the length of s, at most the longest time.Duration (292 years).
func (s Span) Duration() time.Duration { return duration(s.Micros()) }

// Times are the start and end of s, in UTC.
func (s Span) Times() (start, end time.Time) { return Time(s.Start), Time(s.End) }

// Contains reports whether the instant t is in s.
func (s Span) Contains(t int64) bool { return s.Start <= t && t < s.End }

// Overlaps reports whether s and o have any time in common.
func (s Span) Overlaps(o Span) bool { return max(s.Start, o.Start) < min(s.End, o.End) }

// Intersect is the time that s and o have in common; it may be empty.
func (s Span) Intersect(o Span) Span {
	return Span{max(s.Start, o.Start), min(s.End, o.End)}
}

// Micros is t as an instant of this package, rounded down to the microsecond
// and moved into Min to Max.
func Micros(t time.Time) int64 {
	switch sec := t.Unix(); {
	case sec >= Max/1e6:
		return Max
	case sec <= Min/1e6:
		return Min
	}
	return t.UnixMicro()
}

// Time is the instant t as a time in UTC.
func Time(t int64) time.Time { return time.UnixMicro(t).UTC() }

// duration is us microseconds, at most the longest time.Duration.
func duration(us int64) time.Duration {
	if us > math.MaxInt64/1000 {
		return math.MaxInt64
	}
	return time.Duration(us) * time.Microsecond
}

// microsUp is d in microseconds, rounded up: what is "at least d" long is at
// least as many whole microseconds.
func microsUp(d time.Duration) int64 {
	us := int64(d / time.Microsecond)
	if d%time.Microsecond > 0 {
		us++
	}
	return us
}
