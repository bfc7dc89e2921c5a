package telemetry

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"rmp/communigate/cli"
	"rmp/communigate/ximss"
	"rmp/internal/groupware"
	"rmp/internal/trail"
)

// Wire is told of the traffic with a server; it is a groupware.Config.Observe.
func (m *Metrics) Wire(server, protocol string) groupware.Observer {
	w := &wire{m: m, server: m.servers.value(server), protocol: protocol, waits: m.waits.WithLabelValues(protocol)}
	for _, result := range []string{resultOK, "unreachable", "slow", "session-lost", "protocol", "session-cap", "bad-login", "refused"} {
		m.roundTrips.WithLabelValues(w.server, protocol, result)
	}
	if protocol == "ximss" {
		w.capped = m.refusedSession.WithLabelValues(w.server)
	}
	return w
}

type wire struct {
	m                *Metrics
	server, protocol string
	waits            prometheus.Observer
	capped           prometheus.Counter
	known            sync.Map // command to *command
}

// command is what is counted of one command, found once.
type command struct {
	ok   prometheus.Counter
	time prometheus.Observer
}

func (w *wire) command(name string) *command {
	if c, ok := w.known.Load(name); ok {
		return c.(*command)
	}
	c, _ := w.known.LoadOrStore(name, &command{ok: w.m.commands.WithLabelValues(w.protocol, name, resultOK), time: w.m.commandTime.WithLabelValues(w.protocol, name)})
	return c.(*command)
}

// mostTraced bounds the spans of the commands in one round trip.
const mostTraced = 32

// Begin implements ximss.Observer and cli.Observer. A round trip is a span;
// where it carries several commands, each is one below it.
func (w *wire) Begin(ctx context.Context, names ...string) (context.Context, func([]error, error)) {
	started := time.Now()
	var span trail.Span
	var below []trail.Span
	if trail.Traced(ctx) {
		title := w.protocol + " batch"
		if len(names) == 1 {
			title = w.protocol + " " + names[0]
		}
		ctx, span = trail.Start(ctx, title, slog.String("rmp.protocol", w.protocol), slog.String("rmp.server", w.server), slog.Int("rmp.commands", len(names)))
		if len(names) > 1 {
			for _, n := range names[:min(mostTraced, len(names))] {
				_, s := trail.Start(ctx, w.protocol+" "+n)
				below = append(below, s)
			}
		}
	}
	return ctx, func(errs []error, failure error) {
		took := time.Since(started).Seconds()
		of := func(i int) error {
			if i < len(errs) {
				return errs[i]
			}
			return failure
		}
		for i, s := range below {
			s.End(of(i))
		}
		if span != nil {
			span.End(failure)
		}
		w.m.roundTrips.WithLabelValues(w.server, w.protocol, roundTrip(failure)).Inc()
		if w.capped != nil && errors.Is(failure, ximss.ErrSessionCap) {
			w.capped.Inc()
		}
		for i, n := range names {
			c := w.command(n)
			if err := of(i); err == nil {
				c.ok.Inc()
			} else {
				w.m.commands.WithLabelValues(w.protocol, n, kindOf(err)).Inc()
			}
			if !before(names, i) {
				c.time.Observe(took)
			}
		}
	}
}

// before reports whether the name stands further forward too. Batches repeat
// few names, so that the first places have them.
func before(names []string, i int) bool {
	for _, n := range names[:min(i, 8)] {
		if n == names[i] {
			return true
		}
	}
	return false
}

// Waited implements ximss.Observer and cli.Observer.
func (w *wire) Waited(d time.Duration) { w.waits.Observe(d.Seconds()) }

const resultOK = "ok"

// kinds are the kinds of refusals and failures, the first that fits.
var kinds = []struct {
	err  error
	name string
}{
	{ximss.ErrSlow, "slow"}, {ximss.ErrUnreachable, "unreachable"}, {ximss.ErrProtocol, "protocol"}, {ximss.ErrSessionLost, "session-lost"},
	{ximss.ErrSessionCap, "session-cap"}, {ximss.ErrBadLogin, "bad-login"}, {cli.ErrBadLogin, "bad-login"}, {ximss.ErrLocked, "locked"},
	{cli.ErrUnknownCommand, "unknown-command"}, {cli.ErrExists, "exists"}, {ximss.ErrNoAccount, "no-account"}, {ximss.ErrNotFound, "not-found"},
	{cli.ErrNotFound, "not-found"}, {ximss.ErrDenied, "denied"}, {cli.ErrDenied, "denied"},
}

// kindOf puts a refusal or failure of CommuniGate Pro in one word.
func kindOf(err error) string {
	if err == nil {
		return resultOK
	}
	for _, k := range kinds {
		if errors.Is(err, k.err) {
			return k.name
		}
	}
	var transport *cli.TransportError
	var protocol *cli.ProtocolError
	switch {
	case errors.As(err, &protocol):
		return "protocol"
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return "slow"
	case errors.As(err, &transport):
		var n interface{ Timeout() bool }
		if errors.As(transport.Err, &n) && n.Timeout() {
			return "slow"
		}
		return "unreachable"
	}
	return "refused"
}

// roundTrip is what became of a round trip: one that was answered with a
// refusal was answered.
func roundTrip(failure error) string {
	switch k := kindOf(failure); k {
	case "slow", "unreachable", "protocol", "session-lost", "session-cap", "bad-login", resultOK:
		return k
	case "refused", "unknown-command", "locked":
		return "refused"
	default: // the server answers, that what was asked for is not there
		return resultOK
	}
}
