// Package fault has the few kinds of error that all layers share.
//
// An Error carries a code that the ways in translate (the HTTP API into a
// status), a text for the person who asked, and a hint for the operator that
// goes to the log only. Errors are wrapped with the operation as they rise
// and are logged once, where they leave the process.
package fault

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Code is a kind of error.
type Code string

// The kinds of error.
const (
	Invalid         Code = "invalid"         // well-formed but not acceptable; Fields say where
	Malformed       Code = "malformed"       // cannot be read at all
	Unauthenticated Code = "unauthenticated" // not signed in, or the login was wrong
	Forbidden       Code = "forbidden"       // signed in, but may not
	NotFound        Code = "not-found"       // is not there, or is not yours to know of
	Conflict        Code = "conflict"        // the time is taken
	Stale           Code = "stale"           // somebody changed it since it was read
	TooLarge        Code = "too-large"       // more than the limits allow
	TooMany         Code = "too-many"        // come back after RetryAfter
	Unknown         Code = "unknown"         // a calendar could not be read, and unknown is not free
	Unavailable     Code = "unavailable"     // something RMP needs is away
	BadGateway      Code = "bad-gateway"     // CommuniGate Pro answered what cannot be understood
	Timeout         Code = "timeout"         // CommuniGate Pro was too slow
	Internal        Code = "internal"        // a fault of RMP itself
)

// Field names a part of the input that is not acceptable, and why.
type Field struct {
	Pointer string // JSON pointer into the body, or the name of a parameter
	Detail  string
}

// Error is an error with a code.
type Error struct {
	Code       Code
	Text       string // for the user
	Hint       string // for the operator; never shown to the user
	Fields     []Field
	RetryAfter time.Duration
	Err        error // the cause
}

func (e *Error) Error() string {
	s := string(e.Code) + ": " + e.Text
	for _, f := range e.Fields {
		s += fmt.Sprintf(" (%s: %s)", f.Pointer, f.Detail)
	}
	if e.Hint != "" {
		s += " [" + e.Hint + "]"
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap is the cause.
func (e *Error) Unwrap() error { return e.Err }

// New makes an error of a kind with a text for the user.
func New(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Text: fmt.Sprintf(format, args...)}
}

// Wrap gives a cause a code and a text for the user.
func Wrap(err error, code Code, format string, args ...any) *Error {
	return &Error{Code: code, Text: fmt.Sprintf(format, args...), Err: err}
}

// InvalidField is one field that is not acceptable.
func InvalidField(pointer, format string, args ...any) *Error {
	detail := fmt.Sprintf(format, args...)
	return &Error{Code: Invalid, Text: pointer + ": " + detail, Fields: []Field{{pointer, detail}}}
}

// CodeOf is the code of the outermost Error in the chain; Internal if there
// is none.
func CodeOf(err error) Code {
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return Internal
}

// Fields collects what is wrong with an input, so that one answer names all.
type Fields []Field

// Add notes a field.
func (f *Fields) Add(pointer, format string, args ...any) {
	*f = append(*f, Field{pointer, fmt.Sprintf(format, args...)})
}

// Err is nil when nothing was noted.
func (f Fields) Err() error {
	switch len(f) {
	case 0:
		return nil
	case 1:
		return &Error{Code: Invalid, Text: f[0].Pointer + ": " + f[0].Detail, Fields: f}
	}
	return &Error{Code: Invalid, Text: fmt.Sprintf("%d fields are not acceptable", len(f)), Fields: f}
}

// Said is what to tell who types a command: an error without its code, and
// without saying anything twice.
func Said(err error) string {
	text := err.Error()
	var e *Error
	if !errors.As(err, &e) {
		return text
	}
	plain := e.Text
	for _, f := range e.Fields {
		if !strings.Contains(plain, f.Detail) {
			plain += fmt.Sprintf(" (%s: %s)", f.Pointer, f.Detail)
		}
	}
	if e.Hint != "" {
		plain += " [" + e.Hint + "]"
	}
	if e.Err != nil && !strings.Contains(plain, e.Err.Error()) {
		plain += ": " + e.Err.Error()
	}
	return strings.Replace(text, e.Error(), plain, 1)
}
