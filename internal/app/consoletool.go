package app

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"rmp/communigate/cli"
	"rmp/communigate/dataformat"
	"rmp/communigate/ximss"
	"rmp/internal/config"
	"rmp/internal/console"
	"rmp/internal/groupware"
	"rmp/internal/tenant"
	"rmp/xmlnode"
)

// consoleHistory is where what was typed is kept, but for passwords.
const consoleHistory = "console.history"

// withConsole reaches the server of a tenant.
func withConsole(ctx context.Context, c config.Console, out io.Writer, do func(t *tools, gw *groupware.Groupware, of tenant.Tenant) error) error {
	return withTools(ctx, c.Database, out, func(t *tools) error {
		list, err := t.tenants(ctx, c.Tenant)
		if err != nil {
			return err
		}
		of := tenant.Tenant{}
		if len(list) > 0 {
			of = list[0]
		}
		g, closeServer, err := reach(ctx, c.Data, c.CGP, out, logger("warn"))
		if err != nil {
			return err
		}
		defer func() { _ = closeServer() }()
		g.Sessions = 1
		gw := groupware.New(g, t.db, logger("error"))
		defer gw.Close(ctx)
		return do(t, gw, of)
	})
}

// lines runs one command, or each line of the input. A line that fails does
// not end the session; of one command it is the outcome.
func lines(ctx context.Context, c config.Console, out io.Writer, prompt string, run func(line string) error) error {
	if c.Command != "" {
		return run(c.Command)
	}
	history := io.Discard // there may be no such directory
	if f, err := os.OpenFile(filepath.Join(c.Data, consoleHistory), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600); err == nil {
		defer f.Close() //nolint:errcheck // only what was typed
		history = f
	}
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 1<<20)
	failed := 0
	for {
		if asks() {
			_, _ = fmt.Fprint(out, prompt)
		}
		if more, err := wait(ctx, func() (bool, error) { return in.Scan(), nil }); err != nil || !more {
			break
		}
		line := strings.TrimSpace(in.Text())
		switch {
		case line == "" || strings.HasPrefix(line, "#"):
			continue
		case strings.EqualFold(line, "quit"), strings.EqualFold(line, "exit"):
			return nil
		}
		if !console.Secret(line) {
			_, _ = fmt.Fprintln(history, line)
		}
		if err := run(line); err != nil {
			failed++
			_, _ = fmt.Fprintln(os.Stderr, err)
		}
	}
	if failed > 0 {
		return fmt.Errorf("%d commands failed", failed)
	}
	return in.Err()
}

// permit asks before what changes something.
func permit(ctx context.Context, c config.Console, out io.Writer, d console.Danger, name string) error {
	switch {
	case c.Yes || d == console.Reads:
		return nil
	case d == console.Changes:
		return confirm(ctx, out, false, name+" changes something on the server. Go on?")
	}
	if !asks() {
		return fmt.Errorf("%s cannot be taken back, and nobody can be asked here; --yes says yes", name)
	}
	_, _ = fmt.Fprintf(out, "%s cannot be taken back. Type its name again: ", name)
	if said, err := answer(ctx); err != nil || !strings.EqualFold(said, name) {
		return errors.New("not done")
	}
	return nil
}

// ConsoleCLI runs `rmp cgp cli`.
func ConsoleCLI(ctx context.Context, c config.Console, out io.Writer) error {
	return withConsole(ctx, c, out, func(t *tools, gw *groupware.Groupware, of tenant.Tenant) error {
		return lines(ctx, c, out, "cli> ", func(line string) error {
			command, err := console.Parse(line)
			if err != nil {
				return err
			}
			danger := console.DangerOf(command.Name)
			if err := permit(ctx, c, out, danger, string(command.Name)); err != nil {
				return err
			}
			var answer dataformat.Value
			began := time.Now()
			err = gw.Admin(ctx, of, func(conn *cli.Conn) error {
				answer, err = conn.Raw(ctx, command.Name, command.Arguments...)
				return err
			})
			if c.Wire {
				shown := line
				if console.Secret(line) {
					shown = string(command.Name) + " … (holds a password)"
				}
				said := outcome(err)
				if text, bad := dataformat.Text(answer); bad == nil && err == nil && answer != nil {
					said = text
				}
				_, _ = fmt.Fprintf(wire(c, out), "> %s\n< %v\n  after %v\n", shown, said, time.Since(began).Round(time.Microsecond))
			}
			if danger != console.Reads {
				err = errors.Join(err, t.audit(ctx, of.ID, "console-cli", string(command.Name), nil))
			}
			if err != nil {
				return err
			}
			if c.JSON {
				return console.JSON(out, answer)
			}
			return console.Print(out, answer)
		})
	})
}

// wire is where what goes over the wire is shown: JSON is alone on the output.
func wire(c config.Console, out io.Writer) io.Writer {
	if c.JSON {
		return os.Stderr
	}
	return out
}

func outcome(err error) any {
	if err == nil {
		return "OK"
	}
	return err
}

// ConsoleXIMSS runs `rmp cgp ximss`, as the tenant's service account.
func ConsoleXIMSS(ctx context.Context, c config.Console, out io.Writer) error {
	return withConsole(ctx, c, out, func(t *tools, gw *groupware.Groupware, of tenant.Tenant) error {
		if of.ID == "" {
			return errors.New("there is no organisation whose service account could be used")
		}
		session, giveBack, err := gw.Session(ctx, of.ID)
		if err != nil {
			return err
		}
		defer giveBack()
		return lines(ctx, c, out, "ximss> ", func(line string) error {
			n, err := xmlnode.Parse([]byte(line), xmlnode.Limits{})
			if err != nil {
				return fmt.Errorf("is not one XML element: %w", err)
			}
			danger := console.DangerOfXIMSS(n)
			if err := permit(ctx, c, out, danger, n.Name); err != nil {
				return err
			}
			if c.Wire {
				shown := n.String()
				if console.Secret(line) {
					shown = "<" + n.Name + " …/> (holds a password)"
				}
				_, _ = fmt.Fprintf(wire(c, out), "> %s\n", shown)
			}
			replies, err := session.Do(ctx, ximss.NewRequest(n))
			if danger != console.Reads {
				err = errors.Join(err, t.audit(ctx, of.ID, "console-ximss", n.Name, nil))
			}
			if err != nil {
				return err
			}
			list := []any{}
			for _, r := range replies {
				for _, d := range r.Data {
					if c.Wire {
						_, _ = fmt.Fprintf(wire(c, out), "< %s\n", d)
					}
					if c.JSON {
						list = append(list, console.XMLAsJSON(d))
					} else if err := console.PrintXML(out, d); err != nil {
						return err
					}
				}
				if r.Err != nil {
					return r.Err
				}
			}
			if c.JSON {
				return printJSON(out, list)
			}
			_, _ = fmt.Fprintln(out, "OK")
			return nil
		})
	})
}
