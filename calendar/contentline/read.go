package contentline

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
)

// Reader reads the lines of a file that lies in memory.
type Reader struct {
	rest  []byte
	num   int // of physical lines read
	lines int
	most  int
	buf   []byte
}

// NewReader reads data of at most the given number of lines, unfolded ones.
func NewReader(data []byte, lines int) *Reader {
	return &Reader{rest: bytes.TrimPrefix(data, []byte("\ufeff")), most: lines}
}

// Continue is the next line of the file as it stands, for values that go on
// after their line in a way of their own.
func (r *Reader) Continue() (string, bool) {
	if len(r.rest) == 0 {
		return "", false
	}
	return strings.ToValidUTF8(string(r.physical()), "\ufffd"), true
}

// physical cuts the next line off, without its end.
func (r *Reader) physical() []byte {
	l, rest, _ := bytes.Cut(r.rest, []byte("\n"))
	r.rest = rest
	r.num++
	return bytes.TrimSuffix(l, []byte("\r"))
}

// Next answers the next line that is not empty, and its number in the file. It
// is false at the end. An error is an *Error.
func (r *Reader) Next() (p Property, num int, ok bool, err error) {
	for len(r.rest) > 0 {
		raw := r.physical()
		num = r.num
		if len(r.rest) > 0 && (r.rest[0] == ' ' || r.rest[0] == '\t') {
			r.buf = append(r.buf[:0], raw...)
			for len(r.rest) > 0 && (r.rest[0] == ' ' || r.rest[0] == '\t') {
				r.buf = append(r.buf, r.physical()[1:]...)
			}
			raw = r.buf
		}
		// Only now: a fold may stand inside of a character.
		text := strings.ToValidUTF8(string(raw), "\ufffd")
		if strings.ContainsFunc(text, func(c rune) bool { return c < 0x80 && isControl(byte(c)) }) {
			text = strings.Map(func(c rune) rune {
				if c < 0x80 && isControl(byte(c)) {
					return -1
				}
				return c
			}, text)
		}
		if strings.TrimSpace(text) == "" {
			continue
		}
		if r.lines++; r.lines > r.most {
			return Property{}, num, false, &Error{num, "", fmt.Errorf("%w: more than %d lines", ErrLimit, r.most)}
		}
		p, err = parseLine(text)
		if err != nil {
			return p, num, false, &Error{num, p.Name, err}
		}
		return p, num, true, nil
	}
	return Property{}, r.num, false, nil
}

// parseLine takes a content line apart (RFC 5545 section 3.1).
func parseLine(s string) (Property, error) {
	end := strings.IndexAny(s, ";:")
	if end < 0 {
		return Property{}, fmt.Errorf("%q is not a property: it has no colon", Clip(s))
	}
	p := Property{Name: strings.ToUpper(strings.TrimSpace(s[:end]))}
	if !Token(p.Name) {
		return Property{}, fmt.Errorf("%q is not the name of a property", Clip(s[:end]))
	}
	s = s[end:]
	for strings.HasPrefix(s, ";") {
		end = strings.IndexAny(s[1:], "=;:")
		if end < 0 {
			return p, errors.New("it has no value")
		}
		name := strings.ToUpper(strings.TrimSpace(s[1 : 1+end]))
		if s = s[1+end:]; name == "" && s[0] != '=' {
			continue // a semicolon too many
		}
		if !Token(name) {
			return p, fmt.Errorf("%q is not the name of a parameter", Clip(name))
		}
		values := []string{""}
		if s[0] == '=' {
			var err error
			if values, s, err = ParamValues(s[1:]); err != nil {
				return p, err
			}
		}
		for _, v := range values {
			p.Params = append(p.Params, Param{name, v})
		}
		if len(p.Params) > maxParams {
			return p, fmt.Errorf("%w: more than %d parameters", ErrLimit, maxParams)
		}
	}
	if s == "" {
		return p, errors.New("it has no value")
	}
	p.Value = s[1:]
	return p, nil
}

// ParamValues reads the values of a parameter, as they stand in a line; rest
// begins with what ended them.
func ParamValues(s string) (values []string, rest string, err error) {
	start, quoted, marks := 0, false, false
	take := func(end int) {
		v := s[start:end]
		if marks {
			v = strings.ReplaceAll(v, `"`, "")
		}
		if len(values) <= maxParams {
			values = append(values, Uncaret(v))
		}
		start, marks = end+1, false
	}
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"':
			quoted, marks = !quoted, true
		case quoted:
		case c == ',':
			take(i)
		case c == ';' || c == ':':
			take(i)
			return values, s[i:], nil
		}
	}
	if quoted {
		return nil, "", errors.New("a quotation mark is not closed")
	}
	take(len(s))
	return values, "", nil
}
