package interval

import (
	"math/bits"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// Each benchmark of an operation stands beside the bare computation: what one
// would write by hand over arrays prepared for just this question. The ratio
// runs both by turns, so that whatever slows the machine slows both.

const (
	hour = 60 * minute
	day  = 24 * hour
)

// ratio reports how many times the duration of bare the duration of kept is,
// both in rounds of the given number of calls.
func ratio(b *testing.B, calls int, bare, kept func()) {
	b.ReportAllocs()
	var bareTime, keptTime time.Duration
	for b.Loop() {
		start := time.Now()
		for range calls {
			bare()
		}
		middle := time.Now()
		for range calls {
			kept()
		}
		bareTime += middle.Sub(start)
		keptTime += time.Since(middle)
	}
	b.ReportMetric(float64(keptTime)/float64(bareTime), "x-bare")
	b.ReportMetric(0, "ns/op") // of a round: says nothing
}

func alone(f func()) func(b *testing.B) {
	return func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			f()
		}
	}
}

// benchEvents is n events of half an hour to three hours over 90 days, some
// of them overlapping.
func benchEvents(r *rand.Rand, n int) []Span {
	events := make([]Span, n)
	for i := range events {
		start := r.Int64N(90*24*4) * 15 * minute
		events[i] = Span{start, start + (2+r.Int64N(10))*15*minute}
	}
	return events
}

// bareBusy is the free/busy of one calendar by hand: search the prepared
// spans, then merge them one after the other.
func bareBusy(dst, spans []Span, from, till int64) []Span {
	lo, hi := 0, len(spans)
	for lo < hi {
		if mid := (lo + hi) / 2; spans[mid].End > from {
			hi = mid
		} else {
			lo = mid + 1
		}
	}
	base := len(dst)
	for _, s := range spans[lo:] {
		if s.Start >= till {
			break
		}
		if s.Start < from {
			s.Start = from
		}
		if s.End > till {
			s.End = till
		}
		if n := len(dst); n > base && s.Start <= dst[n-1].End {
			if s.End > dst[n-1].End {
				dst[n-1].End = s.End
			}
			continue
		}
		dst = append(dst, s)
	}
	return dst
}

// BenchmarkFreeBusy asks for 14 days of 100 calendars with 200 events in 90
// days each, one list for each calendar.
func BenchmarkFreeBusy(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 2))
	indexes, prepared := make([]*Index, 100), make([][]Span, 100)
	for i := range indexes {
		indexes[i] = NewIndex()
		for _, e := range benchEvents(r, 200) {
			indexes[i].Add(e)
		}
		prepared[i] = slices.Clone(indexes[i].Snapshot())
	}
	from, till := 30*day+7*hour, 44*day+7*hour
	barely, buf := make([]Span, 0, 100*200), make(Set, 0, 100*200)
	bare := func() {
		barely = barely[:0]
		for _, spans := range prepared {
			barely = bareBusy(barely, spans, from, till)
		}
	}
	kept := func() {
		buf = buf[:0]
		for _, x := range indexes {
			buf = x.AppendBusy(buf, from, till)
		}
	}
	bare()
	kept()
	if !slices.Equal(buf, Set(barely)) || len(buf) < 2000 {
		b.Fatalf("%d spans by hand, %d from the index", len(barely), len(buf))
	}
	b.Run("bare", alone(bare))
	b.Run("index", alone(kept))
	b.Run("ratio", func(b *testing.B) { ratio(b, 16, bare, kept) })
}

// bareFirstFree is the first n free slots by hand: join the maps word by word
// and count the free bits.
func bareFirstFree(maps [][]uint64, slots, n int) int {
	run := 0
	for i := range maps[0] {
		var w uint64
		for _, m := range maps {
			w |= m[i]
		}
		if w == ^uint64(0) {
			run = 0
			continue
		}
		for at := 0; at < 64; {
			free := min(bits.TrailingZeros64(w>>at), 64-at)
			if run += free; run >= n {
				if slot := i*64 + at + free - run; slot+n <= slots {
					return slot
				}
				return -1
			}
			if at += free; at == 64 {
				break
			}
			run = 0
			at += bits.TrailingZeros64(^(w >> at))
		}
	}
	return -1
}

// BenchmarkFirstFree looks for the first hour that 50 people have free within
// 30 days, in slots of 15 minutes. The hour is on the last day; before it they
// leave many shorter gaps between them.
func BenchmarkFirstFree(b *testing.B) { benchFirstFree(b, 40) }

// BenchmarkFirstFreeCrowded is BenchmarkFirstFree with so many events that
// hardly a gap is left.
func BenchmarkFirstFreeCrowded(b *testing.B) { benchFirstFree(b, 200) }

// benchFirstFree gives each person the given number of events in 90 days.
func benchFirstFree(b *testing.B, events int) {
	r := rand.New(rand.NewPCG(3, 4))
	g := Grid{Slot: 15 * time.Minute, Slots: 30 * 24 * 4}
	const n, found = 4, 30*24*4 - 21
	people, prepared := make([]*Counted, 50), make([][]uint64, 50)
	for i := range people {
		people[i] = NewCounted(g)
	}
	// Everybody has some events; where an hour would stay free for all, one
	// of them has one more.
	hourFree := g.Span(found, n)
	for _, p := range people {
		for _, e := range benchEvents(r, events) {
			if e.Start < 30*day && !e.Overlaps(hourFree) {
				p.Add(e)
			}
		}
	}
	maps := make([]Bitmap, len(people))
	for i, p := range people {
		maps[i] = p.Bitmap()
	}
	people[0].Add(g.Span(found-1, 1))
	for at := 0; ; {
		slot, ok := g.FirstFreeRun(at, n, 1, maps...)
		if !ok || slot == found {
			break
		}
		people[r.IntN(len(people))].Add(g.Span(slot+n-1, 1))
		at = slot
	}
	for i, m := range maps {
		prepared[i] = slices.Clone(m)
	}
	var byHand, got int
	bare := func() { byHand = bareFirstFree(prepared, g.Slots, n) }
	kept := func() { got, _ = g.FirstFreeRun(0, n, 1, maps...) }
	bare()
	kept()
	if byHand != found || got != found {
		b.Fatalf("by hand %d, from the maps %d, want %d", byHand, got, found)
	}
	b.Run("bare", alone(bare))
	b.Run("bitmap", alone(kept))
	b.Run("ratio", func(b *testing.B) { ratio(b, 64, bare, kept) })
}

// BenchmarkUnionAll joins the 90 days of 100 calendars, against sorting all
// their spans.
func BenchmarkUnionAll(b *testing.B) {
	r := rand.New(rand.NewPCG(5, 6))
	sets, all := make([]Set, 100), 0
	for i := range sets {
		for _, e := range benchEvents(r, 200) {
			// Apart enough to leave gaps between all calendars together.
			sets[i] = append(sets[i], Span{e.Start, e.Start + minute})
		}
		sets[i] = Normalize(sets[i])
		all += len(sets[i])
	}
	buf, scratch := make(Set, 0, all), make([]Span, 0, all)
	bare := func() {
		scratch = scratch[:0]
		for _, s := range sets {
			scratch = append(scratch, s...)
		}
		Normalize(scratch)
	}
	kept := func() { buf = AppendUnionAll(buf[:0], sets...) }
	b.Run("bare", alone(bare))
	b.Run("merge", alone(kept))
	b.Run("ratio", func(b *testing.B) { ratio(b, 1, bare, kept) })
}

// BenchmarkChange takes an event out and puts it back, in a calendar of 2,000
// events over 90 days.
func BenchmarkChange(b *testing.B) {
	r := rand.New(rand.NewPCG(7, 8))
	events := benchEvents(r, 2000)
	for i := range events {
		events[i].End = events[i].Start + 15*minute
	}
	next := 0
	b.Run("index", func(b *testing.B) {
		x := NewIndex(events...)
		alone(func() {
			next = (next + 1) % len(events)
			x.Remove(events[next])
			x.Add(events[next])
		})(b)
	})
	b.Run("counted", func(b *testing.B) {
		c := NewCounted(Grid{Slot: 15 * time.Minute, Slots: 90 * 24 * 4}, events...)
		alone(func() {
			next = (next + 1) % len(events)
			c.Remove(events[next])
			c.Add(events[next])
		})(b)
	})
}

// BenchmarkCountFree counts who is free in each slot: 50 people, 30 days at 15
// minutes.
func BenchmarkCountFree(b *testing.B) {
	r := rand.New(rand.NewPCG(9, 10))
	g := Grid{Slot: 15 * time.Minute, Slots: 30 * 24 * 4}
	maps := make([]Bitmap, 50)
	for i := range maps {
		maps[i] = g.FromSet(New(benchEvents(r, 200)...))
	}
	counts := make([]int32, g.Slots)
	alone(func() { counts = g.CountFree(counts, maps...) })(b)
}
