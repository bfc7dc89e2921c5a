// Package ximssserver speaks XIMSS, as CommuniGate Pro does, over the
// stand-in's backend: the HTTP binding, and the binding to a bare TCP
// connection (CommuniGate Pro Guide, XIMSS.html and XMLAPI.html).
//
// The life of an HTTP request: a login mints a session; a batch of requests
// is posted to /Session/<id>/sync; the batch runs in one transaction of the
// backend, and the reply leaves after that is on the disk. A batch that comes
// again under the same reqSeq gets the stored reply and is not run again. A
// dead session is answered with status 550, as clients expect.
package ximssserver

import (
	"context"
	"crypto/hmac"
	"crypto/md5" //nolint:gosec // CRAM-MD5 is MD5, RFC 2195
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"rmp/communigate/standin/backend"
	"rmp/communigate/standin/fault"
	"rmp/xmlnode"
)

// Options of a server.
type Options struct {
	SessionCap int           // concurrent sessions; 5 is what CommuniGate Pro allows without a licence
	Idle       time.Duration // after which a session ends; default 10 minutes
	Execute    func(ctx context.Context, who backend.Account, line string) string
	Quirks     Quirks
	Faults     *fault.Plan
	Tap        func(account, request, reply string, took time.Duration) // sees what is on the wire; may be nil
	Log        *slog.Logger
	Now        func() time.Time
}

const (
	maxBody = 16 << 20
	maxWait = 60 * time.Second
	version = "6.3.39"
)

// Server is the XIMSS side of a stand-in.
type Server struct {
	b    *backend.Backend
	opts Options

	mu       sync.Mutex
	sessions map[string]*session
	nonces   map[string]time.Time
}

// New makes a server over a backend.
func New(b *backend.Backend, opts Options) *Server {
	if opts.SessionCap == 0 {
		opts.SessionCap = 5
	}
	if opts.Idle == 0 {
		opts.Idle = 10 * time.Minute
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	s := &Server{b: b, opts: opts, sessions: map[string]*session{}, nonces: map[string]time.Time{}}
	b.Watch(s.mailboxesChanged)
	return s
}

var errTooMany = &backend.Error{Num: 526, Text: "too many concurrent sessions"}

// open starts a session for an account that has proved itself.
func (s *Server) open(a backend.Account) (*session, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.opts.Now()
	for id, old := range s.sessions {
		if now.Sub(old.lastUsed()) > s.opts.Idle {
			delete(s.sessions, id)
			old.end()
		}
	}
	if s.opts.SessionCap > 0 && len(s.sessions) >= s.opts.SessionCap {
		return nil, errTooMany
	}
	zone := s.b.Zone()
	if name := a.Prefs.String("TimeZone"); name != "" {
		if loc, err := s.b.LoadZone(name); err == nil {
			zone = loc
		}
	}
	n := make([]byte, 3)
	_, _ = rand.Read(n) // never fails, says crypto/rand
	id := fmt.Sprintf("%06d-%s", (int(n[0])<<16|int(n[1])<<8|int(n[2]))%1_000_000, rand.Text()[:20])
	sess := &session{id: id, server: s, account: a, zone: zone, calendars: map[string]openCalendar{}, folders: map[string]*folder{}, outbox: newOutbox(), used: now, done: make(chan struct{})}
	s.sessions[id] = sess
	return sess, nil
}

func (s *Server) find(id string) *session {
	s.mu.Lock()
	defer s.mu.Unlock()
	sess := s.sessions[id]
	if sess == nil {
		return nil
	}
	if s.opts.Now().Sub(sess.lastUsed()) > s.opts.Idle {
		delete(s.sessions, id)
		sess.end()
		return nil
	}
	sess.touch(s.opts.Now())
	return sess
}

func (s *Server) kill(sess *session) {
	s.mu.Lock()
	delete(s.sessions, sess.id)
	s.mu.Unlock()
	sess.end()
}

// Sessions is the number of sessions.
func (s *Server) Sessions() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.sessions)
}

// SessionsOf answers the ids of an account's sessions.
func (s *Server) SessionsOf(address string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []string
	for id, sess := range s.sessions {
		if sess.account.Address() == address {
			out = append(out, id)
		}
	}
	slices.Sort(out)
	return out
}

// Owner answers whose a session is.
func (s *Server) Owner(id string) (address string, ok bool) {
	if sess := s.find(id); sess != nil {
		return sess.account.Address(), true
	}
	return "", false
}

// Kill ends a session.
func (s *Server) Kill(id string) {
	if sess := s.find(id); sess != nil {
		s.kill(sess)
	}
}

// KillAccount ends the sessions of an account, by its address.
func (s *Server) KillAccount(address string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, sess := range s.sessions {
		if sess.account.Address() == address {
			delete(s.sessions, id)
			sess.end()
		}
	}
}

// OpenFor opens a session for an account without its password, for an
// administrator's CREATEXIMSSSESSION; it answers the session id.
func (s *Server) OpenFor(a backend.Account) (string, error) {
	sess, err := s.open(a)
	if err != nil {
		return "", err
	}
	return sess.id, nil
}

// ServeHTTP implements http.Handler. Paths are without regard to letter case.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := strings.Trim(r.URL.Path, "/")
	first, rest, _ := strings.Cut(path, "/")
	switch strings.ToLower(first) {
	case "ximsslogin":
		s.login(w, r)
	case "session":
		id, op, _ := strings.Cut(rest, "/")
		s.inSession(w, r, id, strings.ToLower(op))
	default:
		http.NotFound(w, r)
	}
}

func writeXML(w http.ResponseWriter, root *xmlnode.Node) {
	w.Header().Set("Content-Type", "text/xml;charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write(root.AppendTo(nil)) // the client may be gone
}

func failure(id string, err error) *xmlnode.Node {
	n := xmlnode.New("response")
	if id != "" {
		n.Set("id", id)
	}
	var e *backend.Error
	if !errors.As(err, &e) {
		e = &backend.Error{Num: 501, Text: "internal error"}
	}
	return n.Set("errorText", e.Text).Set("errorNum", strconv.Itoa(e.Num))
}

// parameters are the query and, for a form, the body, without regard to the
// case of their names.
func parameters(r *http.Request, body []byte) map[string]string {
	out := map[string]string{}
	take := func(values map[string][]string) {
		for k, v := range values {
			out[strings.ToLower(k)] = v[0]
		}
	}
	take(r.URL.Query())
	if len(body) > 0 && !strings.HasPrefix(strings.TrimSpace(string(body)), "<") {
		r.Body = io.NopCloser(strings.NewReader(string(body)))
		if r.ParseForm() == nil {
			take(r.PostForm)
		}
	}
	return out
}

func (s *Server) login(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
	if err != nil {
		http.Error(w, "the body cannot be read", http.StatusBadRequest)
		return
	}
	if strings.HasPrefix(strings.TrimSpace(string(body)), "<") {
		s.preLogin(w, body)
		return
	}
	f, struck := s.opts.Faults.Strike("ximss", "login")
	if struck && !s.suffer(w, r, f, nil) {
		return
	}
	p := parameters(r, body)
	name, password := p["username"], p["password"]
	if u, pw, ok := r.BasicAuth(); ok && name == "" {
		name, password = u, pw
	}
	sess, err := s.authenticate(r.Context(), name, password, p["nonce"], p["authdata"])
	if struck && (f.Kind == fault.Refuse || f.Kind == fault.Limit) {
		if sess != nil {
			s.kill(sess)
		}
		err = refusal(f)
	}
	if err != nil {
		if p["errorasxml"] == "" {
			http.Error(w, "incorrect password or account name", http.StatusUnauthorized)
			return
		}
		writeXML(w, xmlnode.New("XIMSS").Add(failure("", err)))
		return
	}
	// The account's preference ties a session to the client's address, unless
	// the client asks not to.
	if strings.EqualFold(sess.account.Prefs.String("FixedIP"), "YES") && p["disableipwatch"] == "" {
		sess.address = clientAddress(r)
	}
	writeXML(w, xmlnode.New("XIMSS").Add(sess.node("")))
}

// clientAddress is where a request comes from, without the port.
func clientAddress(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

func (s *Server) authenticate(ctx context.Context, name, password, nonce, authData string) (*session, error) {
	var a backend.Account
	err := s.b.View(ctx, func(tx *backend.Tx) error {
		var err error
		if authData != "" {
			a, err = s.cram(tx, name, nonce, authData)
		} else {
			a, err = tx.CheckPassword(name, password)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return s.open(a)
}

// cram checks a CRAM-MD5 answer, with or without the account name in it.
func (s *Server) cram(tx *backend.Tx, name, nonce, authData string) (backend.Account, error) {
	s.mu.Lock()
	_, fresh := s.nonces[nonce]
	delete(s.nonces, nonce)
	s.mu.Unlock()
	raw, err := base64.StdEncoding.DecodeString(authData)
	if !fresh || err != nil {
		return backend.Account{}, backend.ErrBadLogin
	}
	digest := string(raw)
	if n, d, ok := strings.Cut(digest, " "); ok {
		digest = d
		if name == "" {
			name = n
		}
	}
	return tx.Authenticate(name, func(password string) bool {
		mac := hmac.New(md5.New, []byte(password))
		_, _ = mac.Write([]byte(nonce))
		return hmac.Equal([]byte(strings.ToLower(digest)), []byte(hex.EncodeToString(mac.Sum(nil))))
	})
}

func (s *Server) newNonce() string {
	nonce := fmt.Sprintf("<%s.%d@%s>", rand.Text()[:8], s.opts.Now().Unix(), s.b.MainDomain())
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.opts.Now()
	for k, at := range s.nonces {
		if now.Sub(at) > time.Minute || len(s.nonces) > 10_000 {
			delete(s.nonces, k)
		}
	}
	s.nonces[nonce] = now
	return nonce
}

// preLogin serves the operations that need no session.
func (s *Server) preLogin(w http.ResponseWriter, body []byte) {
	root, err := xmlnode.Parse(body, xmlnode.Limits{Nodes: 1000})
	if err != nil || !root.Is("XIMSS") {
		http.Error(w, "not an XIMSS document", http.StatusBadRequest)
		return
	}
	out := xmlnode.New("XIMSS")
	for _, op := range root.Children {
		id := op.Attr("id")
		switch strings.ToLower(op.Name) {
		case "listfeatures":
			f := xmlnode.New("features", "id", id, "domain", s.b.MainDomain())
			for _, m := range []string{"LOGIN", "PLAIN", "CRAM-MD5"} {
				f.Add(xmlnode.New("sasl").WithText(m))
			}
			f.Add(xmlnode.New("nonce").WithText(s.newNonce()), xmlnode.New("language").WithText("english"))
			out.Add(f, xmlnode.New("response", "id", id))
		case "noop":
			out.Add(xmlnode.New("response", "id", id))
		default:
			out.Add(failure(id, errSequence))
		}
	}
	writeXML(w, out)
}

var (
	errSequence = &backend.Error{Num: 500, Text: "XIMSS request sequence error"}
	errUnknown  = &backend.Error{Num: 500, Text: "unknown command"}
)

func (s *Server) inSession(w http.ResponseWriter, r *http.Request, id, op string) {
	sess := s.find(id)
	if sess == nil {
		gone(w)
		return
	}
	if sess.address != "" && sess.address != clientAddress(r) {
		http.Error(w, "the session belongs to another address", http.StatusForbidden)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		http.Error(w, "the body cannot be read", http.StatusBadRequest)
		return
	}
	switch op {
	case "kill":
		s.kill(sess)
	case "sync", "async":
		root, err := xmlnode.Parse(body, xmlnode.Limits{})
		if err != nil || !root.Is("XIMSS") {
			http.Error(w, "not an XIMSS document", http.StatusBadRequest)
			return
		}
		faults := s.strikes(root.Children)
		for _, f := range faults {
			if !s.suffer(w, r, f, sess) {
				return
			}
		}
		began := time.Now()
		reply, err := sess.batch(r.Context(), r.URL.Query().Get("reqSeq"), root, op == "async", r.URL.Query().Get("syncAsync") == "1", faults)
		if err != nil {
			s.opts.Log.ErrorContext(r.Context(), "XIMSS batch", "err", err)
			http.Error(w, "server error", http.StatusInternalServerError)
			return
		}
		if s.opts.Tap != nil {
			s.opts.Tap(sess.account.Address(), string(body), string(reply), time.Since(began))
		}
		reply, whole := spoil(reply, faults)
		w.Header().Set("Content-Type", "text/xml;charset=utf-8")
		if !whole {
			w.Header().Set("Content-Length", strconv.Itoa(len(reply)+1))
		}
		_, _ = w.Write(reply) // the client may be gone; it asks again under the same reqSeq
		if !whole {
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler) // breaks the connection
		}
	case "", "get":
		sess.poll(w, r)
	default:
		http.NotFound(w, r)
	}
}

// gone answers with CommuniGate Pro's own status for a session that is no
// more; it is none of HTTP.
func gone(w http.ResponseWriter) {
	w.WriteHeader(550)
	_, _ = io.WriteString(w, "you have been disconnected\n") // the client may be gone
}
