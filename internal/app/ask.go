package app

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"rmp/internal/secret"
)

// asks reports whether somebody sits at the terminal who can be asked.
func asks() bool { return term.IsTerminal(int(os.Stdin.Fd())) }

// wait runs what waits for somebody to type, until the context ends: reading
// from a terminal ends with the process only.
func wait[T any](ctx context.Context, read func() (T, error)) (T, error) {
	type result struct {
		v   T
		err error
	}
	done := make(chan result, 1)
	go func() {
		v, err := read()
		done <- result{v, err}
	}()
	select {
	case r := <-done:
		return r.v, r.err
	case <-ctx.Done():
		var none T
		return none, errors.New("stopped")
	}
}

// answer reads a line that somebody types.
func answer(ctx context.Context) (string, error) {
	line, err := wait(ctx, func() (string, error) { return bufio.NewReader(os.Stdin).ReadString('\n') })
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return strings.TrimSpace(line), err
}

// confirm asks on the terminal; without one, only --yes says yes.
func confirm(ctx context.Context, out io.Writer, yes bool, question string) error {
	if yes {
		return nil
	}
	if !asks() {
		return fmt.Errorf("%s Nobody can be asked here; --yes says yes", question)
	}
	_, _ = fmt.Fprintf(out, "%s [y/N] ", question)
	said, err := answer(ctx)
	if err != nil {
		return err
	}
	if said = strings.ToLower(said); said != "y" && said != "yes" {
		return errors.New("not done")
	}
	return nil
}

// typedPassword asks for a password, which is not shown.
func typedPassword(ctx context.Context, whose string) (secret.Text, error) {
	fd := int(os.Stdin.Fd())
	before, err := term.GetState(fd)
	if err != nil {
		return "", err
	}
	_, _ = fmt.Fprintf(os.Stderr, "Password%s: ", whose)
	typed, err := wait(ctx, func() ([]byte, error) { return term.ReadPassword(fd) })
	_, _ = fmt.Fprintln(os.Stderr)
	if err != nil {
		return "", errors.Join(err, term.Restore(fd, before))
	}
	return secret.Text(typed), nil
}

// readPassword reads a password from a file, or makes one.
func readPassword(ctx context.Context, file string) (p secret.Text, made bool, err error) {
	switch {
	case file == "":
		return secret.Random(), true, nil
	case file == "-" && asks():
		p, err = typedPassword(ctx, "")
	default:
		p, err = firstLine(file)
	}
	if err == nil && p == "" {
		err = fmt.Errorf("%s: the password is empty", file)
	}
	return p, false, err
}

func firstLine(file string) (secret.Text, error) {
	in := os.Stdin
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return "", err
		}
		defer func() { _ = f.Close() }()
		in = f
	}
	line, err := bufio.NewReader(io.LimitReader(in, 4096)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	return secret.Text(strings.TrimRight(line, "\r\n")), nil
}
