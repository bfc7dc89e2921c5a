// Package ximss is a client for XIMSS, the XML interface of CommuniGate Pro,
// over its HTTP binding (CommuniGate Pro Guide, XMLAPI.html).
//
// A Session is a login. Do sends any number of requests in one round trip and
// gives a Reply for each; what the server refuses is in the Reply, only a
// failure of the transport or the session is an error of Do. After a network
// error the identical batch is sent once more under its sequence number, so
// that the server, which remembers its last reply, does not run it twice.
//
// A Session serves one batch at a time; a Pool keeps a bounded number of them
// and signs in again when the server has forgotten one.
//
// The session id is a secret: it is in no error and no String.
package ximss

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"time"

	"rmp/calendar/ical"
	"rmp/xmlnode"
)

// Config says how to reach a server and as whom.
type Config struct {
	URL      string // http://host:8100 or https://host:9100
	TLS      *tls.Config
	User     string
	Password string
	Timeout  time.Duration // of one round trip; default 10 s
	MaxReply int64         // bytes; default 64 MB
	Login    LoginMethod   // default LoginForm
	// HostZone is the server's own time zone, which accounts without the
	// preference TimeZone have; default UTC. Times without a zone are in that
	// of the account.
	HostZone *time.Location
	Dialect  Dialect
	Observer Observer // may be nil
}

// LoginMethod says how the password travels.
type LoginMethod uint8

// The methods.
const (
	LoginForm  LoginMethod = iota // in the body of a form: in no URL
	LoginQuery                    // in the URL, as the vendor's own clients do
	LoginBasic                    // in a header
	LoginCRAM                     // not at all: CRAM-MD5
)

const (
	defaultTimeout  = 10 * time.Second
	defaultMaxReply = 64 << 20
)

// Session is one XIMSS session.
type Session struct {
	cfg     Config
	client  *http.Client
	base    string
	account string

	zone *time.Location // of times without one

	mu   sync.Mutex
	seq  int
	next int
	dead bool
	kill bool // the server may still hold the session
	open map[handle]bool
}

// handle is what a session holds open at the server.
type handle struct{ kind, name string }

// Request is one request of a batch; its id is set by Do.
type Request struct {
	node *xmlnode.Node
	once bool
}

// NewRequest makes a request from its element. It counts as one that may be
// sent again when it is not known whether it has been done: reads, and writes
// that name what they write.
func NewRequest(n *xmlnode.Node) *Request { return &Request{node: n} }

// Once marks a request that would have its effect a second time, as adding a
// message has: it is never sent again unless the server has not seen it.
func (r *Request) Once() *Request {
	r.once = true
	return r
}

// Reply is what the server answered to one request.
type Reply struct {
	Data []*xmlnode.Node
	Err  error // *Error, if the server refused

	zone    *time.Location
	dialect Dialect
}

// Client makes the HTTP client that sessions share.
func Client(cfg Config) *http.Client {
	return &http.Client{Transport: &http.Transport{TLSClientConfig: cfg.TLS, MaxIdleConnsPerHost: 16, IdleConnTimeout: time.Minute,
		DialContext: (&net.Dialer{Timeout: 5 * time.Second}).DialContext},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// Account is the address that the server knows the session's account by.
func (s *Session) Account() string { return s.account }

// String does not show the session id.
func (s *Session) String() string { return "XIMSS session of " + s.account }

// Do sends the requests in one round trip and answers a reply for each, in
// their order.
func (s *Session) Do(ctx context.Context, requests ...*Request) (replies []*Reply, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dead {
		return nil, ErrSessionLost
	}
	ctx, end := s.cfg.begin(ctx, requests)
	defer func() { end(replies, err) }()
	root := xmlnode.New("XIMSS")
	index := make(map[string]int, len(requests))
	for i, r := range requests {
		s.next++
		id := strconv.Itoa(s.next)
		index[id] = i
		n := *r.node
		n.Attrs = append([]xmlnode.Attr{{Name: "id", Value: id}}, n.Attrs...)
		root.Add(&n)
	}
	s.seq++
	body, err := s.send(ctx, s.base+"sync?reqSeq="+strconv.Itoa(s.seq), root.AppendTo(nil))
	if err != nil {
		return nil, err
	}
	doc, err := xmlnode.Parse(body, xmlnode.Limits{})
	if err != nil || !doc.Is("XIMSS") {
		s.dead = true
		return nil, fmt.Errorf("%w: the reply is not an XIMSS document", ErrProtocol)
	}
	replies, err = s.sort(doc, index, len(requests))
	if err == nil {
		s.track(requests, replies)
	}
	return replies, err
}

// track notes what is open after a batch.
func (s *Session) track(requests []*Request, replies []*Reply) {
	for i, r := range requests {
		if replies[i].Err != nil {
			continue
		}
		for _, kind := range []string{"calendar", "folder"} {
			switch h := (handle{kind, r.node.Attr(kind)}); {
			case r.node.Is(kind + "Open"):
				if s.open == nil {
					s.open = map[handle]bool{}
				}
				s.open[h] = true
			case r.node.Is(kind + "Close"):
				delete(s.open, h)
			}
		}
	}
}

// CloseHandles closes the calendars and folders that were left open.
func (s *Session) CloseHandles(ctx context.Context) error {
	s.mu.Lock()
	var requests []*Request
	for h := range s.open {
		requests = append(requests, NewRequest(xmlnode.New(h.kind+"Close", h.kind, h.name)))
	}
	s.open = nil
	s.mu.Unlock()
	if len(requests) == 0 {
		return nil
	}
	_, err := s.Do(ctx, requests...)
	return err
}

// send posts a batch; after a network error once more, under the same
// number.
func (s *Session) send(ctx context.Context, to string, body []byte) ([]byte, error) {
	reply, err := s.post(ctx, to+"&random=1", "text/xml; charset=utf-8", body)
	if err != nil && errors.Is(err, ErrUnreachable) && ctx.Err() == nil {
		reply, err = s.post(ctx, to+"&random=2", "text/xml; charset=utf-8", body)
	}
	if err != nil {
		// What the batch did is unknown; a new session starts clean.
		s.dead, s.kill = true, !errors.Is(err, ErrSessionLost)
	}
	return reply, err
}

// sort gives each message to the request it answers. Messages without an id
// are asynchronous and are passed over; bye ends the session.
func (s *Session) sort(doc *xmlnode.Node, index map[string]int, n int) ([]*Reply, error) {
	out := make([]*Reply, n)
	done := 0
	for i := range out {
		out[i] = &Reply{zone: s.zone, dialect: s.cfg.Dialect}
	}
	for _, m := range doc.Children {
		i, mine := index[m.Attr("id")]
		switch {
		case !mine && m.Is("bye"):
			s.dead = true
			return nil, fmt.Errorf("%w: %w", ErrSessionLost, errHalfDone)
		case !mine:
		case m.Is("response"):
			done++
			if m.Attr("errorText", "errorNum") != "" {
				e := refusal(m)
				if errors.Is(e, ErrSessionLost) {
					s.dead = true
					return nil, e
				}
				out[i].Err = e
			}
		default:
			out[i].Data = append(out[i].Data, m)
		}
	}
	if done != n {
		s.dead = true
		return nil, fmt.Errorf("%w: %d of %d requests were answered", ErrProtocol, done, n)
	}
	return out, nil
}

// errHalfDone says that some of the batch may have been done.
var errHalfDone = errors.New("while it was at work")

// statusGone is CommuniGate Pro's own for a session that is no more.
const statusGone = 550

func (s *Session) post(ctx context.Context, to, contentType string, body []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("%w: the address of the server is not valid", ErrUnreachable)
	}
	req.Header.Set("Content-Type", contentType)
	return s.roundTrip(ctx, req)
}

func (s *Session) roundTrip(ctx context.Context, req *http.Request) ([]byte, error) {
	resp, err := s.client.Do(req)
	if err != nil {
		return nil, transport(ctx, err)
	}
	defer resp.Body.Close() //nolint:errcheck // read to its end
	reply, err := io.ReadAll(io.LimitReader(resp.Body, s.cfg.MaxReply+1))
	switch {
	case err != nil:
		return nil, transport(ctx, err)
	case int64(len(reply)) > s.cfg.MaxReply:
		return nil, fmt.Errorf("%w: the reply is longer than %d bytes", ErrProtocol, s.cfg.MaxReply)
	case resp.StatusCode == statusGone:
		return nil, ErrSessionLost
	case resp.StatusCode == http.StatusUnauthorized:
		return nil, ErrBadLogin
	case resp.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("%w: HTTP status %d", ErrProtocol, resp.StatusCode)
	}
	return reply, nil
}

// transport sorts a network error, without the URL, which holds the session
// id.
func transport(ctx context.Context, err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	var n net.Error
	if ctx.Err() != nil || errors.As(err, &n) && n.Timeout() {
		return fmt.Errorf("%w: %w", ErrSlow, err)
	}
	return fmt.Errorf("%w: %w", ErrUnreachable, err)
}

// Close ends the session at the server, so that it does not count against
// the server's limit.
func (s *Session) Close(ctx context.Context) error {
	if s.Lost() {
		return nil
	}
	_, err := s.Do(ctx, NewRequest(xmlnode.New("bye")))
	s.mu.Lock()
	s.dead = true
	s.mu.Unlock()
	if errors.Is(err, ErrSessionLost) {
		return nil
	}
	return err
}

// Kill ends the session at the server without waiting for its requests; for
// one whose last request was not answered.
func (s *Session) Kill(ctx context.Context) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dead = true
	if s.kill {
		s.kill = false
		_, _ = s.post(ctx, s.base+"KILL", "text/xml; charset=utf-8", nil) // else it ends by itself, later
	}
}

// Lost reports whether the session is of no more use.
func (s *Session) Lost() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.dead
}

// utc writes a time as the protocol takes it.
func utc(t time.Time) string { return t.UTC().Format("20060102T150405Z") }

// parseTime reads a time; one without Z is in the session's zone.
func (r *Reply) parseTime(s string) (time.Time, bool) {
	at, err := ical.ParseTime(s, "")
	if err != nil {
		return time.Time{}, false
	}
	if at.Kind == ical.UTC {
		return at.Wall.In(time.UTC), true
	}
	zone := r.zone
	if zone == nil {
		zone = time.UTC
	}
	return at.Wall.In(zone).UTC(), true
}
