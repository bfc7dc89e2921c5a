package ical

import (
	"strings"

	"rmp/calendar/contentline"
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
var ErrLimit = contentline.ErrLimit

// ParseError says where text is wrong: the line of the file, from 1, and the
// property or component, if it is known.
type ParseError contentline.Error

func (e *ParseError) Error() string { return "iCalendar: " + (*contentline.Error)(e).Error() }

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
	if p.Param("ENCODING") != "" {
		return false
	}
	if v := p.Param("VALUE"); v != "" {
		return strings.EqualFold(v, "TEXT")
	}
	return textual[strings.ToUpper(name)]
}
