package ximssserver

import (
	"context"
	"maps"
	"strconv"
	"strings"
	"sync"
	"time"

	"rmp/communigate/standin/backend"
	"rmp/communigate/standin/fault"
	"rmp/xmlnode"
)

// session is one XIMSS session. Its batches run one after the other.
type session struct {
	id      string
	server  *Server
	account backend.Account
	zone    *time.Location

	mu        sync.Mutex
	calendars map[string]openCalendar
	folders   map[string]*folder
	address   string // of the client, if the session is tied to it
	lastSeq   string
	lastReply []byte

	outbox *outbox

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
// reply as it goes out. The same reqSeq again gets the same reply. The
// answers to an asynchronous batch go to the outbox; flush adds what is in it
// to a synchronous reply.
func (s *session) batch(ctx context.Context, seq string, root *xmlnode.Node, async, flush bool, faults map[int]fault.Fault) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if seq != "" && seq == s.lastSeq {
		return s.lastReply, nil
	}
	out := xmlnode.New("XIMSS")
	bye, err := s.run(ctx, root.Children, faults, func(n *xmlnode.Node) { out.Add(n) })
	if err != nil {
		return nil, err
	}
	if async {
		if !s.outbox.put(out.Children...) {
			bye = true
		}
		out.Children = nil
	} else if flush {
		out.Add(s.outbox.take()...)
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
func (s *session) run(ctx context.Context, requests []*xmlnode.Node, faults map[int]fault.Fault, emit func(*xmlnode.Node)) (bye bool, err error) {
	do := s.server.b.View
	for _, r := range requests {
		if op, ok := s.server.operation(r.Name); ok && (op.write || r.Attr("mailboxClass") != "") {
			do = s.server.b.Update
		}
	}
	var out []*xmlnode.Node
	calendars, folders := maps.Clone(s.calendars), maps.Clone(s.folders)
	// What runs outside of the transaction, after it: it may need the writer.
	var later []func() *xmlnode.Node
	err = do(ctx, func(tx *backend.Tx) error {
		for i, r := range requests {
			c := &call{session: s, tx: tx, in: r, id: r.Attr("id")}
			started := time.Now()
			err := refusal(faults[i])
			if err == nil {
				err = tx.Try(c.serve)
			}
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
		s.calendars, s.folders = calendars, folders // nothing of the batch happened
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
