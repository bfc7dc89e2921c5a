package groupware

import (
	"context"

	"rmp/communigate/cli"
)

func (c Config) traceCLI() func(context.Context, string) func(error) {
	if c.Trace == nil {
		return nil
	}
	return func(ctx context.Context, command string) func(error) {
		done := c.Trace(ctx, "cli", []string{command})
		return func(err error) { done([]error{err}) }
	}
}

func (c Config) traceXIMSS() func(context.Context, []string) func([]error) {
	if c.Trace == nil {
		return nil
	}
	return func(ctx context.Context, requests []string) func([]error) { return c.Trace(ctx, "ximss", requests) }
}

// Stats are what is open to the servers.
type Stats struct {
	Sessions     int // of service accounts, open
	SessionsMost int // that may be open
	CLI          int // connections, open
}

// Stats answers what is open to the servers.
func (g *Groupware) Stats() Stats {
	g.servers.mu.Lock()
	defer g.servers.mu.Unlock()
	var out Stats
	for _, o := range g.servers.open {
		out.Sessions += o.pool.Open()
		out.SessionsMost += g.cfg.Sessions
	}
	count := func(p *cli.Pool) { s := p.Stats(); out.CLI += s.Idle + s.Busy }
	count(g.servers.main.cli)
	for _, s := range g.servers.own {
		count(s.cli)
	}
	return out
}
