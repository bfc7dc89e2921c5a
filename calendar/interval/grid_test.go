package interval

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// slotMinutes is the length of the slots in the tests: spans that begin and
// end on a minute then cover many slots only in part.
const slotMinutes = 3

// genGrid draws grids that begin and end within the model, or out of it on
// either side, with numbers of slots around the word boundaries too.
var genGrid = rapid.Custom(func(t *rapid.T) Grid {
	return Grid{
		Start: at(rapid.IntRange(-20, 40).Draw(t, "grid start")),
		Slot:  slotMinutes * time.Minute,
		Slots: rapid.SampledFrom([]int{0, 1, 5, 63, 64, 65, 70, 90, 128, 129}).Draw(t, "slots"),
	}
})

// slots is, for each slot of g, whether some minute and whether every minute
// of it is in span.
func slots(g Grid, span Span) (some, all []bool) {
	some, all = make([]bool, g.Slots), make([]bool, g.Slots)
	for i := range g.Slots {
		all[i] = true
		for k := range slotMinutes {
			in := span.Contains(g.Start + int64(i*slotMinutes+k)*minute)
			some[i] = some[i] || in
			all[i] = all[i] && in
		}
	}
	return some, all
}

// wantBits fails unless b is the bits of want and nothing behind them.
func wantBits(t *rapid.T, name string, b Bitmap, want []bool) {
	t.Helper()
	count := 0
	for i, busy := range want {
		if b.Busy(i) != busy {
			t.Fatalf("%s: slot %d busy is %v", name, i, !busy)
		}
		if busy {
			count++
		}
	}
	if b.Count() != count {
		t.Fatalf("%s: %d busy bits, want %d: bits past the last slot", name, b.Count(), count)
	}
}

// randomBits draws the slots of a map: runs of different lengths, so that
// free runs of every length and place come up.
func randomBits(t *rapid.T, n int) []bool {
	out := make([]bool, 0, n)
	busy := rapid.Bool().Draw(t, "first busy")
	for len(out) < n {
		k := rapid.SampledFrom([]int{1, 1, 2, 3, 7, 30, 62, 63, 64, 65, 130}).Draw(t, "run")
		for range min(k, n-len(out)) {
			out = append(out, busy)
		}
		busy = !busy
	}
	return out
}

func bitmapOf(g Grid, busy []bool) Bitmap {
	b := g.NewBitmap()
	for i, v := range busy {
		if v {
			g.Set(b, g.Span(i, 1))
		}
	}
	return b
}

func TestBitmapSetAndClear(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := genGrid.Draw(t, "grid")
		if err := g.Valid(); err != nil {
			t.Fatal(err)
		}
		b, want := g.NewBitmap(), make([]bool, g.Slots)
		for _, span := range genSpans.Draw(t, "spans") {
			some, all := slots(g, span)
			if rapid.IntRange(0, 2).Draw(t, "clear") > 0 {
				g.Set(b, span)
				for i := range want {
					want[i] = want[i] || some[i]
				}
			} else {
				g.Clear(b, span)
				for i := range want {
					want[i] = want[i] && !all[i]
				}
			}
			wantBits(t, "after a change", b, want)
		}
	})
}

func TestBitmapOfSet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g, s := genGrid.Draw(t, "grid"), genSet.Draw(t, "set")
		want := make([]bool, g.Slots)
		var whole []Span
		for _, sp := range s {
			some, _ := slots(g, sp)
			for i := range want {
				want[i] = want[i] || some[i]
			}
		}
		for i, busy := range want {
			if busy {
				whole = append(whole, g.Span(i, 1))
			}
		}
		b := g.FromSet(s)
		wantBits(t, "FromSet", b, want)
		for i := range b {
			b[i] = 0xAAAA
		}
		wantBits(t, "Fill", g.Fill(b, s), want)
		back := appended(t, func(dst Set) Set { return g.AppendSet(dst, b) })
		if !slices.Equal(back, New(whole...)) {
			t.Fatalf("AppendSet: got %v, want %v", back, New(whole...))
		}
		if !slices.Equal(s.Clip(g.Window()), Intersect(s, back)) {
			t.Fatal("the map calls free what is busy")
		}
	})
}

func TestBitmapAlgebra(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := genGrid.Draw(t, "grid")
		x, y := randomBits(t, g.Slots), randomBits(t, g.Slots)
		a, b := bitmapOf(g, x), bitmapOf(g, y)
		or, and, not := make([]bool, g.Slots), make([]bool, g.Slots), make([]bool, g.Slots)
		for i := range x {
			or[i], and[i], not[i] = x[i] || y[i], x[i] && y[i], !x[i]
		}
		u, i, n := a.Clone(), a.Clone(), a.Clone()
		u.Union(b)
		i.Intersect(b)
		g.Complement(n)
		wantBits(t, "Union", u, or)
		wantBits(t, "Intersect", i, and)
		wantBits(t, "Complement", n, not)
		wantBits(t, "operand", a, x)
		wantBits(t, "operand", b, y)
	})
}

func TestGridSlots(t *testing.T) {
	g := Grid{Start: -100, Slot: 10 * time.Microsecond, Slots: 20}
	for _, c := range []struct {
		t    int64
		slot int
		ok   bool
	}{{-101, 0, false}, {-100, 0, true}, {-91, 0, true}, {-90, 1, true}, {0, 10, true}, {99, 19, true}, {100, 0, false}} {
		if slot, ok := g.SlotOf(c.t); slot != c.slot || ok != c.ok {
			t.Errorf("SlotOf(%d) is %d, %v", c.t, slot, ok)
		}
	}
	if g.Window() != (Span{-100, 100}) {
		t.Errorf("the window is %v", g.Window())
	}
	for _, bad := range []Grid{
		{Slot: 0, Slots: 1},
		{Slot: 1500, Slots: 1},
		{Slot: -time.Hour, Slots: 1},
		{Slot: time.Hour, Slots: -1},
		{Start: Max, Slot: time.Hour, Slots: 1},
		{Start: Min - 1, Slot: time.Hour, Slots: 1},
	} {
		if bad.Valid() == nil {
			t.Errorf("%v is said to be valid", bad)
		}
	}
	if err := (Grid{Start: Min, Slot: time.Microsecond}).Valid(); err != nil {
		t.Error(err)
	}
}
