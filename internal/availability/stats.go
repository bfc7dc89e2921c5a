package availability

// CacheStats is what is kept of one kind of reading, and how often that was
// enough.
type CacheStats struct {
	Kind         string // calendars, people (free/busy) or bookings (RMP's own)
	Hits, Misses int64  // calendars asked for
	Entries      int
}

// CacheStats answers it for each kind.
func (e *Engine) CacheStats() []CacheStats {
	var out []CacheStats
	for _, l := range []struct {
		kind string
		*layer
	}{{"calendars", e.events}, {"people", e.people}, {"bookings", e.own}} {
		out = append(out, CacheStats{Kind: l.kind, Hits: l.hits.Load(), Misses: l.misses.Load(), Entries: l.entries.EstimatedSize()})
	}
	return out
}
