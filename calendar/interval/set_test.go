package interval

import (
	"math"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestNew(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		spans := genSpans.Draw(t, "spans")
		before := slices.Clone(spans)
		m := modelOf(spans)
		wantSet(t, "New", New(spans...), m)
		if !slices.Equal(spans, before) {
			t.Fatal("New changed its argument")
		}
		wantSet(t, "Normalize", Normalize(spans), m)
	})
}

func TestNewEdges(t *testing.T) {
	for _, c := range []struct {
		name string
		in   []Span
		want Set
	}{
		{"none", nil, nil},
		{"empty span", []Span{{5, 5}}, nil},
		{"backwards", []Span{{5, 4}}, nil},
		{"empty within", []Span{{5, 5}, {1, 9}}, Set{{1, 9}}},
		{"empty between does not join", []Span{{1, 2}, {2, 2}, {3, 4}}, Set{{1, 2}, {3, 4}}},
		{"touching join", []Span{{2, 3}, {1, 2}}, Set{{1, 3}}},
		{"a microsecond between", []Span{{1, 2}, {3, 4}}, Set{{1, 2}, {3, 4}}},
		{"one in another", []Span{{1, 9}, {2, 3}}, Set{{1, 9}}},
		{"twice", []Span{{1, 2}, {1, 2}}, Set{{1, 2}}},
		{"across zero", []Span{{-5, 0}, {0, 5}, {-9, -7}}, Set{{-9, -7}, {-5, 5}}},
		{"all time", []Span{{0, Max}, {Min, 0}}, Set{{Min, Max}}},
	} {
		if got := New(c.in...); !slices.Equal(got, c.want) || !got.Valid() {
			t.Errorf("%s: got %v, want %v", c.name, got, c.want)
		}
	}
}

func TestValid(t *testing.T) {
	for _, bad := range []Set{{{1, 1}}, {{2, 1}}, {{1, 2}, {2, 3}}, {{3, 4}, {1, 2}}, {{Min - 1, 0}}, {{0, Max + 1}}} {
		if bad.Valid() {
			t.Errorf("%v is said to be valid", bad)
		}
	}
}

func TestQuestions(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		spans := genSpans.Draw(t, "spans")
		s, m := New(spans...), modelOf(spans)
		i := rapid.IntRange(0, modelMinutes-1).Draw(t, "minute")
		for _, at := range []int64{at(i), at(i) + 1, at(i+1) - 1} {
			if s.Contains(at) != m[i] {
				t.Fatalf("Contains(%d) is %v", at, s.Contains(at))
			}
		}
		w := genSpan.Draw(t, "window")
		some, all, count := false, true, 0
		for j := range m {
			if w.Contains(at(j)) {
				some = some || m[j]
				all = all && m[j]
			}
			if m[j] {
				count++
			}
		}
		if s.Overlaps(w) != some {
			t.Fatalf("Overlaps(%v) is %v", w, !some)
		}
		if s.Covers(w) != all {
			t.Fatalf("Covers(%v) is %v", w, !all)
		}
		if want := time.Duration(count) * time.Minute; s.Total() != want {
			t.Fatalf("Total is %v, want %v", s.Total(), want)
		}
	})
}

func TestClip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		spans := genSpans.Draw(t, "spans")
		s, w := New(spans...), genSpan.Draw(t, "window")
		before := slices.Clone(s)
		want := combine(modelOf(spans), modelOf([]Span{w}), func(a, b bool) bool { return a && b })
		wantSet(t, "Clip", s.Clip(w), want)
		wantSet(t, "AppendClip", appended(t, func(dst Set) Set { return s.AppendClip(dst, w) }), want)
		for _, sp := range s {
			if sp.Overlaps(w) != slices.Contains(s.Touching(w), sp) {
				t.Fatalf("Touching(%v) is %v", w, s.Touching(w))
			}
		}
		if !slices.Equal(s, before) {
			t.Fatal("the set was changed")
		}
	})
}

func TestClipSharesMemory(t *testing.T) {
	s := New(Span{0, 10}, Span{20, 30}, Span{40, 50})
	got := s.Clip(Span{15, 35})
	if len(got) != 1 || &got[0] != &s[1] {
		t.Fatal("a clip that cuts nothing was copied")
	}
	if _ = append(got, Span{99, 100}); s[2] != (Span{40, 50}) {
		t.Fatal("an append to the clip wrote into the set")
	}
	if got = s.Clip(Span{25, 45}); s[1] != (Span{20, 30}) || s[2] != (Span{40, 50}) {
		t.Fatal("cutting wrote into the set")
	}
	if !slices.Equal(got, Set{{25, 30}, {40, 45}}) {
		t.Fatalf("got %v", got)
	}
}

func TestSpan(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := genSpan.Draw(t, "a"), genSpan.Draw(t, "b")
		both := combine(modelOf([]Span{a}), modelOf([]Span{b}), func(a, b bool) bool { return a && b })
		if got := len(both.set()) > 0; a.Overlaps(b) != got {
			t.Fatalf("%v overlaps %v: %v", a, b, !got)
		}
		wantSet(t, "Intersect", New(a.Intersect(b)), both)
	})
	if (Span{5, 3}).Micros() != 0 || (Span{5, 3}).Contains(4) || !(Span{5, 5}).Empty() {
		t.Error("a backwards span holds time")
	}
}

func TestTimes(t *testing.T) {
	start := time.Date(1969, 12, 31, 23, 59, 59, 999_999_999, time.FixedZone("", 3600))
	s := SpanOf(start, start.Add(time.Hour))
	a, b := s.Times()
	if want := start.Truncate(time.Microsecond); !a.Equal(want) || !b.Equal(want.Add(time.Hour)) || a.Location() != time.UTC {
		t.Errorf("got %v to %v", a, b)
	}
	if s.Start >= 0 || s.Duration() != time.Hour {
		t.Errorf("got %v, %v", s, s.Duration())
	}
	if y := Time(Micros(time.Time{})); !y.IsZero() {
		t.Errorf("year 1 became %v", y)
	}
	if Micros(time.Unix(math.MaxInt64/2, 0)) != Max || Micros(time.Unix(math.MinInt64/2, 0)) != Min {
		t.Error("times far away are not moved into the range")
	}
	if all := (Span{Min, Max}); all.Duration() != math.MaxInt64 || New(all).Total() != math.MaxInt64 {
		t.Error("the length of all time is not the longest duration")
	}
}
