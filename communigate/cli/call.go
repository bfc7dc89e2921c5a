package cli

import (
	"context"
	"fmt"

	"rmp/communigate/dataformat"
)

// The typed commands are Raw with what their reply is. A reply of another
// kind is a *ProtocolError.

func (c *Conn) do(ctx context.Context, command Word, arguments ...any) error {
	_, err := c.Raw(ctx, command, arguments...)
	return err
}

func (c *Conn) value(ctx context.Context, command Word, arguments ...any) (dataformat.Value, error) {
	return c.Raw(ctx, command, arguments...)
}

func (c *Conn) str(ctx context.Context, command Word, arguments ...any) (string, error) {
	v, err := c.Raw(ctx, command, arguments...)
	return as[string](string(command), v, err)
}

func (c *Conn) dict(ctx context.Context, command Word, arguments ...any) (dataformat.Dict, error) {
	v, err := c.Raw(ctx, command, arguments...)
	return as[dataformat.Dict](string(command), v, err)
}

func (c *Conn) array(ctx context.Context, command Word, arguments ...any) (dataformat.Array, error) {
	v, err := c.Raw(ctx, command, arguments...)
	return as[dataformat.Array](string(command), v, err)
}

func (c *Conn) list(ctx context.Context, command Word, arguments ...any) ([]string, error) {
	v, err := c.Raw(ctx, command, arguments...)
	return asStrings(string(command), v, err)
}

func strs(list []string) dataformat.Array {
	out := dataformat.Array{}
	for _, s := range list {
		out = append(out, s)
	}
	return out
}

func as[T any](command string, v dataformat.Value, err error) (T, error) {
	t, ok := v.(T)
	if err == nil && !ok {
		err = fmt.Errorf("%s: %w", command, &ProtocolError{fmt.Sprintf("a %T where a %T was expected", v, t)})
	}
	return t, err
}

func asStrings(command string, v dataformat.Value, err error) ([]string, error) {
	a, err := as[dataformat.Array](command, v, err)
	return a.Strings(), err
}
