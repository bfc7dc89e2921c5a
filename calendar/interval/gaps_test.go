package interval

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestFirstAndLongestGap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, w := genSet.Draw(t, "set"), genSpan.Draw(t, "window")
		need := rapid.IntRange(-1, 30).Draw(t, "minutes")
		free := combine(modelOf([]Span{w}), modelOf(s), func(w, s bool) bool { return w && !s })
		var first, longest Span
		for _, gap := range free.set() {
			if first.Empty() && gap.Duration() >= time.Duration(need)*time.Minute {
				first = gap
			}
			if gap.Micros() > longest.Micros() {
				longest = gap
			}
		}
		var x Index
		for _, sp := range s {
			x.Add(sp)
		}
		atLeast := time.Duration(need) * time.Minute
		for _, of := range []interface {
			FirstGap(Span, time.Duration) (Span, bool)
			LongestGap(Span) (Span, bool)
		}{s, &x} {
			if got, ok := of.FirstGap(w, atLeast); got != first || ok == first.Empty() {
				t.Fatalf("FirstGap is %v, %v; want %v", got, ok, first)
			}
			if got, ok := of.LongestGap(w); got != longest || ok == longest.Empty() {
				t.Fatalf("LongestGap is %v, %v; want %v", got, ok, longest)
			}
		}
	})
}

func TestFirstGapBelowAMicrosecond(t *testing.T) {
	s := New(Span{0, 10}, Span{11, 20}, Span{22, 30})
	if got, _ := s.FirstGap(Span{0, 30}, time.Microsecond+1); got != (Span{20, 22}) {
		t.Fatalf("a gap of 1 µs passed for longer: %v", got)
	}
	if got, _ := s.FirstGap(Span{0, 30}, 1); got != (Span{10, 11}) {
		t.Fatalf("got %v", got)
	}
}
