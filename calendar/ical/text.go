package ical

import (
	"errors"
	"fmt"
	"strings"
)

// The text form: iCalendar (RFC 5545), with the encoding of parameters of RFC
// 6868. Reading is lenient in what is common among programs (line ends, folds
// by tabs, a byte order mark, unknown names, lower case) and strict where a
// guess could change the meaning; writing is strict.

// Limits bounds what ParseText reads. A zero field takes the default.
type Limits struct {
	Bytes      int // default 10 MB
	Lines      int // after unfolding; default 500,000
	Depth      int // nesting of components; default 8
	Properties int // of one component, values of lists included; default 20,000
	Attendees  int // of one component; default 5,000
}

const maxParams = 100 // of one property, values included

func (l Limits) withDefaults() Limits {
	set := func(n *int, value int) {
		if *n == 0 {
			*n = value
		}
	}
	set(&l.Bytes, 10<<20)
	set(&l.Lines, 500_000)
	set(&l.Depth, 8)
	set(&l.Properties, 20_000)
	set(&l.Attendees, 5_000)
	return l
}

// ErrLimit is wrapped by the error of data that is beyond the limits.
var ErrLimit = errors.New("calendar data beyond the limits")

// ParseError says where text is wrong.
type ParseError struct {
	Line     int    // of the file, from 1; where a folded line begins
	Property string // or component; may be ""
	Err      error
}

func (e *ParseError) Error() string {
	if e.Property == "" {
		return fmt.Sprintf("iCalendar: line %d: %v", e.Line, e.Err)
	}
	return fmt.Sprintf("iCalendar: line %d: %s: %v", e.Line, clip(e.Property), e.Err)
}

// Unwrap is for errors.Is.
func (e *ParseError) Unwrap() error { return e.Err }

// textual are the properties, outside of the fields of the model, whose value
// is text and nothing else.
var textual = map[string]bool{
	"ACTION": true, "COMMENT": true, "CONTACT": true, "DESCRIPTION": true, "LOCATION": true, "NAME": true, "PRODID": true,
	"RELATED-TO": true, "SUMMARY": true, "TZID": true, "TZNAME": true, "UID": true,
}

// isText reports whether the value of the property has escapes that are to be
// resolved.
func isText(name string, params []Param) bool {
	p := Property{Params: params}
	if p.param("ENCODING") != "" {
		return false
	}
	if v := p.param("VALUE"); v != "" {
		return equalFold(v, "TEXT")
	}
	return textual[strings.ToUpper(name)]
}

// unescape resolves the escapes of a TEXT value. A backslash before anything
// else stands for itself.
func unescape(s string) string {
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

func escape(s string) string { return escaper.Replace(s) }

// splitText splits a list of TEXT values at the commas that are not escaped.
func splitText(s string) []string {
	var out []string
	start := 0
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case ',':
			out = append(out, unescape(s[start:i]))
			start = i + 1
		}
	}
	return append(out, unescape(s[start:]))
}

var (
	careter   = strings.NewReplacer("^", "^^", "\r\n", "^n", "\r", "^n", "\n", "^n", `"`, "^'")
	uncareter = strings.NewReplacer("^^", "^", "^n", "\n", "^'", `"`)
)

// caret encodes the value of a parameter (RFC 6868).
func caret(s string) string { return careter.Replace(s) }

// token reports whether s can be the name of a property, parameter or
// component. Underscores and dots are against the rules, but written.
func token(s string) bool {
	for _, c := range []byte(s) {
		if !(c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-' || c == '_' || c == '.') {
			return false
		}
	}
	return s != ""
}

// isControl reports whether the byte has no place in a line.
func isControl(c byte) bool { return c < 0x20 && c != '\t' || c == 0x7f }
