package groupware

import (
	"rmp/communigate/cli"
	"rmp/communigate/ximss"
)

// ServerStats is what is open to one server now.
type ServerStats struct {
	Name string // main, or the host of a tenant's own
	// Service are the sessions of the service accounts of all tenants there,
	// Persons those of people: sign-ins, and what is done in their own name.
	Service, Persons ximss.PoolStats
	Watching         int // sessions that are held open for notice of changes
	CLI              cli.PoolStats
}

// Stats is what is open to each server, the installation's first.
func (g *Groupware) Stats() []ServerStats {
	var out []ServerStats
	at := map[*server]int{}
	for _, s := range g.servers.all() {
		at[s] = len(out)
		out = append(out, ServerStats{Name: s.name, Persons: s.seats.stats(), Watching: int(s.watching.Load()), CLI: s.cli.Stats()})
	}
	g.servers.mu.Lock()
	defer g.servers.mu.Unlock()
	for _, o := range g.servers.open {
		i, ok := at[o.server]
		if !ok {
			continue
		}
		p, sum := o.pool.Stats(), &out[i].Service
		sum.Size += p.Size
		sum.Idle += p.Idle
		sum.Busy += p.Busy
		sum.Waiting += p.Waiting
	}
	return out
}

// stats counts seats as sessions of a pool.
func (s *seats) stats() ximss.PoolStats {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := ximss.PoolStats{Size: s.most, Busy: s.taken, Waiting: s.waiting}
	for _, p := range s.open {
		if p.busy > 0 {
			out.Busy++
		} else {
			out.Idle++
		}
	}
	return out
}
