package interval

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestAlgebra(t *testing.T) {
	for _, op := range []struct {
		name   string
		plain  func(a, b Set) Set
		append func(dst, a, b Set) Set
		model  func(a, b bool) bool
	}{
		{"Union", Union, AppendUnion, func(a, b bool) bool { return a || b }},
		{"Intersect", Intersect, AppendIntersect, func(a, b bool) bool { return a && b }},
		{"Subtract", Subtract, AppendSubtract, func(a, b bool) bool { return a && !b }},
	} {
		t.Run(op.name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				a, b := genSet.Draw(t, "a"), genSet.Draw(t, "b")
				a0, b0 := slices.Clone(a), slices.Clone(b)
				want := combine(modelOf(a), modelOf(b), op.model)
				wantSet(t, "plain", op.plain(a, b), want)
				wantSet(t, "append", appended(t, func(dst Set) Set { return op.append(dst, a, b) }), want)
				if !slices.Equal(a, a0) || !slices.Equal(b, b0) {
					t.Fatal("an operand was changed")
				}
			})
		})
	}
}

func TestUnionAll(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		// Some draws have more sets than the heap on the stack has room for.
		sets := rapid.SliceOfN(genSet, 0, 5).Draw(t, "sets")
		if len(sets) > 0 && rapid.IntRange(0, 9).Draw(t, "many") == 0 {
			for len(sets) <= stackCursors {
				sets = append(sets, sets...)
			}
		}
		var want model
		for _, s := range sets {
			want = combine(want, modelOf(s), func(a, b bool) bool { return a || b })
		}
		wantSet(t, "UnionAll", UnionAll(sets...), want)
		wantSet(t, "AppendUnionAll", appended(t, func(dst Set) Set { return AppendUnionAll(dst, sets...) }), want)
	})
}

func TestComplement(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, w := genSet.Draw(t, "set"), genSpan.Draw(t, "window")
		want := combine(modelOf([]Span{w}), modelOf(s), func(w, s bool) bool { return w && !s })
		wantSet(t, "Complement", s.Complement(w), want)
		wantSet(t, "AppendComplement", appended(t, func(dst Set) Set { return s.AppendComplement(dst, w) }), want)
		wantSet(t, "Gaps", slices.Collect(s.Gaps(w)), want)
	})
}

func TestComplementOfAllTime(t *testing.T) {
	all := Span{Min, Max}
	s := New(Span{-1, 1})
	got := s.Complement(all)
	if !slices.Equal(got, Set{{Min, -1}, {1, Max}}) || !slices.Equal(got.Complement(all), s) {
		t.Fatalf("got %v", got)
	}
}
