package cli

import (
	"context"
	"time"
)

// Observer is told what connections do, for measures and traces. It learns
// names of commands and errors, nothing that is in an argument or an answer.
// Its methods are called by several goroutines at once.
type Observer interface {
	// Begin is called before commands go out, and answers the context to go on
	// with and what is called in the end: with an error or nil for each
	// command that was answered, and with the failure of the rest. One command
	// alone ends with its error as the failure. Connecting and signing in is
	// the command "login".
	Begin(ctx context.Context, commands ...string) (context.Context, func(errs []error, failure error))
	// Waited is called when somebody had to wait for a connection of a pool
	// to become free.
	Waited(d time.Duration)
}

func begin(ctx context.Context, o Observer, commands ...string) (context.Context, func([]error, error)) {
	if o == nil {
		return ctx, func([]error, error) {}
	}
	return o.Begin(ctx, commands...)
}
