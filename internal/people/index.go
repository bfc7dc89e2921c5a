package people

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"

	"rmp/internal/tenant"
)

// Entry is somebody or something that can be found by name.
type Entry struct {
	Kind   string // person, resource, contact, group
	Name   string
	Email  string // empty of a group
	ID     string // of a contact or group
	Detail string // what tells it from others of the name
}

// index finds entries by the beginnings of their words: a sorted list of all
// words, each with its entry.
type index struct {
	entries []Entry
	words   []word
}

type word struct {
	text  string
	entry int32
}

// split are the words of a text, in lower case.
func split(s string) []string {
	return strings.FieldsFunc(strings.ToLower(s), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
}

func buildIndex(entries []Entry) *index {
	x := &index{entries: entries, words: make([]word, 0, 4*len(entries))}
	for i, e := range entries {
		local, _, _ := strings.Cut(e.Email, "@")
		for _, w := range slices.Concat(split(e.Name), split(local)) {
			x.words = append(x.words, word{w, int32(i)})
		}
		if e.Email != "" {
			x.words = append(x.words, word{strings.ToLower(e.Email), int32(i)})
		}
	}
	slices.SortFunc(x.words, func(a, b word) int {
		return cmp.Or(strings.Compare(a.text, b.text), cmp.Compare(a.entry, b.entry))
	})
	x.words = slices.Compact(x.words)
	return x
}

// starting are the words that begin with a text.
func (x *index) starting(with string) []word {
	from, _ := slices.BinarySearchFunc(x.words, with, func(w word, t string) int { return strings.Compare(w.text, t) })
	till := from
	step := 1
	for till < len(x.words) && strings.HasPrefix(x.words[till].text, with) { // doubling, then back
		till += step
		step *= 2
	}
	till = min(till, len(x.words))
	for lo := from; lo < till; {
		mid := (lo + till) / 2
		if strings.HasPrefix(x.words[mid].text, with) {
			lo = mid + 1
		} else {
			till = mid
		}
	}
	return x.words[from:till]
}

// find answers the entries that have a word beginning with each word of the
// question, best first, at most limit.
func (x *index) find(question string, limit int) []Entry {
	asked := split(question)
	if strings.Contains(question, "@") {
		asked = []string{strings.ToLower(strings.TrimSpace(question))}
	}
	if len(asked) == 0 {
		return nil
	}
	var some []int32
	for i, w := range asked {
		found := x.starting(w)
		next := make([]int32, 0, len(found))
		for _, f := range found {
			next = append(next, f.entry)
		}
		slices.Sort(next)
		next = slices.Compact(next)
		if i > 0 {
			next = common(some, next)
		}
		some = next
	}
	best := strings.Join(asked, " ")
	type ranked struct {
		rank  int
		entry int32
	}
	list := make([]ranked, len(some))
	for i, e := range some {
		rank := 1
		if name := x.entries[e].Name; len(name) >= len(best) && strings.EqualFold(name[:len(best)], best) {
			rank = 0
		}
		list[i] = ranked{rank, e}
	}
	// Entries are in the order of their names, so their number ranks them.
	slices.SortFunc(list, func(a, b ranked) int { return cmp.Or(cmp.Compare(a.rank, b.rank), cmp.Compare(a.entry, b.entry)) })
	out := make([]Entry, 0, min(limit, len(list)))
	for _, r := range list[:min(limit, len(list))] {
		out = append(out, x.entries[r.entry])
	}
	return out
}

// common are the numbers of both sorted lists.
func common(a, b []int32) []int32 {
	out := a[:0:0]
	for len(a) > 0 && len(b) > 0 {
		switch {
		case a[0] < b[0]:
			a = a[1:]
		case a[0] > b[0]:
			b = b[1:]
		default:
			out = append(out, a[0])
			a, b = a[1:], b[1:]
		}
	}
	return out
}

// How long an index serves before it is made anew.
const (
	directoryKept = time.Minute
	contactsKept  = 2 * time.Minute
	mostIndexes   = 1000
)

type kept struct {
	*index
	at    time.Time
	ready chan struct{} // closed when somebody has made it
	err   error
}

type indexes struct {
	mu *sync.Mutex
	by map[string]*kept
}

func newIndexes() indexes { return indexes{mu: &sync.Mutex{}, by: map[string]*kept{}} }

// get answers an index, made by the first who asks for it.
func (x indexes) get(ctx context.Context, key string, now time.Time, life time.Duration, load func(context.Context) ([]Entry, error)) (*index, error) {
	x.mu.Lock()
	k := x.by[key]
	mine := k == nil || now.Sub(k.at) > life
	if mine {
		if len(x.by) >= mostIndexes {
			clear(x.by)
		}
		k = &kept{at: now, ready: make(chan struct{})}
		x.by[key] = k
	}
	x.mu.Unlock()
	if mine {
		entries, err := load(ctx)
		if err == nil {
			slices.SortStableFunc(entries, func(a, b Entry) int { return strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)) })
			k.index = buildIndex(entries)
		} else {
			k.err = err
			x.forget(key)
		}
		close(k.ready)
	}
	select {
	case <-k.ready:
		return k.index, k.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (x indexes) forget(key string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	delete(x.by, key)
}

// Search finds people, resources, and the person's own contacts and groups.
// Where the contacts cannot be read, the others are found all the same, and
// incomplete says so.
func (s *Service) Search(ctx context.Context, p tenant.Principal, question string, limit int) (list []Entry, incomplete bool, err error) {
	all, err := s.indexes.get(ctx, "directory "+string(p.Tenant), s.Now(), directoryKept, func(ctx context.Context) ([]Entry, error) {
		return s.Directory(ctx, p.Tenant)
	})
	if err != nil {
		return nil, false, err
	}
	list = all.find(question, limit)
	c, err := s.caller(ctx, p)
	if err != nil {
		return nil, false, err
	}
	if c.Password == "" {
		return list, false, nil
	}
	own, err := s.indexes.get(ctx, contactsKey(c), s.Now(), contactsKept, func(ctx context.Context) ([]Entry, error) { return s.contactEntries(ctx, c) })
	if err != nil {
		return list, true, nil //nolint:nilerr // as said
	}
	mine := own.find(question, limit)
	mine = slices.DeleteFunc(mine, func(e Entry) bool {
		return e.Email != "" && slices.ContainsFunc(list, func(o Entry) bool { return strings.EqualFold(o.Email, e.Email) })
	})
	// One's own contacts are what one means more often.
	list = append(mine, list...)
	return list[:min(limit, len(list))], false, nil
}

func contactsKey(c Caller) string { return "contacts " + string(c.Tenant.ID) + " " + c.Email }
