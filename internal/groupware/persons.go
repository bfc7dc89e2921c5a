package groupware

import (
	"context"
	"sync"
	"time"

	"rmp/communigate/ximss"
	"rmp/internal/secret"
	"rmp/internal/tenant"
)

// personIdle is how long a person's session is kept without use: a server
// without a licence allows five in all.
const personIdle = 20 * time.Second

// persons are the sessions of people who are signed in, one for each sign-in,
// begun when it is needed.
type persons struct {
	mu   sync.Mutex
	open map[string]*person
}

type person struct {
	pool *ximss.Pool
	end  *time.Timer
}

// as is the session of a person, by the handle of their sign-in. If
// CommuniGate has forgotten it, the pool begins another.
func (g *Groupware) as(t tenant.Tenant, handle, account string, password secret.Text) *ximss.Pool {
	g.persons.mu.Lock()
	defer g.persons.mu.Unlock()
	p := g.persons.open[handle]
	if p == nil {
		s := g.serverOf(t)
		p = &person{pool: ximss.NewPool(g.session(s, account, password), s.client, 1)}
		p.end = time.AfterFunc(personIdle, func() { g.End(context.Background(), handle) })
		g.persons.open[handle] = p
	}
	p.end.Reset(personIdle)
	return p.pool
}

// End implements gatekeeper.CommuniGate.
func (g *Groupware) End(ctx context.Context, handle string) {
	g.persons.mu.Lock()
	p := g.persons.open[handle]
	delete(g.persons.open, handle)
	g.persons.mu.Unlock()
	if p == nil {
		return
	}
	p.end.Stop()
	ctx, cancel := context.WithTimeout(ctx, g.cfg.Timeout)
	defer cancel()
	p.pool.Close(ctx)
}

func (g *Groupware) endAll(ctx context.Context) {
	g.persons.mu.Lock()
	handles := make([]string, 0, len(g.persons.open))
	for h := range g.persons.open {
		handles = append(handles, h)
	}
	g.persons.mu.Unlock()
	for _, h := range handles {
		g.End(ctx, h)
	}
}
