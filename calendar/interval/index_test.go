package interval

import (
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"pgregory.net/rapid"
)

func TestIndex(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		events := genSpans.Draw(t, "events")
		x := NewIndex(events...)
		events = slices.DeleteFunc(slices.Clone(events), Span.Empty)

		type kept struct {
			got Set
			m   model
		}
		var snapshots []kept
		t.Repeat(map[string]func(*rapid.T){
			"add": func(t *rapid.T) {
				sp := genSpan.Draw(t, "span")
				if x.Add(sp) == sp.Empty() {
					t.Fatalf("Add(%v) is %v", sp, sp.Empty())
				}
				if !sp.Empty() {
					events = append(events, sp)
				}
			},
			"remove one": func(t *rapid.T) {
				if len(events) == 0 {
					return // there are no events to remove
				}
				i := rapid.IntRange(0, len(events)-1).Draw(t, "event")
				if !x.Remove(events[i]) {
					t.Fatalf("Remove(%v) is false", events[i])
				}
				events = slices.Delete(events, i, i+1)
			},
			"remove any": func(t *rapid.T) {
				sp := genSpan.Draw(t, "span")
				i := slices.Index(events, sp)
				if x.Remove(sp) != (i >= 0) {
					t.Fatalf("Remove(%v) is %v", sp, i < 0)
				}
				if i >= 0 {
					events = slices.Delete(events, i, i+1)
				}
			},
			"snapshot": func(t *rapid.T) {
				snapshots = append(snapshots, kept{x.Snapshot(), modelOf(events)})
			},
			"": func(t *rapid.T) {
				m := modelOf(events)
				if x.Len() != len(events) {
					t.Fatalf("Len is %d, want %d", x.Len(), len(events))
				}
				wantSet(t, "all", x.Busy(at(0), at(modelMinutes)), m)
				w := genSpan.Draw(t, "window")
				part := combine(m, modelOf([]Span{w}), func(a, b bool) bool { return a && b })
				wantSet(t, "Busy", x.Busy(w.Start, w.End), part)
				wantSet(t, "AppendBusy", appended(t, func(dst Set) Set { return x.AppendBusy(dst, w.Start, w.End) }), part)
				if x.Overlaps(w) != (len(part.set()) > 0) {
					t.Fatalf("Overlaps(%v) is %v", w, x.Overlaps(w))
				}
				if w.Start < at(modelMinutes) && x.Contains(w.Start) != m[int(w.Start/minute)-firstMinute] {
					t.Fatalf("Contains(%d) is %v", w.Start, x.Contains(w.Start))
				}
				for _, s := range snapshots {
					wantSet(t, "an older snapshot", s.got, s.m)
				}
			},
		})
	})
}

func TestIndexMultiplicity(t *testing.T) {
	var x Index
	x.Add(Span{0, 10})
	x.Add(Span{0, 10})
	x.Add(Span{5, 20})
	x.Add(Span{20, 30})
	for _, step := range []struct {
		remove Span
		want   Set
	}{
		{Span{0, 10}, Set{{0, 30}}},
		{Span{5, 20}, Set{{0, 10}, {20, 30}}},
		{Span{20, 30}, Set{{0, 10}}},
		{Span{0, 10}, nil},
	} {
		if !x.Remove(step.remove) {
			t.Fatalf("%v is not there", step.remove)
		}
		if got := x.Snapshot(); !slices.Equal(got, step.want) {
			t.Fatalf("without %v: got %v, want %v", step.remove, got, step.want)
		}
	}
	if x.Remove(Span{0, 10}) || x.Remove(Span{3, 3}) || x.Add(Span{3, 3}) || x.Len() != 0 {
		t.Fatal("something was left")
	}
}

// TestIndexReaders lets readers and takers of snapshots run together, and
// snapshots be read while the index changes; the race detector judges.
func TestIndexReaders(t *testing.T) {
	x := NewIndex(Span{0, 10}, Span{20, 30})
	var lock sync.RWMutex
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			var buf Set
			for range 200 {
				lock.RLock()
				buf = x.AppendBusy(buf[:0], 5, 25)
				s := x.Snapshot()
				lock.RUnlock()
				if !s.Valid() || !s.Contains(25) {
					t.Errorf("a snapshot reads %v", s)
				}
			}
		})
	}
	wg.Go(func() {
		for i := range int64(200) {
			lock.Lock()
			x.Add(Span{100 + 2*i, 101 + 2*i})
			x.Add(Span{15, 22})
			x.Remove(Span{15, 22})
			lock.Unlock()
		}
	})
	wg.Wait()
}

func TestIndexAllocations(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	events := make([]Span, 500)
	for i := range events {
		start := r.Int64N(90 * 24 * 60)
		events[i] = Span{start, start + 60}
	}
	x := NewIndex(events...)
	buf := make(Set, 0, len(events))
	if n := testing.AllocsPerRun(100, func() { buf = x.AppendBusy(buf[:0], 1000, 50000) }); n != 0 {
		t.Errorf("AppendBusy allocates %v times", n)
	}
	x.Add(Span{7, 8}) // room for one more
	x.Remove(Span{7, 8})
	if n := testing.AllocsPerRun(100, func() {
		e := events[r.IntN(len(events))]
		x.Remove(e)
		x.Add(e)
	}); n != 0 {
		t.Errorf("Remove and Add allocate %v times", n)
	}
}
