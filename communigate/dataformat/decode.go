package dataformat

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Decoder reads objects one after the other from a stream, such as a file of
// settings or the replies of a server that does not put them on one line. An
// object ends at the end of its last line. A comment must not hold a
// quotation mark or bracket without its counterpart.
type Decoder struct {
	r    *bufio.Reader
	most int
}

// ErrTooLong is wrapped by the error of an object that is beyond the limit.
var ErrTooLong = errors.New("data format: the object is too long")

// NewDecoder reads objects of at most the given number of bytes each.
func NewDecoder(r io.Reader, most int) *Decoder { return &Decoder{bufio.NewReader(r), most} }

// Decode reads the next object; io.EOF says that there is none. Nothing but
// white space and comments may follow an object on its last line.
func (d *Decoder) Decode() (Value, error) {
	var text strings.Builder
	var s scan
	for {
		part, err := d.r.ReadSlice('\n')
		text.Write(part)
		if text.Len() > d.most {
			return nil, fmt.Errorf("%w: more than %d bytes", ErrTooLong, d.most)
		}
		s.feed(part)
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		end := errors.Is(err, io.EOF)
		if err != nil && !end {
			return nil, err
		}
		// Only where all brackets are closed can an object end: so its text is
		// parsed once or a few times, however many lines it has.
		if s.closed() || end {
			v, err := Parse(text.String())
			switch {
			case err == nil:
				return v, nil
			case errors.Is(err, ErrIncomplete) && !end:
				continue
			case errors.Is(err, ErrIncomplete) && blank(text.String()):
				return nil, io.EOF
			}
			return nil, err
		}
	}
}

func blank(s string) bool {
	r := reader{s: s}
	r.space()
	return r.i >= len(s)
}

// scan follows brackets and quotes through a text.
type scan struct {
	depth          int
	quoted, escape bool
}

func (s *scan) feed(b []byte) {
	for _, c := range b {
		switch {
		case s.escape:
			s.escape = false
		case s.quoted && c == '\\':
			s.escape = true
		case c == '"':
			s.quoted = !s.quoted
		case s.quoted:
		case c == '(' || c == '{':
			s.depth++
		case c == ')' || c == '}':
			s.depth--
		}
	}
}

func (s *scan) closed() bool { return s.depth <= 0 && !s.quoted }
