package availability

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"
	"time"

	"rmp/calendar/interval"
	"rmp/internal/booking"
	"rmp/internal/directory"
	"rmp/internal/tenant"
)

// crowd makes the calendars of people and rooms over some days, busy as in an
// office.
func crowd(people, rooms, days int) (Query, world) {
	rnd := rand.New(rand.NewPCG(1, 2))
	base := time.Date(2027, 3, 1, 0, 0, 0, 0, time.UTC)
	make := func(email string, perDay int) calendar {
		var list []busy
		for d := range days {
			for range perDay {
				at := base.AddDate(0, 0, d).Add(time.Duration(8*4+rnd.IntN(36)) * 15 * time.Minute)
				list = append(list, busy{micros(at), micros(at.Add(time.Duration(1+rnd.IntN(4)) * 15 * time.Minute)), statuses["busy"]})
			}
		}
		first := dayOf(micros(base)) - 1
		return calendar{email: email, quantity: 1, windows: []*window{(*window)(nil).with(first, first+int32(days)+2, list, 0)}}
	}
	q := Query{Who: tenant.Principal{Tenant: "a", Role: tenant.User}, Duration: time.Hour, From: base, Till: base.AddDate(0, 0, days), Limit: 10,
		AnyOf: []AnyOf{{Type: "conference-room", MinCapacity: 1}}}
	h := &Hours{From: 8 * 60, To: 18 * 60, Days: [7]bool{false, true, true, true, true, true}}
	q.Hours = h
	w := world{now: micros(base)}
	for i := range people {
		q.People = append(q.People, Participant{Email: fmt.Sprint("p", i)})
		w.people = append(w.people, make(fmt.Sprint("p", i), 1))
	}
	var pool []calendar
	for i := range rooms {
		c := make(fmt.Sprint("r", i), 6)
		r := directory.Resource{Email: c.email, Name: c.email, Type: "conference-room", Capacity: 4, TimeZone: "UTC", Units: 1}
		c.resource = &booking.Load{Resource: r, Rules: r.Rules()}
		pool = append(pool, c)
	}
	w.pool = [][]calendar{pool}
	return q, w
}

// BenchmarkFindSlots searches a meeting of 50 people and any of 100 rooms over
// 30 days, with everything kept in memory.
func BenchmarkFindSlots(b *testing.B) {
	q, w := crowd(50, 100, 30)
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		n = len(newFinder(q, w).find())
	}
	b.ReportMetric(float64(n), "slots")
}

// BenchmarkFreeBusy merges what is kept of calendars over 14 days, beside the
// bare merge of the same spans from sorted lists.
func BenchmarkFreeBusy(b *testing.B) {
	for _, n := range []int{1, 20, 100} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			_, w := crowd(n, 0, 14)
			from, till := w.now, w.now+14*int64(day/time.Microsecond)
			var sets []interval.Set
			for _, c := range w.people {
				var s interval.Set
				c.each(from, till, w.now, func(x busy) { s = append(s, interval.Span{Start: x.from, End: x.till}) })
				sets = append(sets, interval.UnionAll(s))
			}
			var engine, bare time.Duration
			var dst interval.Set
			spans := make(interval.Set, 0, 10_000)
			for b.Loop() {
				at := time.Now()
				spans = spans[:0]
				for _, c := range w.people {
					c.each(from, till, w.now, func(x busy) { spans = append(spans, interval.Span{Start: x.from, End: x.till}) })
				}
				middle := time.Now()
				dst = interval.AppendUnionAll(dst[:0], sets...)
				engine, bare = engine+middle.Sub(at), bare+time.Since(middle)
			}
			b.ReportMetric(float64(engine)/float64(bare), "x-bare")
			b.ReportMetric(float64(engine.Nanoseconds())/float64(b.N), "engine-ns")
		})
	}
}

// BenchmarkMemory is what a calendar takes by week: 25 appointments.
func BenchmarkMemory(b *testing.B) {
	base := time.Date(2027, 3, 1, 0, 0, 0, 0, time.UTC)
	fetch := func(_ context.Context, _ tenant.ID, accounts []string, from, till time.Time) []fetched {
		out := make([]fetched, len(accounts))
		for i := range out {
			for at := from; at.Before(till); at = at.Add(day) {
				for k := range 4 {
					s := at.Add(time.Duration(8+2*k) * time.Hour)
					out[i].spans = append(out[i].spans, busy{micros(s), micros(s.Add(time.Hour)), statuses["busy"]})
				}
			}
		}
		return out
	}
	const calendars, weeks = 2000, 13
	accounts := make([]string, calendars)
	for i := range accounts {
		accounts[i] = fmt.Sprintf("person-%d@example.test", i)
	}
	for b.Loop() {
		before := heap()
		l := newLayer(time.Hour, func() time.Time { return base }, fetch)
		l.read(context.Background(), "a", accounts, base, base.AddDate(0, 0, 7*weeks))
		b.ReportMetric(float64(heap()-before)/calendars/weeks, "B/calendar-week")
		runtime.KeepAlive(l)
	}
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
