package ximss

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"rmp/xmlnode"
)

// Kinds of failure, for errors.Is.
var (
	ErrUnreachable = errors.New("CommuniGate Pro cannot be reached")
	ErrSlow        = errors.New("CommuniGate Pro is too slow")
	ErrProtocol    = errors.New("CommuniGate Pro answered wrongly")
	ErrSessionLost = errors.New("the XIMSS session has ended")
	ErrBadLogin    = errors.New("incorrect password or account name")
	ErrSessionCap  = errors.New("too many concurrent XIMSS sessions")
	ErrNotFound    = errors.New("not found")
	ErrNoAccount   = errors.New("unknown user account")
	ErrDenied      = errors.New("access denied")
	ErrLocked      = errors.New("the account may not sign in")
)

// Error is a refusal by the server, with its own number and text.
type Error struct {
	Num  int
	Text string
}

func (e *Error) Error() string { return fmt.Sprintf("%s (%d)", e.Text, e.Num) }

// Is sorts the refusal into its kind. Few numbers are documented, so the
// text decides where the number does not.
func (e *Error) Is(kind error) bool {
	text := strings.ToLower(e.Text)
	has := func(s string) bool { return strings.Contains(text, s) }
	switch kind {
	case ErrBadLogin:
		return e.Num == 515 || has("incorrect password or account name")
	case ErrNoAccount:
		return e.Num == 513 || e.Num == 512 || has("unknown user account") || has("unknown secondary domain")
	case ErrDenied:
		return has("access denied") || has("not allowed")
	case ErrLocked:
		return has("disabled") || has("locked") || has("suspended")
	case ErrNotFound:
		return has("not found")
	case ErrSessionCap:
		return has("too many concurrent sessions")
	case ErrSessionLost:
		return has("request sequence error")
	}
	return false
}

func refusal(n *xmlnode.Node) error {
	num, _ := strconv.Atoi(n.Attr("errorNum"))
	return &Error{Num: num, Text: n.Attr("errorText")}
}
