package ximss

import (
	"bufio"
	"context"
	"crypto/hmac"
	"crypto/md5" //nolint:gosec // CRAM-MD5 is MD5, RFC 2195
	"crypto/tls"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"sync"
	"time"

	"rmp/xmlnode"
)

// Conn is an XIMSS session over a bare TCP connection, where each message is
// an XML document that a zero byte ends (CommuniGate Pro Guide, XIMSS.html).
// Several goroutines may use it at once: their requests are under way
// together, and the answers are told apart by their ids.
type Conn struct {
	cfg     Config
	nc      net.Conn
	account string
	zone    *time.Location
	events  chan *xmlnode.Node
	stop    chan struct{} // closed to end the reader
	ending  sync.Once
	done    chan struct{} // closed when the reader has ended

	sending sync.Mutex

	mu      sync.Mutex
	next    int
	pending map[string]*waiting
	failed  error
}

type waiting struct {
	data  []*xmlnode.Node
	ready chan *xmlnode.Node // gets the response
}

// keptEvents is how many messages wait for who listens; a server that sends
// more is not read until there is room.
const keptEvents = 256

// DialTCP connects to addr and signs in. cfg.TLS, if it is set, is used from
// the start; cfg.Login may be LoginCRAM, everything else sends the password.
func DialTCP(ctx context.Context, addr string, cfg Config) (*Conn, error) {
	if cfg.Timeout == 0 {
		cfg.Timeout = defaultTimeout
	}
	if cfg.MaxReply == 0 {
		cfg.MaxReply = defaultMaxReply
	}
	if cfg.HostZone == nil {
		cfg.HostZone = time.UTC
	}
	ctx, cancel := context.WithTimeout(ctx, cfg.Timeout)
	defer cancel()
	nc, err := (&net.Dialer{}).DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("XIMSS login: %w", transport(ctx, err))
	}
	if cfg.TLS != nil {
		t := tls.Client(nc, cfg.TLS)
		if err := t.HandshakeContext(ctx); err != nil {
			_ = nc.Close()
			return nil, fmt.Errorf("XIMSS login: %w", transport(ctx, err))
		}
		nc = t
	}
	c := &Conn{cfg: cfg, nc: nc, zone: cfg.HostZone, events: make(chan *xmlnode.Node, keptEvents), stop: make(chan struct{}), done: make(chan struct{}), pending: map[string]*waiting{}}
	go c.read()
	if err := c.login(ctx); err != nil {
		c.fail(err)
		<-c.done
		return nil, fmt.Errorf("XIMSS login: %w", err)
	}
	return c, nil
}

func (c *Conn) login(ctx context.Context) error {
	n := xmlnode.New("login", "authData", c.cfg.User, "password", c.cfg.Password)
	var challenge *Reply
	if c.cfg.Login == LoginCRAM {
		// The challenge comes without a response, so it is waited for alone.
		reply, err := c.challenge(ctx)
		if err != nil {
			return err
		}
		nonce, err := base64.StdEncoding.DecodeString(reply.Attr("value"))
		if err != nil {
			return fmt.Errorf("%w: a challenge that is not base64", ErrProtocol)
		}
		mac := hmac.New(md5.New, []byte(c.cfg.Password))
		_, _ = mac.Write(nonce)
		n = xmlnode.New("auth", "value", base64.StdEncoding.EncodeToString([]byte(c.cfg.User+" "+hex.EncodeToString(mac.Sum(nil)))))
	}
	replies, err := c.Do(ctx, NewRequest(n))
	if err != nil {
		return err
	}
	challenge = replies[0]
	if challenge.Err != nil {
		return challenge.Err
	}
	for _, d := range challenge.Data {
		if d.Is("session") {
			c.account = d.Attr("userName")
			zone, err := accountZone(ctx, c, c.cfg)
			c.zone = zone
			return err
		}
	}
	return fmt.Errorf("%w: no session in the reply", ErrProtocol)
}

// challenge asks for one. The data message is all that answers the request.
func (c *Conn) challenge(ctx context.Context) (*xmlnode.Node, error) {
	id, w := c.register()
	defer c.forget(id)
	if err := c.write(ctx, xmlnode.New("login", "id", id, "method", "CRAM-MD5")); err != nil {
		return nil, err
	}
	select {
	case n := <-w.ready:
		if n.Is("challenge") {
			return n, nil
		}
		return nil, refusal(n)
	case <-ctx.Done():
		return nil, transport(ctx, ctx.Err())
	case <-c.done:
		return nil, c.failure()
	}
}

// Account is the address that the server knows the session's account by.
func (c *Conn) Account() string { return c.account }

func (c *Conn) register() (string, *waiting) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.next++
	id := strconv.Itoa(c.next)
	w := &waiting{ready: make(chan *xmlnode.Node, 1)}
	c.pending[id] = w
	return id, w
}

func (c *Conn) forget(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.pending, id)
}

// Do sends the requests in one write and answers a reply for each, in their
// order. Requests of other goroutines may be under way at the same time.
func (c *Conn) Do(ctx context.Context, requests ...*Request) (replies []*Reply, err error) {
	ctx, end := c.cfg.begin(ctx, requests)
	defer func() { end(replies, err) }()
	ctx, cancel := context.WithTimeout(ctx, c.cfg.Timeout)
	defer cancel()
	ids, waits := make([]string, len(requests)), make([]*waiting, len(requests))
	nodes := make([]*xmlnode.Node, len(requests))
	for i, r := range requests {
		ids[i], waits[i] = c.register()
		defer c.forget(ids[i])
		n := *r.node
		n.Attrs = append([]xmlnode.Attr{{Name: "id", Value: ids[i]}}, n.Attrs...)
		nodes[i] = &n
	}
	if err := c.write(ctx, nodes...); err != nil {
		return nil, err
	}
	out := make([]*Reply, len(requests))
	for i, w := range waits {
		select {
		case n := <-w.ready:
			out[i] = &Reply{Data: w.data, zone: c.zone, dialect: c.cfg.Dialect}
			if n.Attr("errorText", "errorNum") != "" {
				out[i].Err = refusal(n)
			}
		case <-ctx.Done():
			err := transport(ctx, ctx.Err())
			c.fail(err) // an answer may still come, to a request that is forgotten
			return nil, err
		case <-c.done:
			return nil, c.failure()
		}
	}
	return out, nil
}

func (c *Conn) write(ctx context.Context, nodes ...*xmlnode.Node) error {
	var b []byte
	for _, n := range nodes {
		b = append(n.AppendTo(b), 0)
	}
	c.sending.Lock()
	defer c.sending.Unlock()
	if deadline, ok := ctx.Deadline(); ok {
		_ = c.nc.SetWriteDeadline(deadline)
	}
	if _, err := c.nc.Write(b); err != nil {
		select {
		case <-c.done:
			return c.failure()
		default:
		}
		err = transport(ctx, err)
		c.fail(err)
		return err
	}
	return nil
}

// read gives each message to the request it answers, until the connection
// ends.
func (c *Conn) read() {
	defer close(c.done)
	defer close(c.events)
	r := bufio.NewReaderSize(c.nc, 16<<10)
	for {
		frame, err := readFrame(r, c.cfg.MaxReply)
		if err != nil {
			if errors.Is(err, io.EOF) {
				err = ErrSessionLost
			} else if !errors.Is(err, ErrProtocol) {
				err = fmt.Errorf("%w: %w", ErrUnreachable, err)
			}
			c.fail(err)
			return
		}
		n, err := xmlnode.Parse(frame, xmlnode.Limits{})
		if err != nil {
			c.fail(fmt.Errorf("%w: a message is not XML", ErrProtocol))
			return
		}
		id, mine := n.LookupAttr("id")
		c.mu.Lock()
		w := c.pending[id]
		c.mu.Unlock()
		switch {
		case mine && w != nil && (n.Is("response") || n.Is("challenge")):
			select {
			case w.ready <- n:
			default: // a second response: nobody asked
			}
		case mine && w != nil:
			w.data = append(w.data, n) // read by who got the response after it
		case mine:
		case n.Is("bye"):
			c.fail(ErrSessionLost)
			return
		default:
			select {
			case c.events <- n:
			case <-c.stop:
				return
			}
		}
	}
}

// fail ends the connection for a reason; the first one counts.
func (c *Conn) fail(err error) {
	c.mu.Lock()
	if c.failed == nil {
		c.failed = err
	}
	c.mu.Unlock()
	_ = c.nc.Close()
	c.ending.Do(func() { close(c.stop) })
}

func (c *Conn) failure() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.failed
}

// Events are what the server tells the session on its own accord. The channel
// is closed when the session ends; Err says why. Who does not read it holds
// the session back once some hundred messages wait.
func (c *Conn) Events() <-chan *xmlnode.Node { return c.events }

// Err is why the session ended, or nil while it goes on.
func (c *Conn) Err() error { return c.failure() }

// Close says goodbye and closes the connection.
func (c *Conn) Close(ctx context.Context) error {
	if c.failure() == nil {
		_, _ = c.Do(ctx, NewRequest(xmlnode.New("bye"))) // the connection is the session
	}
	c.fail(ErrSessionLost)
	<-c.done
	return nil
}

// readFrame reads up to a zero byte.
func readFrame(r *bufio.Reader, most int64) ([]byte, error) {
	var frame []byte
	for {
		part, err := r.ReadSlice(0)
		frame = append(frame, part...)
		switch {
		case err == nil:
			return frame[:len(frame)-1], nil
		case int64(len(frame)) > most:
			return nil, fmt.Errorf("%w: a message is longer than %d bytes", ErrProtocol, most)
		case errors.Is(err, io.EOF) && len(frame) > 0:
			return nil, io.ErrUnexpectedEOF
		case !errors.Is(err, bufio.ErrBufferFull):
			return nil, err
		}
	}
}
