package interval

import (
	"iter"
	"time"
)

// Gaps yields the spans of s.Complement(window) one by one, without building
// the set.
func (s Set) Gaps(window Span) iter.Seq[Span] {
	return func(yield func(Span) bool) {
		from := window.Start
		for _, sp := range s.Touching(window) {
			if sp.Start > from && !yield(Span{from, sp.Start}) {
				return
			}
			from = sp.End
		}
		if from < window.End {
			yield(Span{from, window.End})
		}
	}
}

// FirstGap is the first span of window that s leaves free for atLeast or
// longer: all of the gap, not only its first part. With an atLeast of zero or
// less any gap will do. It is false if there is none.
func (s Set) FirstGap(window Span, atLeast time.Duration) (Span, bool) {
	need := max(1, microsUp(atLeast))
	for gap := range s.Gaps(window) {
		if gap.Micros() >= need {
			return gap, true
		}
	}
	return Span{}, false
}

// LongestGap is the longest span of window that s leaves free, the first of
// them if several are as long. It is false if s covers window.
func (s Set) LongestGap(window Span) (Span, bool) {
	var best Span
	for gap := range s.Gaps(window) {
		if gap.Micros() > best.Micros() {
			best = gap
		}
	}
	return best, !best.Empty()
}
