package cli

import (
	"errors"
	"fmt"
	"strings"
)

// Kinds of refusal, for errors.Is.
var (
	ErrNotFound       = errors.New("not found")
	ErrExists         = errors.New("exists already")
	ErrDenied         = errors.New("not allowed")
	ErrBadLogin       = errors.New("incorrect password or account name")
	ErrUnknownCommand = errors.New("unknown command")
)

// Error is a refusal by the server, with its own code and text.
type Error struct {
	Code    int
	Text    string
	Command string // the command's name, without its arguments
}

func (e *Error) Error() string {
	return fmt.Sprintf("CommuniGate Pro CLI: %s: %d %s", e.Command, e.Code, e.Text)
}

// Is sorts the refusal into its kind. Few codes are documented, so the text
// decides where the code does not.
func (e *Error) Is(kind error) bool {
	text := strings.ToLower(e.Text)
	has := func(s string) bool { return strings.Contains(text, s) }
	switch kind {
	case ErrBadLogin:
		return e.Code == 515 || has("incorrect password or account name")
	case ErrExists:
		return e.Code == 520 || has("already exists")
	case ErrDenied:
		return has("access denied") || has("not allowed")
	case ErrNotFound:
		return e.Code == 512 || e.Code == 513 || has("not found") || has("unknown user") || has("unknown secondary domain")
	case ErrUnknownCommand:
		return e.Code == 500 && has("unknown command")
	}
	return false
}

// SafeToRetry is false: the server has answered, and would again.
func (e *Error) SafeToRetry() bool { return false }

// TransportError is a connection that failed.
type TransportError struct {
	Op     string
	Err    error
	Unsent bool // nothing of the command was written
}

func (e *TransportError) Error() string {
	return fmt.Sprintf("CommuniGate Pro CLI: %s: %v", e.Op, e.Err)
}

// Unwrap is the cause.
func (e *TransportError) Unwrap() error { return e.Err }

// SafeToRetry reports whether the command cannot have had any effect.
func (e *TransportError) SafeToRetry() bool { return e.Unsent }

// ProtocolError is an answer that is not of the protocol.
type ProtocolError struct{ Reason string }

func (e *ProtocolError) Error() string { return "not a CLI reply: " + e.Reason }
