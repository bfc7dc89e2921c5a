package interval

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// The model of all property tests: a bool for each minute from firstMinute
// on. Spans in the tests begin and end on a minute of it.
const (
	minute       = int64(time.Minute / time.Microsecond)
	firstMinute  = -150
	modelMinutes = 300
)

type model [modelMinutes]bool

// at is the instant at which minute i of the model begins.
func at(i int) int64 { return int64(firstMinute+i) * minute }

// fill sets the minutes of span to v.
func (m *model) fill(span Span, v bool) {
	for i := range m {
		if t := at(i); span.Start <= t && t < span.End {
			m[i] = v
		}
	}
}

func modelOf(spans []Span) (m model) {
	for _, s := range spans {
		m.fill(s, true)
	}
	return m
}

// set is the spans of m, found minute by minute.
func (m *model) set() (s Set) {
	for i := 0; i < modelMinutes; i++ {
		if !m[i] {
			continue
		}
		start := i
		for i < modelMinutes && m[i] {
			i++
		}
		s = append(s, Span{at(start), at(i)})
	}
	return s
}

// combine is f minute by minute.
func combine(a, b model, f func(a, b bool) bool) (m model) {
	for i := range m {
		m[i] = f(a[i], b[i])
	}
	return m
}

// genSpan draws spans within the model: mostly short, some empty, some
// backwards.
var genSpan = rapid.Custom(func(t *rapid.T) Span {
	start := rapid.IntRange(0, modelMinutes).Draw(t, "start")
	var end int
	if rapid.IntRange(0, 9).Draw(t, "kind") == 0 {
		end = rapid.IntRange(0, modelMinutes).Draw(t, "end")
	} else {
		end = min(modelMinutes, start+rapid.IntRange(0, 20).Draw(t, "length"))
	}
	return Span{at(start), at(end)}
})

var genSpans = rapid.SliceOfN(genSpan, 0, 24)

var genSet = rapid.Custom(func(t *rapid.T) Set { return New(genSpans.Draw(t, "spans")...) })

// wantSet fails unless got is a valid set of exactly the minutes of m.
func wantSet(t interface {
	Helper()
	Fatalf(string, ...any)
}, name string, got Set, m model) {
	t.Helper()
	want := m.set()
	if !got.Valid() {
		t.Fatalf("%s: not a valid set: %v", name, got)
	}
	if len(got) != len(want) {
		t.Fatalf("%s: got %v, want %v", name, got, want)
	}
	for i := range got {
		if got[i] != want[i] {
			t.Fatalf("%s: got %v, want %v", name, got, want)
		}
	}
}

// mark is what stands in a buffer before a result is appended to it; a
// neighbour of everything, to catch results that join with it.
var mark = Span{at(0), at(modelMinutes)}

// appended runs an Append operation on a buffer with a mark in it and returns
// what it appended.
func appended(t *rapid.T, f func(dst Set) Set) Set {
	got := f(Set{mark})
	if got[0] != mark {
		t.Fatalf("the buffer's own content was changed: %v", got[0])
	}
	return got[1:]
}

func TestModelItself(t *testing.T) {
	m := modelOf([]Span{{at(3), at(5)}, {at(5), at(6)}, {at(9), at(9)}})
	if s := m.set(); len(s) != 1 || s[0] != (Span{at(3), at(6)}) {
		t.Fatalf("got %v", s)
	}
}
