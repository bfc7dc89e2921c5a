package interval

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// runGrid is a grid for searches; sizes around the word and lane boundaries.
func runGrid(t *rapid.T) Grid {
	n := rapid.SampledFrom([]int{0, 1, 63, 64, 65, 127, 128, 200, 511, 512, 513, 600, 1100}).Draw(t, "slots")
	return Grid{Slot: time.Hour, Slots: n}
}

func TestFreeRuns(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := runGrid(t)
		var maps []Bitmap
		union, free := make([]bool, g.Slots), make([]int32, g.Slots)
		for range rapid.IntRange(0, 4).Draw(t, "maps") {
			busy := randomBits(t, g.Slots)
			maps = append(maps, bitmapOf(g, busy))
			for i, v := range busy {
				union[i] = union[i] || v
				if !v {
					free[i]++
				}
			}
		}

		// run is the number of free slots from i on.
		run := func(i int) (n int) {
			for i+n < len(union) && !union[i+n] {
				n++
			}
			return n
		}
		type pair struct{ slot, n int }
		var want []pair
		var longest pair
		for i := 0; i < len(union); i++ {
			if n := run(i); n > 0 {
				want = append(want, pair{i, n})
				if n > longest.n {
					longest = pair{i, n}
				}
				i += n
			}
		}
		k := 0
		for slot, n := range g.FreeRuns(maps...) {
			if k == len(want) || want[k] != (pair{slot, n}) {
				t.Fatalf("run %d is %d, %d; want %v", k, slot, n, want)
			}
			k++
		}
		if k != len(want) {
			t.Fatalf("%d runs, want %d", k, len(want))
		}
		if slot, n := g.LongestFreeRun(maps...); (pair{slot, n}) != longest {
			t.Fatalf("the longest is %d, %d; want %v", slot, n, longest)
		}

		n := rapid.SampledFrom([]int{-1, 0, 1, 2, 3, 40, 63, 64, 65, 66, 128, 129, g.Slots, g.Slots + 1}).Draw(t, "n")
		from := rapid.IntRange(-3, g.Slots+3).Draw(t, "from")
		step := rapid.SampledFrom([]int{0, 1, 2, 4, 7, 64, 96, 1 << 62}).Draw(t, "step")
		wantSlot, wantOK := 0, false
		for i := max(from, 0); i < len(union) && n > 0; i++ {
			if (step <= 1 || i%step == 0) && run(i) >= n {
				wantSlot, wantOK = i, true
				break
			}
		}
		if slot, ok := g.FirstFreeRun(from, n, step, maps...); slot != wantSlot || ok != wantOK {
			t.Fatalf("FirstFreeRun(%d, %d, %d) is %d, %v; want %d, %v", from, n, step, slot, ok, wantSlot, wantOK)
		}

		got := g.CountFree(make([]int32, 3, 64), maps...)
		if len(got) != g.Slots {
			t.Fatalf("CountFree counts %d slots", len(got))
		}
		for i := range got {
			if got[i] != free[i] {
				t.Fatalf("slot %d: %d are free, want %d", i, got[i], free[i])
			}
		}
	})
}

func TestFirstFreeRunAtWordBoundaries(t *testing.T) {
	for _, slots := range []int{63, 64, 65, 128, 512, 513} {
		g := Grid{Slot: time.Minute, Slots: slots}
		for _, n := range []int{1, 2, 63, 64, 65} {
			for start := 0; start+n <= slots; start++ {
				b := g.NewBitmap()
				g.Set(b, g.Window())
				g.Clear(b, g.Span(start, n))
				if slot, ok := g.FirstFreeRun(0, n, 1, b); !ok || slot != start {
					t.Fatalf("%d slots: a run of %d at %d was found at %d, %v", slots, n, start, slot, ok)
				}
				if slot, ok := g.FirstFreeRun(0, n+1, 1, b); ok {
					t.Fatalf("%d slots: a run of %d was found in one of %d, at %d", slots, n+1, n, slot)
				}
			}
		}
	}
}

func TestFreeRunsStops(t *testing.T) {
	g := Grid{Slot: time.Minute, Slots: 10}
	b := g.NewBitmap()
	g.Set(b, g.Span(4, 1))
	seen := 0
	for range g.FreeRuns(b) {
		seen++
		break
	}
	if seen != 1 {
		t.Fatalf("%d runs after a break", seen)
	}
}

func TestSearchAllocations(t *testing.T) {
	g := Grid{Slot: time.Minute, Slots: 1000}
	maps := []Bitmap{g.NewBitmap(), g.NewBitmap()}
	g.Set(maps[0], g.Span(0, 700))
	counts := make([]int32, g.Slots)
	for name, f := range map[string]func(){
		"FirstFreeRun":   func() { g.FirstFreeRun(0, 100, 4, maps...) },
		"LongestFreeRun": func() { g.LongestFreeRun(maps...) },
		"CountFree":      func() { g.CountFree(counts, maps...) },
		"FreeRuns": func() {
			for range g.FreeRuns(maps...) {
			}
		},
	} {
		if n := testing.AllocsPerRun(100, f); n != 0 {
			t.Errorf("%s allocates %v times", name, n)
		}
	}
}
