// Package cliserver speaks the CLI of CommuniGate Pro over the stand-in's
// backend (CommuniGate Pro Guide, CLI.html and PWD.html).
//
// A connection gets a greeting with an APOP banner, logs in, and sends a
// command a line. Each command runs in one transaction, and its reply leaves
// after that is on the disk. After INLINE the data of a reply stand on its
// line, behind the code 201; before, they follow on lines of their own.
package cliserver

import (
	"bufio"
	"context"
	"crypto/md5" //nolint:gosec // APOP is MD5, RFC 1939
	"crypto/rand"
	"crypto/subtle"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"time"

	"rmp/communigate/dataformat"
	"rmp/communigate/standin/backend"
	"rmp/communigate/standin/fault"
)

// Options of a server.
type Options struct {
	Idle time.Duration // default 5 minutes, as CommuniGate Pro has it
	// OpenSession opens an XIMSS session for an account and answers its id.
	OpenSession func(backend.Account) (string, error)
	// KillSessions ends an account's XIMSS sessions, KillSession one of them.
	KillSessions func(address string)
	KillSession  func(id string)
	// Sessions answers the ids of an account's sessions, SessionOwner whose a
	// session is.
	Sessions     func(address string) []string
	SessionOwner func(id string) (address string, ok bool)
	TLS          *tls.Config // for STLS; nil: it is not offered
	Faults       *fault.Plan
	Tap          func(account, request, reply string, took time.Duration) // sees what is on the wire; may be nil
	Log          *slog.Logger
}

const maxLine = 4 << 20

// Server is the CLI side of a stand-in.
type Server struct {
	b    *backend.Backend
	opts Options
}

// New makes a server over a backend.
func New(b *backend.Backend, opts Options) *Server {
	if opts.Idle == 0 {
		opts.Idle = 5 * time.Minute
	}
	return &Server{b, opts}
}

// conn is one connection at work.
type conn struct {
	*Server
	nc     net.Conn
	r      *bufio.Reader
	banner string
	user   string
	who    *backend.Account
	inline bool
	secure bool
}

// ServeConn serves a connection until it ends.
func (s *Server) ServeConn(ctx context.Context, nc net.Conn) {
	stop := context.AfterFunc(ctx, func() { _ = nc.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	defer nc.Close() //nolint:errcheck // nothing more is expected of it
	c := &conn{Server: s, nc: nc, r: bufio.NewReaderSize(nc, 16<<10),
		banner: fmt.Sprintf("<%s.%d@%s>", rand.Text()[:6], time.Now().Unix(), s.b.MainDomain())}
	if !c.send(fmt.Sprintf("200 %s CommuniGate Pro PWD Server 6.3.39 ready %s", s.b.MainDomain(), c.banner)) {
		return
	}
	for {
		_ = c.nc.SetDeadline(time.Now().Add(s.opts.Idle))
		if ctx.Err() != nil {
			return
		}
		line, err := c.line()
		for err == nil && s.b.Mode() == backend.Lenient && unfinished(line) && len(line) < maxLine {
			var more string
			more, err = c.line()
			line += " " + more
		}
		if err != nil {
			return
		}
		f, struck := s.opts.Faults.Strike("cli", commandWord(line))
		if struck {
			f.Wait(ctx)
			if f.Kind == fault.Lose || f.Kind == fault.Expire {
				return
			}
		}
		began := time.Now()
		answer, more := refused(f), true
		if answer == "" {
			answer, more = c.serve(ctx, line)
		}
		if s.opts.Tap != nil {
			s.opts.Tap(c.user, line, answer, time.Since(began))
		}
		switch {
		case struck && f.Kind == fault.Drop:
			_, _ = c.nc.Write([]byte((answer + "\r\n")[:min(f.After, len(answer))]))
			return
		case struck && f.Kind == fault.Garbage:
			answer = string(fault.Nonsense)
		}
		if answer != "" && !c.send(answer) || !more {
			return
		}
	}
}

func commandWord(line string) string {
	word, _, _ := strings.Cut(strings.TrimLeft(line, " \t"), " ")
	return word
}

// unfinished reports whether brackets are open at the end of a line: in the
// mode Lenient a command goes on in the next one then.
func unfinished(line string) bool {
	depth, quoted := 0, false
	for i := 0; i < len(line); i++ {
		switch c := line[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '(' || c == '[':
			depth++
		case c == '}' || c == ')' || c == ']':
			depth--
		}
	}
	return depth > 0 && !quoted
}

// refused is the answer to a command that a fault refuses, or "".
func refused(f fault.Fault) string {
	switch f.Kind {
	case fault.Refuse:
		return "501 refused on purpose"
	case fault.Limit:
		return "526 too many requests, try again later"
	}
	return ""
}

func (c *conn) send(line string) bool {
	_, err := c.nc.Write([]byte(line + "\r\n"))
	return err == nil
}

func (c *conn) line() (string, error) {
	var b strings.Builder
	for {
		part, err := c.r.ReadSlice('\n')
		b.Write(part)
		switch {
		case err == nil:
			return strings.TrimRight(b.String(), "\r\n"), nil
		case !errors.Is(err, bufio.ErrBufferFull) || b.Len() > maxLine:
			return "", errors.New("no line")
		}
	}
}

// serve answers one line, and says whether the connection goes on.
func (c *conn) serve(ctx context.Context, line string) (answer string, more bool) {
	word, rest, _ := strings.Cut(strings.TrimLeft(line, " \t"), " ")
	switch strings.ToUpper(word) {
	case "QUIT":
		return "200 CommuniGate Pro PWD Server connection closed", false
	case "USER":
		c.user = unquote(rest)
		return "300 please send the PASS", true
	case "PASS":
		return c.login(ctx, c.user, func(pw string) bool { return subtle.ConstantTimeCompare([]byte(pw), []byte(rest)) == 1 }), true
	case "APOP":
		name, digest, _ := strings.Cut(strings.TrimSpace(rest), " ")
		return c.login(ctx, unquote(name), func(pw string) bool {
			sum := md5.Sum([]byte(c.banner + pw)) //nolint:gosec // APOP is MD5
			return strings.EqualFold(hex.EncodeToString(sum[:]), strings.TrimSpace(digest))
		}), true
	case "AUTH":
		return c.auth(ctx, rest), true
	case "STLS":
		if c.opts.TLS == nil || c.secure {
			return "500 unknown command", true
		}
		return c.startTLS(ctx)
	case "INLINE":
		c.inline = true
		return "200 OK", true
	case "NEWPASS":
		if c.who == nil {
			break
		}
		err := c.b.Update(ctx, func(tx *backend.Tx) error { return tx.SetPassword(c.who.Address(), unquote(rest)) })
		return c.reply(nil, err), true
	}
	if c.who == nil {
		return "500 please log in first", true
	}
	v, err := c.Execute(ctx, *c.who, line)
	return c.reply(v, err), true
}

func (c *conn) login(ctx context.Context, name string, proof func(string) bool) string {
	var a backend.Account
	err := c.b.View(ctx, func(tx *backend.Tx) error {
		var err error
		a, err = tx.Authenticate(name, proof)
		return err
	})
	if err != nil {
		return c.reply(nil, err)
	}
	c.who = &a
	return "200 login OK"
}

func unquote(s string) string {
	s = strings.TrimSpace(s)
	if v, err := dataformat.Parse(s); err == nil && strings.HasPrefix(s, `"`) {
		if t, ok := v.(string); ok {
			return t
		}
	}
	return s
}

// reply writes the outcome of a command: v nil is one without data.
func (c *conn) reply(v dataformat.Value, err error) string {
	if err != nil {
		var e *backend.Error
		if errors.As(err, &e) {
			return fmt.Sprintf("%d %s", e.Num, oneLine(e.Text))
		}
		c.opts.Log.Error("CLI command", "err", err)
		return "501 internal error"
	}
	if v == nil {
		return "200 OK"
	}
	text, err := dataformat.Text(v)
	switch {
	case err != nil:
		return "501 the data cannot be written"
	case c.inline:
		return "201 " + text
	}
	return "200 data follow\r\n" + text
}

func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' {
			return ' '
		}
		return r
	}, s)
}
