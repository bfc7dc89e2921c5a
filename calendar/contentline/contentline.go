// Package contentline reads and writes the lines of which iCalendar (RFC 5545
// section 3.1) and vCard (RFC 6350 section 3.3) consist: NAME;PARAM=value:value,
// folded over several lines of the file.
//
// Reading is lenient in what is common among programs: line ends, folds by
// tabs, a byte order mark, names in lower case, characters that are not UTF-8.
// Writing is strict: lines end with CRLF, are folded at 75 octets and never
// inside of a character, and parameters are encoded by RFC 6868. What a user
// typed can become part of a value only, never a line of its own.
package contentline

import (
	"errors"
	"fmt"
	"strings"
)

// Param is a parameter of a property. One with several values stands several
// times in a row.
type Param struct{ Name, Value string }

// Property is one line.
type Property struct {
	Name   string
	Params []Param
	Value  string
}

// Param answers the first value of a parameter, or "".
func (p Property) Param(name string) string {
	for _, a := range p.Params {
		if strings.EqualFold(a.Name, name) {
			return a.Value
		}
	}
	return ""
}

// ErrLimit is wrapped by the error of data that is beyond the limits.
var ErrLimit = errors.New("data beyond the limits")

const maxParams = 100 // of one property, values included

// Error says where a file is wrong.
type Error struct {
	Line     int    // of the file, from 1; where a folded line begins
	Property string // may be ""
	Err      error
}

func (e *Error) Error() string {
	if e.Property == "" {
		return fmt.Sprintf("line %d: %v", e.Line, e.Err)
	}
	return fmt.Sprintf("line %d: %s: %v", e.Line, Clip(e.Property), e.Err)
}

// Unwrap is for errors.Is.
func (e *Error) Unwrap() error { return e.Err }

// Clip shortens what a message quotes.
func Clip(s string) string {
	if len(s) > 60 {
		return strings.ToValidUTF8(s[:60], "") + "…"
	}
	return s
}

// Unescape resolves the escapes of a TEXT value. A backslash before anything
// else stands for itself.
func Unescape(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	b.Grow(len(s))
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			switch s[i+1] {
			case 'n', 'N':
				b.WriteByte('\n')
				i++
				continue
			case '\\', ';', ',':
				i++
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

var escaper = strings.NewReplacer(`\`, `\\`, ";", `\;`, ",", `\,`, "\r\n", `\n`, "\r", `\n`, "\n", `\n`)

// Escape writes a TEXT value so that Unescape gives it back.
func Escape(s string) string { return escaper.Replace(s) }

// SplitText splits a list of TEXT values at the commas that are not escaped.
func SplitText(s string) []string {
	var out []string
	start := 0
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case ',':
			out = append(out, Unescape(s[start:i]))
			start = i + 1
		}
	}
	return append(out, Unescape(s[start:]))
}

var (
	careter   = strings.NewReplacer("^", "^^", "\r\n", "^n", "\r", "^n", "\n", "^n", `"`, "^'")
	uncareter = strings.NewReplacer("^^", "^", "^n", "\n", "^'", `"`)
)

// Uncaret decodes the value of a parameter (RFC 6868).
func Uncaret(s string) string { return uncareter.Replace(s) }

// Caret encodes the value of a parameter (RFC 6868).
func Caret(s string) string { return careter.Replace(s) }

// Token reports whether s can be the name of a property, parameter or
// component. Underscores and dots are against the rules, but written.
func Token(s string) bool {
	for _, c := range []byte(s) {
		if !(c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-' || c == '_' || c == '.') {
			return false
		}
	}
	return s != ""
}

// isControl reports whether the byte has no place in a line.
func isControl(c byte) bool { return c < 0x20 && c != '\t' || c == 0x7f }
