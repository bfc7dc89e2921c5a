// Package cli is a client for the CLI of CommuniGate Pro: the line protocol
// of its PWD module, usually on port 106 (CommuniGate Pro Guide, CLI.html and
// PWD.html).
//
// The life of a command: its arguments are written in the textual object
// format (package dataformat), which quotes whatever could end a line or an
// argument; one line goes out, one line with a code comes back. The
// connection is switched to INLINE right after login, so that the data of a
// reply stands on that line; from a server that refuses INLINE it is read
// from the lines that follow. Codes 200 and 201 are success; any other is an
// *Error with the server's own code and text.
//
// A Conn serves one command at a time. When a command is cancelled or its
// reply cannot be understood, the connection is closed, since the next reply
// could belong to the wrong command. A Pool keeps a bounded number of them.
package cli

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"

	"rmp/communigate/dataformat"
)

// Config says how to connect.
type Config struct {
	Addr     string // host:port
	User     string
	Password string
	TLS      *tls.Config   // from the start; nil: clear text
	StartTLS *tls.Config   // by STLS after the greeting; nil: none
	Auth     string        // CRAM-MD5, or PLAIN (with TLS only), for SASL; "" for APOP where it is offered, else USER and PASS
	Timeout  time.Duration // for a command whose context has no deadline; default 10 s
	Observer Observer      // may be nil
}

const (
	defaultTimeout = 10 * time.Second
	maxReply       = 64 << 20 // a list of all the accounts of a large domain
	maxCommand     = 4 << 20
)

// Conn is a connection that has logged in.
type Conn struct {
	conn     net.Conn
	r        *bufio.Reader
	timeout  time.Duration
	observer Observer
	used     time.Time
	broken   bool
	inline   bool // data stand on the line of the reply
}

// named is a configuration that checks the certificate against the host that
// is connected to, unless it says whom to expect.
func named(cfg *tls.Config, addr string) *tls.Config {
	host, _, err := net.SplitHostPort(addr)
	if cfg.ServerName != "" || err != nil {
		return cfg
	}
	cfg = cfg.Clone()
	cfg.ServerName = host
	return cfg
}

// Dial connects and logs in: by APOP when the greeting offers it, so that the
// password does not travel, else by USER and PASS.
func Dial(ctx context.Context, cfg Config) (conn *Conn, err error) {
	if cfg.Timeout == 0 {
		cfg.Timeout = defaultTimeout
	}
	ctx, end := begin(ctx, cfg.Observer, "login")
	defer func() { end(nil, err) }()
	ctx, cancel := context.WithTimeout(ctx, cfg.Timeout)
	defer cancel()
	var d net.Dialer
	nc, err := d.DialContext(ctx, "tcp", cfg.Addr)
	if err != nil {
		return nil, &TransportError{Op: "connect", Err: err, Unsent: true}
	}
	if cfg.TLS != nil {
		nc = tls.Client(nc, named(cfg.TLS, cfg.Addr))
	}
	c := &Conn{conn: nc, r: bufio.NewReaderSize(nc, 16<<10), timeout: cfg.Timeout, observer: cfg.Observer, inline: true}
	if err := c.login(ctx, cfg); err != nil {
		_ = nc.Close()
		return nil, err
	}
	return c, nil
}

type reply struct {
	code int
	text string
}

// exchange sends a line (unless it is empty) and reads the reply to it. name
// stands for the line in errors, without its arguments.
func (c *Conn) exchange(ctx context.Context, line, name string) (reply, error) {
	deadline, ok := ctx.Deadline()
	if !ok {
		deadline = time.Now().Add(c.timeout)
	}
	if c.broken {
		return reply{}, &TransportError{Op: name, Err: net.ErrClosed, Unsent: true}
	}
	if err := c.conn.SetDeadline(deadline); err != nil {
		return reply{}, c.fail(name, err, true)
	}
	stop := context.AfterFunc(ctx, func() { _ = c.conn.SetDeadline(time.Unix(1, 0)) })
	defer func() {
		if !stop() { // the deadline in the past may still come
			c.broken = true
			_ = c.conn.Close()
		}
	}()
	if line != "" {
		if n, err := c.conn.Write([]byte(line + "\r\n")); err != nil {
			return reply{}, c.fail(name, ctxErr(ctx, err), n == 0)
		}
	}
	text, err := c.readLine()
	if err != nil {
		return reply{}, c.fail(name, ctxErr(ctx, err), false)
	}
	c.used = time.Now()
	code, rest, _ := strings.Cut(text, " ")
	n, err := strconv.Atoi(code)
	if err != nil || n < 100 || n > 999 {
		return reply{}, c.fail(name, &ProtocolError{"a reply does not begin with a code of three digits"}, false)
	}
	if n >= 400 {
		return reply{}, &Error{Code: n, Text: rest, Command: name}
	}
	return reply{n, rest}, nil
}

func ctxErr(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

func (c *Conn) readLine() (string, error) {
	var b strings.Builder
	for {
		part, err := c.r.ReadSlice('\n')
		b.Write(part)
		switch {
		case err == nil:
			return strings.TrimRight(b.String(), "\r\n"), nil
		case errors.Is(err, io.EOF) && b.Len() > 0:
			return "", io.ErrUnexpectedEOF // half a line
		case !errors.Is(err, bufio.ErrBufferFull):
			return "", err
		case b.Len() > maxReply:
			return "", &ProtocolError{fmt.Sprintf("a reply is longer than %d bytes", maxReply)}
		}
	}
}

// fail closes the connection: what comes next on it could be the answer to
// what failed.
func (c *Conn) fail(op string, err error, unsent bool) error {
	c.broken = true
	_ = c.conn.Close()
	var p *ProtocolError
	if errors.As(err, &p) {
		return fmt.Errorf("%s: %w", op, err)
	}
	return &TransportError{Op: op, Err: err, Unsent: unsent}
}

// Word is an argument that goes out as it is: a keyword of the protocol.
// Never make one from input.
type Word string

// Raw sends a command: its name, then arguments. A Word goes out as it is;
// everything else is written in the object format. The data of the reply are
// answered, or nil if there are none.
func (c *Conn) Raw(ctx context.Context, command Word, arguments ...any) (value dataformat.Value, err error) {
	line, err := encode(command, arguments)
	if err != nil {
		return nil, err
	}
	ctx, end := begin(ctx, c.observer, string(command))
	defer func() { end(nil, err) }()
	r, err := c.exchange(ctx, string(line), string(command))
	if err != nil {
		return nil, err
	}
	return c.data(command, r)
}

// encode is a command as a line, without its end.
func encode(command Word, arguments []any) ([]byte, error) {
	line := []byte(command)
	for i, a := range arguments {
		line = append(line, ' ')
		if w, ok := a.(Word); ok {
			line = append(line, w...)
			continue
		}
		var err error
		if line, err = dataformat.Append(line, a); err != nil {
			return nil, fmt.Errorf("%s: argument %d: %w", command, i+1, err)
		}
	}
	// Whatever kind of argument it came from: a line is one command.
	if bytes.ContainsAny(line, "\r\n\x00") {
		return nil, fmt.Errorf("%s: an argument has a line end or a zero byte", command)
	}
	if len(line) > maxCommand {
		return nil, fmt.Errorf("%s: the command is longer than %d bytes", command, maxCommand)
	}
	return line, nil
}

// data are what a reply carries, or nil.
func (c *Conn) data(command Word, r reply) (dataformat.Value, error) {
	switch r.code {
	case 200:
		if c.inline || !strings.Contains(strings.ToLower(r.text), "data follow") {
			return nil, nil
		}
		var err error
		if r.text, err = c.following(); err != nil {
			return nil, c.fail(string(command), err, false)
		}
	case 201:
	default: // it asks for more, or is of another protocol
		return nil, c.fail(string(command), &ProtocolError{fmt.Sprintf("the code %d where 200 or 201 was expected", r.code)}, false)
	}
	v, err := dataformat.Parse(r.text)
	if err != nil {
		return nil, c.fail(string(command), &ProtocolError{err.Error()}, false)
	}
	return v, nil
}

// following reads the data that come behind a reply that is not inline: a
// line, or as many as it takes to close the brackets that it opens.
func (c *Conn) following() (string, error) {
	var b strings.Builder
	depth, quoted := 0, false
	for {
		line, err := c.readLine()
		if err != nil {
			return "", err
		}
		for i := 0; i < len(line); i++ {
			switch ch := line[i]; {
			case quoted && ch == '\\':
				i++
			case ch == '"':
				quoted = !quoted
			case quoted:
			case ch == '{' || ch == '(' || ch == '[':
				depth++
			case ch == '}' || ch == ')' || ch == ']':
				depth--
			}
		}
		b.WriteString(line)
		b.WriteByte('\n')
		switch {
		case depth <= 0 && !quoted:
			return b.String(), nil
		case b.Len() > maxReply:
			return "", &ProtocolError{fmt.Sprintf("a reply is longer than %d bytes", maxReply)}
		}
	}
}

// Close says goodbye and closes the connection.
func (c *Conn) Close() error {
	if !c.broken {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_, _ = c.exchange(ctx, "QUIT", "QUIT")
	}
	c.broken = true
	return c.conn.Close()
}
