package availability

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/maypok86/otter/v2"

	"rmp/internal/booking"
	"rmp/internal/tenant"
)

const day = 24 * time.Hour

// busy is a span of one calendar, in microseconds since the Unix epoch: what
// is blocked, set-up and tear-down included. What it is about is apart, so
// that a year of a calendar takes little room.
type busy struct {
	from, till int64
	about      *about
}

// about is what a span is about. Spans of free/busy share one for each status.
type about struct {
	start, end int64 // of the meeting; zero: as the span
	block      booking.Block
}

func micros(t time.Time) int64 { return t.UnixMicro() }

func instant(us int64) time.Time { return time.UnixMicro(us).UTC() }

// meeting is the span without set-up and tear-down.
func (b busy) meeting() (start, end int64) {
	if b.about.end != 0 {
		return b.about.start, b.about.end
	}
	return b.from, b.till
}

// block is the span as the engine's verdicts know it.
func (b busy) block() booking.Block {
	out := b.about.block
	start, end := b.meeting()
	out.From, out.Till, out.Start, out.End = instant(b.from), instant(b.till), instant(start), instant(end)
	return out
}

// dayOf is the number of the day (UTC) of an instant.
func dayOf(us int64) int32 {
	const perDay = int64(day / time.Microsecond)
	if us < 0 {
		us -= perDay - 1
	}
	return int32(us / perDay)
}

// oneDay is what one calendar holds on one day: all that touches it.
type oneDay struct {
	asOf  int64
	spans []busy // ordered by from
}

// window is the days of one calendar that are kept, from a first on; nil for
// one that is not. It does not change: a new reading makes a new one, so that
// nobody who reads waits for who loads.
type window struct {
	first int32
	days  []*oneDay
}

// has reports whether all days are kept and not older than a time.
func (w *window) has(first, last int32, notBefore int64) bool {
	if w == nil || first < w.first || last >= w.first+int32(len(w.days)) {
		return false
	}
	for _, d := range w.days[first-w.first : last-w.first+1] {
		if d == nil || d.asOf < notBefore {
			return false
		}
	}
	return true
}

// oldest is the time of the oldest reading of the days.
func (w *window) oldest(first, last int32) int64 {
	out := int64(1<<63 - 1)
	for _, d := range w.days[first-w.first : last-w.first+1] {
		out = min(out, d.asOf)
	}
	return out
}

// each calls f with every span that touches [from, till), once, in the order
// of their beginnings but for those that began on an earlier day.
func (w *window) each(from, till int64, f func(busy)) {
	first, last := dayOf(from), dayOf(till-1)
	for n := first; n <= last; n++ {
		d := w.days[n-w.first]
		begins := int64(n) * int64(day/time.Microsecond)
		for _, b := range d.spans {
			if b.from >= till {
				break
			}
			// One of an earlier day was given there.
			if b.till > from && (b.from >= begins || n == first) {
				f(b)
			}
		}
	}
}

type layerKey struct {
	tenant  tenant.ID
	account string
}

// entry is one calendar.
type entry struct {
	days atomic.Pointer[window]

	mu      sync.Mutex
	loading []*loading
}

// loading is a reading that is under way.
type loading struct {
	first, last int32
	done        chan struct{}
	err         error
	stale       bool // what is read has changed meanwhile, and is not kept
}

// layer keeps one kind of reading: of calendars, of free/busy, or of RMP's own
// bookings. Failures are not kept, so that a server that comes back is seen at
// once.
type layer struct {
	keep    time.Duration // how long a reading serves display; 0: until it is forgotten
	entries *otter.Cache[layerKey, *entry]
	fetch   func(ctx context.Context, t tenant.ID, accounts []string, from, till time.Time) []fetched
	now     func() time.Time

	hits, misses atomic.Int64 // of calendars asked for
}

// fetched is a reading of one calendar.
type fetched struct {
	spans []busy
	err   error
}

// mostCalendars bounds the calendars that are kept; those that nobody has
// asked for the longest go.
const mostCalendars = 200_000

func newLayer(keep time.Duration, now func() time.Time, fetch func(context.Context, tenant.ID, []string, time.Time, time.Time) []fetched) *layer {
	return &layer{keep: keep, now: now, fetch: fetch, entries: otter.Must(&otter.Options[layerKey, *entry]{
		MaximumSize: mostCalendars, ExpiryCalculator: otter.ExpiryAccessing[layerKey, *entry](2 * time.Hour)})}
}

func (l *layer) entry(t tenant.ID, account string) *entry {
	k := layerKey{t, account}
	if e, ok := l.entries.GetIfPresent(k); ok {
		return e
	}
	e, _ := l.entries.SetIfAbsent(k, &entry{})
	return e
}

// read answers a window for each account that holds the days, or why not. What
// is not kept is fetched, all in one go; who asks for what is being fetched
// already waits for that. What will soon be too old is answered, and fetched
// anew meanwhile.
func (l *layer) read(ctx context.Context, t tenant.ID, accounts []string, from, till time.Time) ([]*window, []error) {
	first, last := dayOf(micros(from)), dayOf(micros(till)-1)
	now := micros(l.now())
	windows, errs := make([]*window, len(accounts)), make([]error, len(accounts))
	entries := make([]*entry, len(accounts))
	notBefore, soon := int64(-1<<62), int64(-1<<62)
	if l.keep > 0 {
		notBefore = now - l.keep.Microseconds()
		soon = now - l.keep.Microseconds()*4/5
	}
	var missing, ageing []int
	for i, a := range accounts {
		entries[i] = l.entry(t, a)
		w := entries[i].days.Load()
		switch {
		case !w.has(first, last, notBefore):
			missing = append(missing, i)
		case !w.has(first, last, soon):
			windows[i] = w
			ageing = append(ageing, i)
		default:
			windows[i] = w
		}
	}
	l.hits.Add(int64(len(accounts) - len(missing)))
	l.misses.Add(int64(len(missing)))
	if len(ageing) > 0 {
		l.begin(context.WithoutCancel(ctx), t, accounts, entries, ageing, first, last, soon)
	}
	if len(missing) == 0 {
		return windows, errs
	}
	flights := l.begin(ctx, t, accounts, entries, missing, first, last, notBefore)
	for k, i := range missing {
		if flights[k] != nil {
			select {
			case <-flights[k].done:
				errs[i] = flights[k].err
			case <-ctx.Done():
				errs[i] = ctx.Err()
			}
		}
		if errs[i] != nil {
			continue
		}
		if windows[i] = entries[i].days.Load(); !windows[i].has(first, last, notBefore) {
			// It was forgotten while it was fetched: the next try is fresh.
			windows[i], errs[i] = l.once(ctx, t, accounts[i], first, last)
		}
	}
	return windows, errs
}

// begin fetches the days of some accounts that nobody is fetching already, in
// the background, and answers what to wait for: nil for one that is there by
// now.
func (l *layer) begin(ctx context.Context, t tenant.ID, accounts []string, entries []*entry, which []int, first, last int32, notBefore int64) []*loading {
	out := make([]*loading, len(which))
	var mine []int // places in which
	for k, i := range which {
		e := entries[i]
		e.mu.Lock()
		at := slices.IndexFunc(e.loading, func(f *loading) bool { return f.first <= first && f.last >= last && !f.stale })
		switch {
		case at >= 0:
			out[k] = e.loading[at]
		case e.days.Load().has(first, last, notBefore):
		default:
			out[k] = &loading{first: first, last: last, done: make(chan struct{})}
			e.loading = append(e.loading, out[k])
			mine = append(mine, k)
		}
		e.mu.Unlock()
	}
	if len(mine) == 0 {
		return out
	}
	go func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), fetchTime)
		defer cancel()
		ask := make([]string, len(mine))
		for n, k := range mine {
			ask[n] = accounts[which[k]]
		}
		asOf := micros(l.now())
		got := l.fetch(ctx, t, ask, startOf(first), startOf(last+1))
		for n, k := range mine {
			entries[which[k]].land(out[k], got[n], asOf)
		}
	}()
	return out
}

// fetchTime bounds one fetch; who asked may have gone before.
const fetchTime = 20 * time.Second

// once reads past what is kept.
func (l *layer) once(ctx context.Context, t tenant.ID, account string, first, last int32) (*window, error) {
	asOf := micros(l.now())
	got := l.fetch(ctx, t, []string{account}, startOf(first), startOf(last+1))[0]
	if got.err != nil {
		return nil, got.err
	}
	return (*window)(nil).with(first, last, got.spans, asOf), nil
}

func startOf(n int32) time.Time { return time.Unix(int64(n)*86400, 0).UTC() }

// land keeps what was fetched.
func (e *entry) land(f *loading, got fetched, asOf int64) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.loading = slices.DeleteFunc(e.loading, func(x *loading) bool { return x == f })
	f.err = got.err
	if got.err == nil && !f.stale {
		e.days.Store(e.days.Load().with(f.first, f.last, got.spans, asOf))
	}
	close(f.done)
}

// mostDays bounds the days that one window spans: a reading far away takes the
// place of the others.
const mostDays = 500

// with is the window with some days read anew.
func (w *window) with(first, last int32, spans []busy, asOf int64) *window {
	slices.SortFunc(spans, func(a, b busy) int {
		switch {
		case a.from < b.from:
			return -1
		case a.from > b.from:
			return 1
		}
		return 0
	})
	from, till := first, last+1
	if w != nil {
		if a, b := min(from, w.first), max(till, w.first+int32(len(w.days))); b-a <= mostDays {
			from, till = a, b
		} else {
			w = nil
		}
	}
	out := &window{first: from, days: make([]*oneDay, till-from)}
	if w != nil {
		copy(out.days[w.first-from:], w.days)
	}
	// The days share one array of days, and spans that touch one day one of
	// spans.
	fresh := make([]oneDay, last-first+1)
	const perDay = int64(day / time.Microsecond)
	for n := range fresh {
		fresh[n].asOf = asOf
		out.days[first-from+int32(n)] = &fresh[n]
	}
	begin := 0
	for n := range fresh {
		start := (int64(first) + int64(n)) * perDay
		end := start + perDay
		for begin < len(spans) && spans[begin].till <= start {
			begin++
		}
		stop, gaps := begin, false
		for stop < len(spans) && spans[stop].from < end {
			gaps = gaps || spans[stop].till <= start
			stop++
		}
		fresh[n].spans = spans[begin:stop:stop]
		if gaps {
			fresh[n].spans = slices.DeleteFunc(slices.Clone(spans[begin:stop]), func(b busy) bool { return b.till <= start })
		}
	}
	return out
}

// forget drops what is kept of the accounts in a range, and what is being
// fetched of it. No end means all that a reading can be about.
func (l *layer) forget(t tenant.ID, accounts []string, from, till time.Time) {
	first, last := dayOf(micros(from)), int32(1<<30)
	if !till.IsZero() {
		last = dayOf(micros(till))
	}
	for _, a := range accounts {
		e, ok := l.entries.GetIfPresent(layerKey{t, a})
		if !ok {
			continue
		}
		e.mu.Lock()
		for _, f := range e.loading {
			f.stale = f.stale || f.first <= last && f.last >= first
		}
		if w := e.days.Load(); w != nil {
			n := &window{first: w.first, days: slices.Clone(w.days)}
			for i := range n.days {
				if d := n.first + int32(i); d >= first && d <= last {
					n.days[i] = nil
				}
			}
			e.days.Store(n)
		}
		e.mu.Unlock()
	}
}

// ForgetAll drops everything that is kept.
func (e *Engine) ForgetAll() {
	for _, l := range []*layer{e.events, e.people, e.own} {
		l.entries.InvalidateAll()
	}
}
