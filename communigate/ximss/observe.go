package ximss

import (
	"context"
	"time"
)

// Observer is told what sessions do, for measures and traces. It learns names
// of commands and errors, nothing that is in a request or an answer. Its
// methods are called by several goroutines at once.
type Observer interface {
	// Begin is called before commands go out in one round trip, and answers
	// the context to go on with and what is called in the end: with an error
	// or nil for each command, or with the failure of the whole. A login is
	// the command "login".
	Begin(ctx context.Context, commands ...string) (context.Context, func(errs []error, failure error))
	// Waited is called when somebody had to wait for a session of a pool to
	// become free.
	Waited(d time.Duration)
}

func nobody([]error, error) {}

// begin tells the observer of a batch.
func (cfg *Config) begin(ctx context.Context, requests []*Request) (context.Context, func([]*Reply, error)) {
	if cfg.Observer == nil {
		return ctx, func([]*Reply, error) {}
	}
	names := make([]string, len(requests))
	for i, r := range requests {
		names[i] = r.node.Name
	}
	ctx, end := cfg.Observer.Begin(ctx, names...)
	return ctx, func(replies []*Reply, failure error) {
		errs := make([]error, len(replies))
		for i, r := range replies {
			errs[i] = r.Err
		}
		end(errs, failure)
	}
}

// beginLogin tells the observer of a login.
func (cfg *Config) beginLogin(ctx context.Context) (context.Context, func([]error, error)) {
	if cfg.Observer == nil {
		return ctx, nobody
	}
	return cfg.Observer.Begin(ctx, "login")
}

// PoolStats is what a pool is doing.
type PoolStats struct {
	Size    int // most sessions
	Idle    int // open, and waiting for work
	Busy    int // at work, signing in included
	Waiting int // who waits for one to become free
}

// Stats is what the pool is doing now.
func (p *Pool) Stats() PoolStats {
	p.mu.Lock()
	defer p.mu.Unlock()
	return PoolStats{Size: cap(p.slots), Idle: len(p.idle), Busy: len(p.slots), Waiting: int(p.waiting.Load())}
}

// enter waits for a free place.
func (p *Pool) enter(ctx context.Context) error {
	select {
	case p.slots <- struct{}{}:
		return nil
	default:
	}
	p.waiting.Add(1)
	defer p.waiting.Add(-1)
	if p.cfg.Observer != nil {
		began := time.Now()
		defer func() { p.cfg.Observer.Waited(time.Since(began)) }()
	}
	select {
	case p.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
