package ximssserver

import (
	"net/http"

	"rmp/communigate/standin/backend"
	"rmp/communigate/standin/fault"
	"rmp/xmlnode"
)

// strikes are the faults that the requests of a batch meet, by their index.
func (s *Server) strikes(requests []*xmlnode.Node) map[int]fault.Fault {
	var out map[int]fault.Fault
	if s.opts.Faults == nil {
		return nil
	}
	for i, r := range requests {
		if f, ok := s.opts.Faults.Strike("ximss", r.Name); ok {
			if out == nil {
				out = map[int]fault.Fault{}
			}
			out[i] = f
		}
	}
	return out
}

// suffer lets a fault act that acts before anything is run. It is false when
// the request has been dealt with.
func (s *Server) suffer(w http.ResponseWriter, r *http.Request, f fault.Fault, sess *session) bool {
	f.Wait(r.Context())
	switch f.Kind {
	case fault.Lose:
		panic(http.ErrAbortHandler) // breaks the connection
	case fault.Expire:
		if sess != nil {
			s.kill(sess)
		}
		gone(w)
		return false
	case fault.Garbage, fault.Drop:
		if sess == nil { // at login
			_, _ = w.Write(fault.Nonsense)
			return false
		}
	}
	return true
}

// refusal is the error of a fault that refuses a request, or nil.
func refusal(f fault.Fault) error {
	switch f.Kind {
	case fault.Refuse:
		return &backend.Error{Num: 501, Text: "refused on purpose"}
	case fault.Limit:
		return &backend.Error{Num: 526, Text: "too many requests, try again later"}
	}
	return nil
}

// spoil changes an answer as the faults of its requests demand; whole is
// false when the connection is to break after it.
func spoil(reply []byte, faults map[int]fault.Fault) (out []byte, whole bool) {
	for _, f := range faults {
		switch f.Kind {
		case fault.Drop:
			return reply[:min(f.After, len(reply))], false
		case fault.Garbage:
			return fault.Nonsense, true
		}
	}
	return reply, true
}
