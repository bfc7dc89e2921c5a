package groupware

import (
	"context"
	"sync"
	"time"

	"rmp/communigate/ximss"
	"rmp/internal/fault"
	"rmp/internal/people"
)

// personIdle is how long a person's session is kept without use.
const personIdle = 20 * time.Second

// seats are the sessions of people at one server: those that sign in, and
// those for whom something is done in their own name. A server without a
// licence allows five sessions in all, so there are few seats: one that is
// kept for a person is given to whoever needs it, and who finds none waits.
type seats struct {
	mu      sync.Mutex
	most    int
	waiting int                // who waits for a seat
	taken   int                // sign-ins at work
	open    map[string]*person // by the handle of the sign-in
	freed   chan struct{}      // closed, and made anew, when a seat may be free
}

type person struct {
	pool *ximss.Pool
	busy int // requests at work
	used time.Time
	end  *time.Timer
}

func newSeats(most int) *seats {
	return &seats{most: max(1, most), open: map[string]*person{}, freed: make(chan struct{})}
}

// take waits for a seat: the one that the handle has, a free one, or one that
// is kept for somebody who does not use it now.
func (s *seats) take(ctx context.Context, handle string, begin func() *ximss.Pool) (*person, error) {
	for {
		s.mu.Lock()
		p := s.open[handle]
		if p == nil && len(s.open)+s.taken < s.most {
			if handle == "" {
				s.taken++
				s.mu.Unlock()
				return nil, nil //nolint:nilnil // a sign-in has no session of its own yet
			}
			p = &person{pool: begin()}
			p.end = time.AfterFunc(personIdle, func() { s.drop(context.Background(), handle) })
			s.open[handle] = p
		}
		if p != nil && handle != "" {
			p.busy++
			p.used = time.Now()
			p.end.Stop()
			s.mu.Unlock()
			return p, nil
		}
		idle := ""
		for h, x := range s.open {
			if x.busy == 0 && (idle == "" || x.used.Before(s.open[idle].used)) {
				idle = h
			}
		}
		wait := s.freed
		if idle == "" {
			s.waiting++
		}
		s.mu.Unlock()
		if idle != "" {
			s.drop(ctx, idle)
			continue
		}
		gone := false
		select {
		case <-wait:
		case <-ctx.Done():
			gone = true
		}
		s.mu.Lock()
		s.waiting--
		s.mu.Unlock()
		if gone {
			return nil, fault.Wrap(ctx.Err(), fault.Unavailable, "too many people are at CommuniGate Pro at once; try again")
		}
	}
}

// give gives a seat back; that of a person is kept for a while.
func (s *seats) give(p *person) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p == nil {
		s.taken--
	} else {
		p.busy--
		p.used = time.Now()
		p.end.Reset(personIdle)
	}
	close(s.freed)
	s.freed = make(chan struct{})
}

// drop ends a person's session. One that is at work ends when it is done: its
// pool begins none any more.
func (s *seats) drop(ctx context.Context, handle string) {
	s.mu.Lock()
	p := s.open[handle]
	if p == nil {
		s.mu.Unlock()
		return
	}
	p.end.Stop()
	s.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	p.pool.Close(ctx) // before its seat is given away, so that the server has room
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open[handle] == p {
		delete(s.open, handle)
	}
	close(s.freed)
	s.freed = make(chan struct{})
}

// as sends requests in the person's own name. If CommuniGate has forgotten
// their session, the pool begins another.
func (g *Groupware) as(ctx context.Context, c people.Caller, requests ...*ximss.Request) ([]*ximss.Reply, error) {
	server := g.serverOf(c.Tenant)
	for {
		p, err := server.seats.take(ctx, c.Session, func() *ximss.Pool {
			return ximss.NewPool(g.session(server, c.Email, c.Password), server.client, 1)
		})
		if err != nil {
			return nil, err
		}
		replies, err := p.pool.Do(ctx, requests...)
		server.seats.give(p)
		if p.pool.Closed() && err != nil && ctx.Err() == nil && replies == nil {
			continue // its seat was given to somebody else meanwhile
		}
		return replies, err
	}
}

// End implements gatekeeper.CommuniGate.
func (g *Groupware) End(ctx context.Context, handle string) {
	for _, s := range g.servers.all() {
		s.seats.drop(ctx, handle)
	}
}

func (g *Groupware) endAll(ctx context.Context) {
	for _, s := range g.servers.all() {
		s.seats.mu.Lock()
		handles := make([]string, 0, len(s.seats.open))
		for h := range s.seats.open {
			handles = append(handles, h)
		}
		s.seats.mu.Unlock()
		for _, h := range handles {
			s.seats.drop(ctx, h)
		}
	}
}
