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
// order of coming.
type Pool struct {
	cfg   Config
	slots chan struct{}

	mu     sync.Mutex
	idle   []*Conn
	closed bool
}

// NewPool makes a pool of at most size connections, which are made when they
// are needed.
func NewPool(cfg Config, size int) *Pool {
	return &Pool{cfg: cfg, slots: make(chan struct{}, size)}
}

// With runs fn with a connection. A command of fn that failed on an idle
// connection before anything was sent is not repeated: fn decides.
func (p *Pool) With(ctx context.Context, fn func(*Conn) error) error {
	select {
	case p.slots <- struct{}{}:
	case <-ctx.Done():
		return &TransportError{Op: "wait for a connection", Err: ctx.Err(), Unsent: true}
	}
	defer func() { <-p.slots }()
	c, err := p.take(ctx)
	if err != nil {
		return err
	}
	err = fn(c)
	p.put(c)
	return err
}

func (p *Pool) take(ctx context.Context) (*Conn, error) {
	for {
		p.mu.Lock()
		if p.closed {
			p.mu.Unlock()
			return nil, &TransportError{Op: "take a connection", Err: errors.New("the pool is closed"), Unsent: true}
		}
		n := len(p.idle)
		if n == 0 {
			p.mu.Unlock()
			return Dial(ctx, p.cfg)
		}
		c := p.idle[n-1]
		p.idle = p.idle[:n-1]
		p.mu.Unlock()
		age := time.Since(c.used)
		if age < checkAfter {
			return c, nil
		}
		if age < idleLimit {
			if _, err := c.exchange(ctx, "NOOP", "NOOP"); err == nil {
				return c, nil
			}
		}
		_ = c.Close()
	}
}

func (p *Pool) put(c *Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if c.broken || p.closed {
		go c.Close() //nolint:errcheck // it is gone either way
		return
	}
	p.idle = append(p.idle, c)
}

// Close closes the idle connections; those at work are closed when they come
// back.
func (p *Pool) Close() {
	p.mu.Lock()
	idle := p.idle
	p.idle, p.closed = nil, true
	p.mu.Unlock()
	for _, c := range idle {
		_ = c.Close()
	}
}
