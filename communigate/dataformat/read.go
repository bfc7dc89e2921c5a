package dataformat

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// MaxDepth is how deep arrays and dictionaries may be nested.
const MaxDepth = 64

// SyntaxError says where an object is wrong.
type SyntaxError struct {
	Offset int
	Reason string
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("data format: %s at byte %d", e.Reason, e.Offset)
}

// ErrIncomplete is wrapped by the error of a text that ends inside an object:
// more of it may make it whole.
var ErrIncomplete = errors.New("data format: the text ends inside an object")

// Parse reads a text that is exactly one object.
func Parse(text string) (Value, error) {
	r := reader{s: text}
	v, err := r.value(0)
	if err != nil {
		return nil, err
	}
	r.space()
	if r.i < len(r.s) {
		return nil, r.fail("unexpected %q after the object", r.s[r.i])
	}
	return v, nil
}

// ParsePrefix reads one object at the beginning of a text and answers the
// rest. Strings that follow each other there are several objects, as the
// arguments of a command are.
func ParsePrefix(text string) (Value, string, error) {
	r := reader{s: text, apart: true}
	v, err := r.value(0)
	if err != nil {
		return nil, text, err
	}
	return v, r.s[r.i:], nil
}

type reader struct {
	s string
	i int
	// apart: strings and datablocks that follow each other are several, as
	// the arguments of a command are; inside of an object they are one.
	apart bool
}

func (r *reader) fail(format string, args ...any) error {
	return &SyntaxError{r.i, fmt.Sprintf(format, args...)}
}

func (r *reader) peek() byte {
	if r.i < len(r.s) {
		return r.s[r.i]
	}
	return 0
}

// space skips blanks, line ends and comments.
func (r *reader) space() {
	for r.i < len(r.s) {
		switch c := r.s[r.i]; {
		case c == ' ' || c == '\t' || c == '\r' || c == '\n':
			r.i++
		case strings.HasPrefix(r.s[r.i:], "//"):
			n := strings.IndexByte(r.s[r.i:], '\n')
			if n < 0 {
				n = len(r.s) - r.i
			}
			r.i += n
		case strings.HasPrefix(r.s[r.i:], "/*"):
			n := strings.Index(r.s[r.i+2:], "*/")
			if n < 0 {
				r.i = len(r.s)
				return
			}
			r.i += n + 4
		default:
			return
		}
	}
}

func (r *reader) value(depth int) (Value, error) {
	if depth > MaxDepth {
		return nil, r.fail("nested deeper than %d", MaxDepth)
	}
	r.space()
	if r.i >= len(r.s) {
		return nil, ErrIncomplete
	}
	if r.s[r.i] != '"' && r.s[r.i] != '[' {
		r.apart = false
	}
	switch c := r.s[r.i]; c {
	case '(':
		return r.array(depth)
	case '{':
		return r.dict(depth)
	case '[':
		return r.datablock()
	case '#':
		return r.typed()
	case '<':
		return r.xml()
	}
	return r.str()
}

func (r *reader) array(depth int) (Value, error) {
	r.i++
	out := Array{}
	r.space()
	if r.peek() == ')' {
		r.i++
		return out, nil
	}
	for {
		v, err := r.value(depth + 1)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
		r.space()
		if r.i >= len(r.s) {
			return nil, ErrIncomplete
		}
		switch r.s[r.i] {
		case ',':
			r.i++
		case ')':
			r.i++
			return out, nil
		default:
			return nil, r.fail("expected , or ) in an array, found %q", r.s[r.i])
		}
	}
}

func (r *reader) dict(depth int) (Value, error) {
	r.i++
	out := Dict{}
	for {
		r.space()
		if r.i >= len(r.s) {
			return nil, ErrIncomplete
		}
		if r.s[r.i] == '}' {
			r.i++
			return out, nil
		}
		key, err := r.str()
		if err != nil {
			return nil, err
		}
		r.space()
		if r.i >= len(r.s) {
			return nil, ErrIncomplete
		}
		if r.s[r.i] != '=' {
			return nil, r.fail("expected = after the key %q, found %q", key, r.s[r.i])
		}
		r.i++
		v, err := r.value(depth + 1)
		if err != nil {
			return nil, err
		}
		r.space()
		if r.i >= len(r.s) {
			return nil, ErrIncomplete
		}
		if r.s[r.i] != ';' {
			return nil, r.fail("expected ; after the value of %q, found %q", key, r.s[r.i])
		}
		r.i++
		out[key] = v
	}
}

// atomChar is what a reader takes in an unquoted string: more than a writer
// writes, because the vendor's own libraries leave these unquoted.
func atomChar(c byte) bool {
	return isAlnum(c) || c >= 0x80 || strings.IndexByte("-_.@!#%:/*+]", c) >= 0
}

func (r *reader) str() (string, error) {
	if r.peek() != '"' {
		start := r.i
		for r.i < len(r.s) && atomChar(r.s[r.i]) {
			r.i++
		}
		if r.i == start {
			return "", r.fail("unexpected %q", r.s[r.i])
		}
		return r.s[start:r.i], nil
	}
	var b strings.Builder
	for {
		if err := r.quoted(&b); err != nil {
			return "", err
		}
		mark := r.i
		if r.space(); r.peek() != '"' || r.apart {
			r.i = mark
			return b.String(), nil
		}
	}
}

func (r *reader) quoted(b *strings.Builder) error {
	r.i++
	for r.i < len(r.s) {
		c := r.s[r.i]
		r.i++
		switch c {
		case '"':
			return nil
		case 0:
			return r.fail("zero byte in a string")
		case '\\':
			if r.i >= len(r.s) {
				return ErrIncomplete
			}
			if err := r.escape(b); err != nil {
				return err
			}
		default:
			b.WriteByte(c)
		}
	}
	return ErrIncomplete
}

func (r *reader) escape(b *strings.Builder) error {
	c := r.s[r.i]
	if c >= '0' && c <= '9' {
		if r.i+3 > len(r.s) {
			return ErrIncomplete
		}
		n, err := strconv.ParseUint(r.s[r.i:r.i+3], 10, 8)
		if err != nil || n == 0 {
			return r.fail(`\%s is not a byte in three decimal digits`, r.s[r.i:r.i+3])
		}
		b.WriteByte(byte(n))
		r.i += 3
		return nil
	}
	r.i++
	switch c {
	case 'r':
		b.WriteByte('\r')
	case 'n', 'e':
		b.WriteByte('\n')
	case 't':
		b.WriteByte('\t')
	case '"', '\\':
		b.WriteByte(c)
	case 0:
		return r.fail("zero byte in a string")
	default:
		b.WriteByte('\\')
		b.WriteByte(c)
	}
	return nil
}

func (r *reader) datablock() (Value, error) {
	out := Datablock{}
	for {
		end := strings.IndexByte(r.s[r.i:], ']')
		if end < 0 {
			return nil, ErrIncomplete
		}
		text := strings.Map(func(c rune) rune {
			if strings.ContainsRune(" \t\r\n", c) {
				return -1
			}
			return c
		}, r.s[r.i+1:r.i+end])
		block, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(text, "="))
		if err != nil {
			return nil, r.fail("not base64 in a datablock")
		}
		out = append(out, block...)
		r.i += end + 1
		mark := r.i
		if r.space(); r.peek() != '[' || r.apart {
			r.i = mark
			return out, nil
		}
	}
}

// typed reads what begins with #. A bare word such as #Redirect, which is
// none of the typed objects, is a string.
func (r *reader) typed() (Value, error) {
	rest := r.s[r.i:]
	switch {
	case len(rest) >= 6 && strings.EqualFold(rest[:6], "#NULL#"):
		r.i += 6
		return Null{}, nil
	case strings.HasPrefix(rest, "#I["):
		return r.ip()
	case strings.HasPrefix(rest, "#("):
		end := strings.IndexByte(rest, ')')
		if end < 0 {
			return nil, ErrIncomplete
		}
		r.i += end + 1
		return Opaque(rest[:end+1]), nil
	}
	word, err := r.str()
	if err != nil {
		return nil, err
	}
	body := word[1:]
	switch {
	case body == "TPAST":
		return Timestamp{Past: true}, nil
	case body == "TFUTURE":
		return Timestamp{Future: true}, nil
	case strings.HasPrefix(body, "T") && len(body) > 1 && body[1] >= '0' && body[1] <= '9':
		for _, layout := range []string{"T" + timeLayout, "T02-01-2006"} {
			if t, err := time.Parse(layout, body); err == nil {
				return Timestamp{Time: t}, nil
			}
		}
		return nil, r.fail("%q is not a timestamp", word)
	case body == "":
		return nil, r.fail("a lone #")
	case body[0] == '-' || body[0] >= '0' && body[0] <= '9':
		base := 10
		if digits := strings.TrimPrefix(body, "-"); len(digits) > 1 && digits[0] == '0' && strings.IndexByte("xob", digits[1]) >= 0 {
			base = 0 // 0x1F and its like are read, never written
		}
		n, err := strconv.ParseInt(body, base, 64)
		if err != nil {
			return nil, r.fail("%q is not a number of 64 bits", word)
		}
		return n, nil
	}
	return word, nil
}

func (r *reader) ip() (Value, error) {
	end := strings.IndexByte(r.s[r.i:], ']')
	if end < 0 {
		return nil, ErrIncomplete
	}
	addr, err := netip.ParseAddr(r.s[r.i+3 : r.i+end])
	if err != nil || addr.Zone() != "" {
		return nil, r.fail("not an IP address")
	}
	r.i += end + 1
	out := IP{Addr: addr}
	if r.peek() != ':' {
		return out, nil
	}
	start := r.i + 1
	r.i = start
	for r.i < len(r.s) && r.s[r.i] >= '0' && r.s[r.i] <= '9' {
		r.i++
	}
	port, err := strconv.ParseUint(r.s[start:r.i], 10, 16)
	if err != nil {
		return nil, r.fail("not a port number")
	}
	out.Port = uint16(port)
	return out, nil
}

// xml keeps an element as its text: to the end of the outermost element.
func (r *reader) xml() (Value, error) {
	depth, start := 0, r.i
	for r.i < len(r.s) {
		open := strings.IndexByte(r.s[r.i:], '<')
		if open < 0 {
			return nil, ErrIncomplete
		}
		r.i += open
		end := tagEnd(r.s[r.i:])
		if end < 0 {
			return nil, ErrIncomplete
		}
		tag := r.s[r.i : r.i+end]
		r.i += end
		switch {
		case strings.HasPrefix(tag, "</"):
			depth--
		case !strings.HasSuffix(tag, "/>"):
			if depth++; depth > MaxDepth {
				return nil, r.fail("nested deeper than %d", MaxDepth)
			}
		}
		if depth < 0 {
			return nil, r.fail("an end tag without its start")
		}
		if depth == 0 {
			return XML(r.s[start:r.i]), nil
		}
	}
	return nil, ErrIncomplete
}

// tagEnd is the length of the tag at the beginning of s, with regard to
// quoted attribute values.
func tagEnd(s string) int {
	var quote byte
	for i := range len(s) {
		switch c := s[i]; {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case c == '>':
			return i + 1
		}
	}
	return -1
}
