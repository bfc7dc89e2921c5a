package contentline

import (
	"strings"
	"unicode/utf8"
)

// Writer writes lines.
type Writer struct {
	b    []byte
	line []byte
}

// NewWriter writes behind b.
func NewWriter(b []byte) *Writer { return &Writer{b: b} }

// Bytes is what was written, behind what there was.
func (w *Writer) Bytes() []byte { return w.b }

// Write writes a line. The name must be a Token and the value escaped as its
// type demands; parameters whose name is no Token are left out, and what could
// end the line early is made harmless.
func (w *Writer) Write(name string, params []Param, value string) {
	w.line = append(w.line[:0], name...)
	last := ""
	for _, p := range params {
		param := strings.ToUpper(p.Name)
		if !Token(param) {
			continue
		}
		if param == last { // one more value
			w.line = append(w.line, ',')
		} else {
			w.line = append(append(append(w.line, ';'), param...), '=')
		}
		last = param
		v := Caret(p.Value)
		if strings.ContainsAny(v, ",;:") {
			v = `"` + v + `"`
		}
		w.clean(v)
	}
	w.line = append(w.line, ':')
	w.clean(breaks.Replace(value))
	w.flush()
}

// breaks is for values that have no escapes but must stay on their line.
var breaks = strings.NewReplacer("\r\n", `\n`, "\r", `\n`, "\n", `\n`)

// clean appends to the line without control characters.
func (w *Writer) clean(s string) {
	for _, c := range []byte(strings.ToValidUTF8(s, "\ufffd")) {
		if !isControl(c) {
			w.line = append(w.line, c)
		}
	}
}

// FoldAt is the length of a line, without its end (RFC 5545 section 3.1).
const FoldAt = 75

// flush writes the line, folded.
func (w *Writer) flush() {
	l, room := w.line, FoldAt
	for len(l) > room {
		cut := room
		for cut > 1 && !utf8.RuneStart(l[cut]) {
			cut--
		}
		w.b = append(append(w.b, l[:cut]...), "\r\n "...)
		l, room = l[cut:], FoldAt-1
	}
	w.b = append(append(w.b, l...), "\r\n"...)
}
