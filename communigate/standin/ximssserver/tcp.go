package ximssserver

import (
	"bufio"
	"context"
	"encoding/base64"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"time"

	"rmp/communigate/standin/backend"
	"rmp/communigate/standin/fault"
	"rmp/xmlnode"
)

// ServeConn serves XIMSS on a bare connection: one XML document after the
// other, each ended by a zero byte. The connection is the session.
func (s *Server) ServeConn(ctx context.Context, conn net.Conn) {
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	defer conn.Close() //nolint:errcheck // nothing more is expected of it
	r := bufio.NewReaderSize(conn, 16<<10)
	var (
		sess  *session
		nonce string
	)
	defer func() {
		if sess != nil {
			s.kill(sess)
		}
	}()
	var sending sync.Mutex // requests are answered, and news told, at the same time
	send := func(nodes ...*xmlnode.Node) bool {
		var b []byte
		for _, n := range nodes {
			b = append(n.AppendTo(b), 0)
		}
		sending.Lock()
		defer sending.Unlock()
		_, err := conn.Write(b)
		return err == nil
	}
	var telling sync.WaitGroup
	defer telling.Wait()
	ctx, stopTelling := context.WithCancel(ctx)
	defer stopTelling()
	for {
		_ = conn.SetDeadline(s.opts.Now().Add(s.opts.Idle))
		if ctx.Err() != nil {
			return
		}
		frame, err := readFrame(r)
		if err != nil {
			return
		}
		in, err := xmlnode.Parse(frame, xmlnode.Limits{})
		if err != nil {
			_ = send(failure("", &backend.Error{Num: 501, Text: "illegal XML data"}))
			return
		}
		id := in.Attr("id")
		if sess == nil {
			var out []*xmlnode.Node
			sess, nonce, out = s.tcpLogin(ctx, in, nonce)
			if !send(out...) {
				return
			}
			if sess != nil {
				telling.Go(func() {
					tell(ctx, sess, func(n []*xmlnode.Node) bool { return send(n...) })
					_ = conn.SetReadDeadline(time.Unix(1, 0)) // ends the connection with the session
				})
			}
			continue
		}
		sess.touch(s.opts.Now())
		var out []*xmlnode.Node
		faults := s.strikes([]*xmlnode.Node{in})
		if f, ok := faults[0]; ok {
			f.Wait(ctx)
			if f.Kind == fault.Lose || f.Kind == fault.Expire {
				return
			}
		}
		began := time.Now()
		bye, err := sess.run(ctx, []*xmlnode.Node{in}, faults, func(n *xmlnode.Node) { out = append(out, n) })
		if err != nil {
			s.opts.Log.ErrorContext(ctx, "XIMSS request", "err", err)
			out = []*xmlnode.Node{failure(id, err)}
		}
		if s.opts.Tap != nil {
			s.opts.Tap(sess.account.Address(), string(frame), xmlnode.New("XIMSS").Add(out...).String(), time.Since(began))
		}
		if f, ok := faults[0]; ok && (f.Kind == fault.Drop || f.Kind == fault.Garbage) {
			var whole []byte
			for _, n := range out {
				whole = append(n.AppendTo(whole), 0)
			}
			part, _ := spoil(whole, faults)
			_, _ = conn.Write(part)
			return
		}
		if !send(out...) || bye {
			return
		}
	}
}

// tell sends what is queued for a session until the connection or the session
// ends.
func tell(ctx context.Context, sess *session, send func([]*xmlnode.Node) bool) {
	o := sess.outbox
	for {
		changed := o.changed()
		if news := o.take(); len(news) > 0 && !send(news) {
			return
		}
		select {
		case <-changed:
		case <-sess.done:
			_ = send([]*xmlnode.Node{xmlnode.New("bye")})
			return
		case <-ctx.Done():
			return
		}
	}
}

// tcpLogin serves what comes before a session.
func (s *Server) tcpLogin(ctx context.Context, in *xmlnode.Node, nonce string) (*session, string, []*xmlnode.Node) {
	id := in.Attr("id")
	var err error
	var sess *session
	switch strings.ToLower(in.Name) {
	case "login":
		switch strings.ToUpper(in.Attr("method")) {
		case "":
			sess, err = s.authenticate(ctx, in.Attr("authData", "userName"), in.Attr("password"), "", "")
		case "CRAM-MD5":
			nonce = s.newNonce()
			return nil, nonce, []*xmlnode.Node{xmlnode.New("challenge", "id", id, "value", base64.StdEncoding.EncodeToString([]byte(nonce)))}
		case "PLAIN":
			raw, _ := base64.StdEncoding.DecodeString(in.Attr("authData"))
			parts := strings.Split(string(raw), "\x00")
			if len(parts) != 3 {
				err = backend.ErrBadLogin
			} else {
				sess, err = s.authenticate(ctx, parts[1], parts[2], "", "")
			}
		default:
			err = errUnknown
		}
	case "auth":
		sess, err = s.authenticate(ctx, "", "", nonce, in.Attr("value"))
	case "noop":
		return nil, nonce, []*xmlnode.Node{xmlnode.New("response", "id", id)}
	default:
		err = errSequence
	}
	if err != nil {
		return nil, "", []*xmlnode.Node{failure(id, err)}
	}
	return sess, "", []*xmlnode.Node{sess.node(id), xmlnode.New("response", "id", id)}
}

var errFrame = errors.New("a frame is too long")

func readFrame(r *bufio.Reader) ([]byte, error) {
	var frame []byte
	for {
		part, err := r.ReadSlice(0)
		frame = append(frame, part...)
		switch {
		case err == nil:
			return frame[:len(frame)-1], nil
		case len(frame) > maxBody:
			return nil, errFrame
		case !errors.Is(err, bufio.ErrBufferFull):
			if errors.Is(err, io.EOF) && len(frame) > 0 {
				return nil, io.ErrUnexpectedEOF
			}
			return nil, err
		}
	}
}
