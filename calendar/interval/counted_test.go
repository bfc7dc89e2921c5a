package interval

import (
	"math"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestCounted(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := genGrid.Draw(t, "grid")
		events := genSpans.Draw(t, "events")
		c := NewCounted(g, events...)
		events = slices.Clone(events)
		counts := func() []int {
			n := make([]int, g.Slots)
			for _, e := range events {
				some, _ := slots(g, e)
				for i, v := range some {
					if v {
						n[i]++
					}
				}
			}
			return n
		}
		t.Repeat(map[string]func(*rapid.T){
			"add": func(t *rapid.T) {
				sp := genSpan.Draw(t, "span")
				c.Add(sp)
				events = append(events, sp)
			},
			"remove one": func(t *rapid.T) {
				if len(events) == 0 {
					return // there are no events to remove
				}
				i := rapid.IntRange(0, len(events)-1).Draw(t, "event")
				if !c.Remove(events[i]) {
					t.Fatalf("Remove(%v) is false", events[i])
				}
				events = slices.Delete(events, i, i+1)
			},
			"remove what cannot be": func(t *rapid.T) {
				sp := genSpan.Draw(t, "span")
				some, _ := slots(g, sp)
				for i, n := range counts() {
					if some[i] && n == 0 {
						if c.Remove(sp) {
							t.Fatalf("Remove(%v) is true", sp)
						}
						return
					}
				}
			},
			"": func(t *rapid.T) {
				want := counts()
				busy := make([]bool, g.Slots)
				for i, n := range want {
					if c.Count(i) != n {
						t.Fatalf("slot %d counts %d events, want %d", i, c.Count(i), n)
					}
					busy[i] = n > 0
				}
				wantBits(t, "kept", c.Bitmap(), busy)
			},
		})
	})
}

// A count at its limit must not come back down to a free slot while events
// are left.
func TestCountedAtTheLimit(t *testing.T) {
	g := Grid{Slot: time.Minute, Slots: 1}
	c := NewCounted(g)
	const n = math.MaxUint16 + 10
	for range n {
		c.Add(g.Window())
	}
	for range n {
		if !c.Remove(g.Window()) {
			t.Fatal("Remove is false")
		}
	}
	if c.Count(0) != math.MaxUint16 || !c.Bitmap().Busy(0) {
		t.Fatalf("the slot counts %d", c.Count(0))
	}
}
