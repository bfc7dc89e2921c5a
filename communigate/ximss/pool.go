package ximss

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Pool keeps a bounded number of sessions of one account. Who waits is served
// in the order of coming.
type Pool struct {
	cfg    Config
	client *http.Client
	slots  chan struct{}

	waiting atomic.Int64 // who waits for a slot

	ending sync.WaitGroup // sessions that did not answer

	mu     sync.Mutex
	idle   []pooled
	closed bool
}

type pooled struct {
	s    *Session
	used time.Time
}

// idleLimit is how long a session is kept without use: well below the
// server's own limit, and not in the way of others for long.
const idleLimit = 2 * time.Minute

// NewPool makes a pool of at most size sessions, which begin when they are
// needed.
func NewPool(cfg Config, client *http.Client, size int) *Pool {
	return &Pool{cfg: cfg, client: client, slots: make(chan struct{}, size)}
}

// Do sends the requests in one round trip on a session of the pool. If the
// server has forgotten the session, they are sent once more on a new one,
// unless it ended while it was at work on them and one of them is marked Once.
// What they leave open is closed.
func (p *Pool) Do(ctx context.Context, requests ...*Request) ([]*Reply, error) {
	if err := p.enter(ctx); err != nil {
		return nil, fmt.Errorf("%w: all sessions are busy: %w", ErrSlow, err)
	}
	defer func() { <-p.slots }()
	for try := 0; ; try++ {
		s, err := p.take(ctx)
		if err != nil {
			return nil, err
		}
		replies, err := s.Do(ctx, requests...)
		_ = s.CloseHandles(ctx) // else the session is lost, and with it all that is open
		p.put(ctx, s)
		if errors.Is(err, ErrSessionLost) && try == 0 && !(errors.Is(err, errHalfDone) && anyOnce(requests)) {
			continue
		}
		return replies, err
	}
}

// Lend gives a session to somebody who works with it for longer, with what is
// open in it; giveBack returns it.
func (p *Pool) Lend(ctx context.Context) (s *Session, giveBack func(), err error) {
	if err := p.enter(ctx); err != nil {
		return nil, nil, fmt.Errorf("%w: all sessions are busy: %w", ErrSlow, err)
	}
	if s, err = p.take(ctx); err != nil {
		<-p.slots
		return nil, nil, err
	}
	return s, func() {
		ctx := context.WithoutCancel(ctx)
		_ = s.CloseHandles(ctx)
		p.put(ctx, s)
		<-p.slots
	}, nil
}

func anyOnce(requests []*Request) bool {
	return slices.ContainsFunc(requests, func(r *Request) bool { return r.once })
}

func (p *Pool) take(ctx context.Context) (*Session, error) {
	for {
		p.mu.Lock()
		n := len(p.idle)
		if p.closed {
			p.mu.Unlock()
			return nil, fmt.Errorf("%w: the pool is closed", ErrUnreachable)
		}
		if n == 0 {
			p.mu.Unlock()
			return p.login(ctx)
		}
		e := p.idle[n-1]
		p.idle = p.idle[:n-1]
		p.mu.Unlock()
		if time.Since(e.used) < idleLimit {
			return e.s, nil
		}
		_ = e.s.Close(ctx)
	}
}

// login signs in. While the server has no room for another session it is
// tried again, with growing pauses, until the context's deadline.
func (p *Pool) login(ctx context.Context) (*Session, error) {
	for pause := 20 * time.Millisecond; ; pause = min(2*pause, time.Second) {
		s, err := Login(ctx, p.client, p.cfg)
		if !errors.Is(err, ErrSessionCap) {
			return s, err
		}
		if _, limited := ctx.Deadline(); !limited {
			return nil, err
		}
		t := time.NewTimer(pause)
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			return nil, err
		}
	}
}

// killTimeout is how long ending a session that did not answer may take.
const killTimeout = 5 * time.Second

func (p *Pool) put(ctx context.Context, s *Session) {
	if s.Lost() {
		// It may still count against the server's limit.
		p.ending.Go(func() {
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), killTimeout)
			defer cancel()
			s.Kill(ctx)
		})
		return
	}
	p.mu.Lock()
	if p.closed { // while it was at work
		p.mu.Unlock()
		_ = s.Close(context.WithoutCancel(ctx))
		return
	}
	p.idle = append(p.idle, pooled{s, time.Now()})
	p.mu.Unlock()
}

// Closed reports whether the pool has been closed.
func (p *Pool) Closed() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.closed
}

// Close ends the pool's idle sessions.
func (p *Pool) Close(ctx context.Context) {
	p.mu.Lock()
	idle := p.idle
	p.idle, p.closed = nil, true
	p.mu.Unlock()
	for _, e := range idle {
		_ = e.s.Close(ctx)
	}
	p.ending.Wait()
}

// Open is how many sessions are open: at work, or kept for the next request.
func (p *Pool) Open() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.slots) + len(p.idle)
}

// EndIdle ends the sessions that nobody uses just now; the pool goes on.
func (p *Pool) EndIdle(ctx context.Context) {
	p.mu.Lock()
	idle := p.idle
	p.idle = nil
	p.mu.Unlock()
	for _, e := range idle {
		_ = e.s.Close(ctx)
	}
}
