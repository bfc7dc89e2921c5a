package cli

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

// canned is a connection on which the server says what it says.
type canned struct {
	*bytes.Reader
}

func (canned) Write(b []byte) (int, error)      { return len(b), nil }
func (canned) Close() error                     { return nil }
func (canned) LocalAddr() net.Addr              { return nil }
func (canned) RemoteAddr() net.Addr             { return nil }
func (canned) SetDeadline(time.Time) error      { return nil }
func (canned) SetReadDeadline(time.Time) error  { return nil }
func (canned) SetWriteDeadline(time.Time) error { return nil }

func says(inline bool, text []byte) *Conn {
	c := canned{bytes.NewReader(text)}
	return &Conn{conn: c, r: bufio.NewReaderSize(c, 64), timeout: time.Second, inline: inline}
}

// FuzzReply: whatever the server says is data, or an error of one of the
// three kinds; a reply that could not be read is the connection's last.
func FuzzReply(f *testing.F) {
	for _, s := range []string{"201 (a,b)\r\n", "200 OK\r\n", "200 data follow\r\n{a=\r\n(b,\"}\");}\r\n", "513 unknown user account\r\n", "300 more\r\n", "201 {a=b", "99 x\r\n"} {
		f.Add([]byte(s), true)
		f.Add([]byte(s), false)
	}
	f.Fuzz(func(t *testing.T, text []byte, inline bool) {
		c := says(inline, text)
		for range 3 {
			_, err := c.Raw(t.Context(), "ECHO", "x")
			var refused *Error
			var transport *TransportError
			var protocol *ProtocolError
			if err != nil && !errors.As(err, &refused) && !errors.As(err, &transport) && !errors.As(err, &protocol) {
				t.Fatalf("%T %v", err, err)
			}
			if (err == nil || refused != nil) == c.broken {
				t.Fatalf("broken is %t after %v", c.broken, err)
			}
		}
	})
}

func TestRepliesOnLinesOfTheirOwn(t *testing.T) {
	c := says(false, []byte("200 data follow\r\n(corp.example,\r\n \"a)b\")\r\n200 OK\r\n200 data follow\r\nword\r\n200 data follow\r\n(a"))
	if list, err := c.ListDomains(t.Context()); err != nil || strings.Join(list, "|") != "corp.example|a)b" {
		t.Fatalf("%q, %v", list, err)
	}
	if err := c.Noop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if s, err := c.Raw(t.Context(), "ECHO"); err != nil || s != "word" {
		t.Fatalf("%v, %v", s, err)
	}
	if _, err := c.ListDomains(t.Context()); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Fatalf("%v", err)
	}
}

// TestPoolSweeps: what nobody uses is closed, what is used lately is kept.
func TestPoolSweeps(t *testing.T) {
	p := NewPool(Config{}, 3)
	for _, age := range []time.Duration{idleLimit + time.Second, idleLimit, time.Minute} {
		c := says(true, []byte("200 OK\r\n200 OK\r\n"))
		c.used = time.Now().Add(-age)
		p.put(c)
	}
	p.sweepIdle()
	if s := p.Stats(); s.Idle != 1 || s.Dropped != 2 {
		t.Errorf("%+v", s)
	}
	p.Close()
	if s := p.Stats(); s.Idle != 0 {
		t.Errorf("%+v", s)
	}
}
