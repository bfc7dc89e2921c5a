package interval

import "slices"

// Each operation comes twice: the plain one allocates its result, or returns
// memory of an operand when that is the result; the one named Append writes
// after the end of dst and allocates only when dst has no room. What dst
// held before is left alone and not joined with, so that many results can
// share one buffer. The memory of dst must not be that of an operand.

// Union is the time in a or b.
func Union(a, b Set) Set {
	switch {
	case len(a) == 0:
		return b
	case len(b) == 0:
		return a
	}
	return AppendUnion(make(Set, 0, len(a)+len(b)), a, b)
}

// AppendUnion appends Union(a, b) to dst.
func AppendUnion(dst, a, b Set) Set {
	if len(a) == 0 {
		return append(dst, b...)
	}
	if len(b) == 0 {
		return append(dst, a...)
	}
	i, j := 0, 0
	start := min(a[0].Start, b[0].Start)
	cur := Span{start, start}
	for i < len(a) || j < len(b) {
		var next Span
		if j == len(b) || i < len(a) && a[i].Start <= b[j].Start {
			next = a[i]
			i++
		} else {
			next = b[j]
			j++
		}
		if next.Start > cur.End {
			dst = append(dst, cur)
			cur = next
			continue
		}
		cur.End = max(cur.End, next.End)
	}
	return append(dst, cur)
}

// UnionAll is the time in any of sets.
func UnionAll(sets ...Set) Set { return AppendUnionAll(nil, sets...) }

// stackCursors is the number of sets that AppendUnionAll merges without
// allocating a heap for them.
const stackCursors = 128

// AppendUnionAll appends UnionAll(sets...) to dst. It costs n log k for n
// spans in k sets, less when they overlap much: what lies within the span
// under construction is passed over without touching the heap.
func AppendUnionAll(dst Set, sets ...Set) Set {
	var few [stackCursors]Set
	heap := few[:0]
	if len(sets) > stackCursors {
		heap = make([]Set, 0, len(sets))
	}
	for _, s := range sets {
		if len(s) > 0 {
			heap = append(heap, s)
		}
	}
	if len(heap) == 0 {
		return dst
	}
	for i := len(heap)/2 - 1; i >= 0; i-- {
		siftDown(heap, i)
	}
	cur := Span{heap[0][0].Start, heap[0][0].Start}
	for len(heap) > 1 {
		rest := heap[0]
		if rest[0].Start > cur.End {
			dst = append(dst, cur)
			cur = rest[0]
		} else {
			cur.End = max(cur.End, rest[0].End)
		}
		rest = rest[1:]
		for len(rest) > 0 && rest[0].End <= cur.End {
			rest = rest[1:]
		}
		if len(rest) > 0 {
			heap[0] = rest
		} else {
			heap[0] = heap[len(heap)-1]
			heap = heap[:len(heap)-1]
		}
		siftDown(heap, 0)
	}
	// One set is left: only its first spans can meet cur.
	rest := heap[0]
	for len(rest) > 0 && rest[0].Start <= cur.End {
		cur.End = max(cur.End, rest[0].End)
		rest = rest[1:]
	}
	dst = append(dst, cur)
	return append(dst, rest...)
}

// siftDown restores the order of heap (the earliest first span on top) when
// the set at i may be too early in it.
func siftDown(heap []Set, i int) {
	moved := heap[i]
	start := moved[0].Start
	for {
		child := 2*i + 1
		if child >= len(heap) {
			break
		}
		if child+1 < len(heap) && heap[child+1][0].Start < heap[child][0].Start {
			child++
		}
		if heap[child][0].Start >= start {
			break
		}
		heap[i] = heap[child]
		i = child
	}
	heap[i] = moved
}

// Intersect is the time in both a and b.
func Intersect(a, b Set) Set { return AppendIntersect(nil, a, b) }

// AppendIntersect appends Intersect(a, b) to dst.
func AppendIntersect(dst, a, b Set) Set {
	if len(a) == 0 || len(b) == 0 {
		return dst
	}
	// Start where the two meet, so that a short set against a long one does
	// not walk the long one.
	i, j := a.endAfter(b[0].Start), b.endAfter(a[0].Start)
	for i < len(a) && j < len(b) {
		if c := a[i].Intersect(b[j]); !c.Empty() {
			dst = append(dst, c)
		}
		if a[i].End <= b[j].End {
			i++
		} else {
			j++
		}
	}
	return dst
}

// Subtract is the time in a that is not in b.
func Subtract(a, b Set) Set {
	if len(a) == 0 || len(b) == 0 {
		return a
	}
	return AppendSubtract(nil, a, b)
}

// AppendSubtract appends Subtract(a, b) to dst.
func AppendSubtract(dst, a, b Set) Set {
	if len(a) == 0 {
		return dst
	}
	b = b[b.endAfter(a[0].Start):]
	for _, sp := range a {
		for len(b) > 0 && b[0].End <= sp.Start {
			b = b[1:]
		}
		// The last span of b that is looked at may reach into the next of a,
		// so it is passed only when it ends within sp.
		for len(b) > 0 && b[0].Start < sp.End {
			if b[0].Start > sp.Start {
				dst = append(dst, Span{sp.Start, b[0].Start})
			}
			sp.Start = b[0].End
			if sp.Empty() {
				break
			}
			b = b[1:]
		}
		if !sp.Empty() {
			dst = append(dst, sp)
		}
	}
	return dst
}

// Complement is the time in window that is not in s: the free time of a busy
// set.
func (s Set) Complement(window Span) Set {
	if window.Empty() {
		return nil
	}
	return s.AppendComplement(make(Set, 0, len(s.Touching(window))+1), window)
}

// AppendComplement appends s.Complement(window) to dst.
func (s Set) AppendComplement(dst Set, window Span) Set {
	t := s.Touching(window)
	dst = slices.Grow(dst, len(t)+1)
	from := window.Start
	for _, sp := range t {
		if sp.Start > from {
			dst = append(dst, Span{from, sp.Start})
		}
		from = sp.End
	}
	if from < window.End {
		dst = append(dst, Span{from, window.End})
	}
	return dst
}
