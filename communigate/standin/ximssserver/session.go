package ximssserver

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"rmp/communigate/standin/backend"
	"rmp/xmlnode"
)

// session is one XIMSS session. Its batches run one after the other.
type session struct {
	id      string
	server  *Server
	account backend.Account
	zone    *time.Location

	mu        sync.Mutex
	calendars map[string]string // handle to mailbox path
	lastSeq   string
	lastReply []byte

	useMu sync.Mutex
	used  time.Time
	once  sync.Once
	done  chan struct{}
}

func (s *session) lastUsed() time.Time {
	s.useMu.Lock()
	defer s.useMu.Unlock()
	return s.used
}

func (s *session) touch(now time.Time) {
	s.useMu.Lock()
	defer s.useMu.Unlock()
	s.used = now
}

func (s *session) end() { s.once.Do(func() { close(s.done) }) }

func (s *session) node(id string) *xmlnode.Node {
	n := xmlnode.New("session")
	if id != "" {
		n.Set("id", id)
	}
	n.Set("urlID", s.id).Set("userName", s.account.Address())
	if name := s.account.RealName(); name != "" {
		n.Set("realName", name)
	}
	return n.Set("version", version).Set("random", strconv.Itoa(len(s.id)))
}

// batch runs the requests of one post in one transaction and answers the
// reply as it goes out. The same reqSeq again gets the same reply.
func (s *session) batch(ctx context.Context, seq string, root *xmlnode.Node) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if seq != "" && seq == s.lastSeq {
		return s.lastReply, nil
	}
	out := xmlnode.New("XIMSS")
	bye, err := s.run(ctx, root.Children, func(n *xmlnode.Node) { out.Add(n) })
	if err != nil {
		return nil, err
	}
	reply := out.AppendTo(nil)
	if seq != "" {
		s.lastSeq, s.lastReply = seq, reply
	}
	if bye {
		s.server.kill(s)
	}
	return reply, nil
}

// run works on requests and gives their data messages and responses to emit,
// after what they changed is on the disk.
func (s *session) run(ctx context.Context, requests []*xmlnode.Node, emit func(*xmlnode.Node)) (bye bool, err error) {
	do := s.server.b.View
	for _, r := range requests {
		if writes[strings.ToLower(r.Name)] {
			do = s.server.b.Update
		}
	}
	var out []*xmlnode.Node
	calendars := map[string]string{}
	for k, v := range s.calendars {
		calendars[k] = v
	}
	// What runs outside of the transaction, after it: it may need the writer.
	var later []func() *xmlnode.Node
	err = do(ctx, func(tx *backend.Tx) error {
		for _, r := range requests {
			c := &call{session: s, tx: tx, in: r, id: r.Attr("id")}
			started := time.Now()
			err := c.serve()
			out = append(out, c.out...)
			if c.later != nil {
				at := len(out)
				out = append(out, nil)
				later = append(later, func() *xmlnode.Node { out[at] = c.later(); return out[at] })
			}
			var resp *xmlnode.Node
			switch {
			case err == nil:
				resp = xmlnode.New("response")
				if c.id != "" {
					resp.Set("id", c.id)
				}
			case isRefusal(err):
				resp = failure(c.id, err)
			default:
				return err
			}
			if t := r.Attr("exeTime"); t != "" && t != "0" {
				resp.Set("exeTime", strconv.FormatInt(time.Since(started).Milliseconds(), 10))
			}
			out = append(out, resp)
			if strings.EqualFold(r.Name, "bye") {
				bye = true
				return nil
			}
		}
		return nil
	})
	if err != nil {
		s.calendars = calendars // nothing of the batch happened
		return false, err
	}
	for _, f := range later {
		f()
	}
	for _, n := range out {
		if n != nil {
			emit(n)
		}
	}
	return bye, nil
}

// wait is the long poll. Nothing is sent on its own yet, so it ends empty
// after maxWait seconds, or when the session does.
func (s *session) wait(w http.ResponseWriter, r *http.Request) {
	seconds, err := strconv.Atoi(r.URL.Query().Get("maxWait"))
	if err != nil || seconds < 0 {
		seconds = 0
	}
	t := time.NewTimer(min(time.Duration(seconds)*time.Second, maxWait))
	defer t.Stop()
	select {
	case <-t.C:
		writeXML(w, xmlnode.New("XIMSS"))
	case <-s.done:
		w.WriteHeader(550)
	case <-r.Context().Done():
	}
}
