package cli

import (
	"context"
	"errors"
	"sync"
	"time"
)

const (
	checkAfter = time.Minute                    // an idle connection is tried before use
	idleLimit  = 4*time.Minute + 30*time.Second // CommuniGate Pro drops it after five
)

// Pool keeps a bounded number of connections. Who waits is served in the
// order of coming. A connection that nobody has used for idleLimit is closed.
type Pool struct {
	cfg   Config
	slots chan struct{}
	done  chan struct{} // closed by Close

	mu     sync.Mutex
	idle   []*Conn // the longest unused first
	sweep  *time.Timer
	counts PoolStats
}

// PoolStats counts what a pool has done.
type PoolStats struct {
	Dialled, Reused, Dropped int64 // Dropped: broken, or idle for too long
	Waited                   int64 // who had to wait for a free connection
	Waiting                  int   // who waits for one now
	Idle, Busy, Size         int
}

var errPoolClosed = errors.New("the pool is closed")

// NewPool makes a pool of at most size connections, which are made when they
// are needed.
func NewPool(cfg Config, size int) *Pool {
	return &Pool{cfg: cfg, slots: make(chan struct{}, size), done: make(chan struct{})}
}

// Stats are the counts so far.
func (p *Pool) Stats() PoolStats {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.counts
	s.Idle, s.Busy, s.Size = len(p.idle), len(p.slots), cap(p.slots)
	return s
}

// With runs fn with a connection. A command of fn that failed on an idle
// connection before anything was sent is not repeated: fn decides.
func (p *Pool) With(ctx context.Context, fn func(*Conn) error) error {
	if err := p.enter(ctx); err != nil {
		return err
	}
	defer func() { <-p.slots }()
	c, err := p.take(ctx)
	if err != nil {
		return err
	}
	defer p.put(c)
	return fn(c)
}

// enter waits for a free place.
func (p *Pool) enter(ctx context.Context) error {
	select {
	case p.slots <- struct{}{}:
		return nil
	default:
	}
	p.count(func(s *PoolStats) { s.Waited++; s.Waiting++ })
	defer p.count(func(s *PoolStats) { s.Waiting-- })
	if p.cfg.Observer != nil {
		began := time.Now()
		defer func() { p.cfg.Observer.Waited(time.Since(began)) }()
	}
	select {
	case p.slots <- struct{}{}:
		return nil
	case <-p.done:
		return &TransportError{Op: "wait for a connection", Err: errPoolClosed, Unsent: true}
	case <-ctx.Done():
		return &TransportError{Op: "wait for a connection", Err: ctx.Err(), Unsent: true}
	}
}

func (p *Pool) count(f func(*PoolStats)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f(&p.counts)
}

func (p *Pool) closed() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

func (p *Pool) take(ctx context.Context) (*Conn, error) {
	for {
		p.mu.Lock()
		if p.closed() {
			p.mu.Unlock()
			return nil, &TransportError{Op: "take a connection", Err: errPoolClosed, Unsent: true}
		}
		n := len(p.idle)
		if n == 0 {
			p.counts.Dialled++
			p.mu.Unlock()
			return Dial(ctx, p.cfg)
		}
		c := p.idle[n-1]
		p.idle = p.idle[:n-1]
		p.mu.Unlock()
		age := time.Since(c.used)
		ok := age < checkAfter
		if !ok && age < idleLimit {
			_, err := c.exchange(ctx, "NOOP", "NOOP")
			ok = err == nil
		}
		if ok {
			p.count(func(s *PoolStats) { s.Reused++ })
			return c, nil
		}
		p.count(func(s *PoolStats) { s.Dropped++ })
		_ = c.Close()
	}
}

func (p *Pool) put(c *Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if c.broken || p.closed() {
		p.counts.Dropped++
		go c.Close() //nolint:errcheck // it is gone either way
		return
	}
	p.idle = append(p.idle, c)
	if p.sweep == nil {
		p.sweep = time.AfterFunc(idleLimit, p.sweepIdle)
	}
}

// sweepIdle closes the connections that nobody has used for long.
func (p *Pool) sweepIdle() {
	p.mu.Lock()
	keep := 0
	for keep < len(p.idle) && time.Since(p.idle[keep].used) >= idleLimit {
		keep++
	}
	old := p.idle[:keep:keep]
	p.idle = p.idle[keep:]
	p.counts.Dropped += int64(len(old))
	if p.sweep = nil; len(p.idle) > 0 && !p.closed() {
		p.sweep = time.AfterFunc(max(time.Second, idleLimit-time.Since(p.idle[0].used)), p.sweepIdle)
	}
	p.mu.Unlock()
	for _, c := range old {
		_ = c.Close()
	}
}

// Close closes the idle connections and sends away who waits; the
// connections at work are closed when they come back.
func (p *Pool) Close() {
	p.mu.Lock()
	idle := p.idle
	p.idle = nil
	if !p.closed() {
		close(p.done)
	}
	if p.sweep != nil {
		p.sweep.Stop()
	}
	p.mu.Unlock()
	for _, c := range idle {
		_ = c.Close()
	}
}
