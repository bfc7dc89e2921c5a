package cli

import (
	"bytes"
	"context"
	"errors"

	"rmp/communigate/dataformat"
)

// Command is one of a Pipeline.
type Command struct {
	Name      Word
	Arguments []any
}

// Result is what the server answered to a command.
type Result struct {
	Data dataformat.Value
	Err  error // *Error, if the server refused
}

// Pipeline sends commands without waiting for the answers in between, and
// answers a result for each. Only a failure of the connection is an error of
// its own; how many commands have had effect is then not known.
func (c *Conn) Pipeline(ctx context.Context, commands ...Command) (results []Result, err error) {
	lines := make([][]byte, len(commands))
	for i, cmd := range commands {
		var err error
		if lines[i], err = encode(cmd.Name, cmd.Arguments); err != nil {
			return nil, err
		}
	}
	names := make([]string, len(commands))
	for i, cmd := range commands {
		names[i] = string(cmd.Name)
	}
	ctx, end := begin(ctx, c.observer, names...)
	defer func() {
		errs := make([]error, len(results))
		for i, r := range results {
			errs[i] = r.Err
		}
		end(errs, err)
	}()
	out := make([]Result, 0, len(commands))
	// In rounds, so that neither side waits for the other to read.
	for begin := 0; begin < len(commands); {
		end, size := begin, 0
		for end < len(commands) && (end == begin || size+len(lines[end]) < maxRound && end-begin < maxRoundCommands) {
			size += len(lines[end]) + 2
			end++
		}
		round := bytes.Join(lines[begin:end], []byte("\r\n"))
		for i := begin; i < end; i++ {
			send := ""
			if i == begin {
				send = string(round)
			}
			r, err := c.exchange(ctx, send, string(commands[i].Name))
			var refused *Error
			if errors.As(err, &refused) {
				out = append(out, Result{Err: err})
				continue
			}
			if err != nil {
				return out, err
			}
			v, err := c.data(commands[i].Name, r)
			if err != nil {
				return out, err
			}
			out = append(out, Result{Data: v})
		}
		begin = end
	}
	return out, nil
}

const (
	maxRound         = 32 << 10
	maxRoundCommands = 256
)
