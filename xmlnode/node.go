// Package xmlnode reads and writes the small XML documents of wire protocols
// as bounded trees of elements.
//
// It is not a general XML library: there are no namespaces (a prefix is cut
// off and a namespace declaration is an ordinary attribute), no DTD, no
// processing instructions beyond the declaration, and no mixed-content order:
// the character data of an element is joined into Text. That is all that
// CommuniGate Pro's XIMSS protocol and its iCalendar-XML need.
//
// Invariants:
//   - what AppendTo writes, Parse reads back equal (for text that XML can
//     carry; a character XML forbids is written as U+FFFD);
//   - Parse never allocates more than its Limits allow, never follows an
//     entity that is not one of XML's five or numeric, and never panics;
//   - names are compared without regard to letter case on reading, because
//     servers and clients of this protocol family differ in it.
package xmlnode

import (
	"strings"
	"unicode/utf8"
)

// Attr is one attribute of an element.
type Attr struct{ Name, Value string }

// Node is one element.
type Node struct {
	Name     string
	Attrs    []Attr
	Text     string // all character data directly inside the element, joined
	Children []*Node
}

// New makes an element with attributes given as name, value pairs.
func New(name string, attrs ...string) *Node {
	n := &Node{Name: name}
	for i := 0; i+1 < len(attrs); i += 2 {
		n.Attrs = append(n.Attrs, Attr{attrs[i], attrs[i+1]})
	}
	return n
}

// WithText sets the text and returns the element itself.
func (n *Node) WithText(text string) *Node { n.Text = text; return n }

// Add appends children and returns the element itself.
func (n *Node) Add(children ...*Node) *Node {
	n.Children = append(n.Children, children...)
	return n
}

// Set sets an attribute, replacing one of the same name in any letter case.
func (n *Node) Set(name, value string) *Node {
	for i := range n.Attrs {
		if strings.EqualFold(n.Attrs[i].Name, name) {
			n.Attrs[i] = Attr{name, value}
			return n
		}
	}
	n.Attrs = append(n.Attrs, Attr{name, value})
	return n
}

// Is reports whether the element has the name, in any letter case.
func (n *Node) Is(name string) bool { return strings.EqualFold(n.Name, name) }

// Attr answers the value of the first of the named attributes that is
// present, in any letter case, or "".
func (n *Node) Attr(names ...string) string {
	v, _ := n.LookupAttr(names...)
	return v
}

// LookupAttr is Attr that also says whether the attribute is there.
func (n *Node) LookupAttr(names ...string) (string, bool) {
	for _, name := range names {
		for i := range n.Attrs {
			if n.Attrs[i].Name == name {
				return n.Attrs[i].Value, true
			}
		}
		for i := range n.Attrs {
			if strings.EqualFold(n.Attrs[i].Name, name) {
				return n.Attrs[i].Value, true
			}
		}
	}
	return "", false
}

// Child answers the first child with one of the names, in any letter case.
func (n *Node) Child(names ...string) *Node {
	for _, name := range names {
		for _, c := range n.Children {
			if c.Is(name) {
				return c
			}
		}
	}
	return nil
}

// ChildText answers the text of the first child so named, trimmed, or "".
func (n *Node) ChildText(names ...string) string {
	if c := n.Child(names...); c != nil {
		return strings.TrimSpace(c.Text)
	}
	return ""
}

// Find answers the first element of the name in the tree below and including
// n, in document order.
func (n *Node) Find(name string) *Node {
	if n.Is(name) {
		return n
	}
	for _, c := range n.Children {
		if f := c.Find(name); f != nil {
			return f
		}
	}
	return nil
}

// String is the element as XML, for messages and tests.
func (n *Node) String() string { return string(n.AppendTo(nil)) }

// AppendTo appends the element as XML: double-quoted attributes, no blanks
// before "/>", every special character escaped.
func (n *Node) AppendTo(b []byte) []byte {
	b = append(b, '<')
	b = append(b, n.Name...)
	for _, a := range n.Attrs {
		b = append(b, ' ')
		b = append(b, a.Name...)
		b = append(b, '=', '"')
		b = appendEscaped(b, a.Value, true)
		b = append(b, '"')
	}
	if n.Text == "" && len(n.Children) == 0 {
		return append(b, '/', '>')
	}
	b = append(b, '>')
	b = appendEscaped(b, n.Text, false)
	for _, c := range n.Children {
		b = c.AppendTo(b)
	}
	b = append(b, '<', '/')
	b = append(b, n.Name...)
	return append(b, '>')
}

// appendEscaped writes text so that a reader gets the same text back. Line
// breaks and tabs in attributes are written as character references since
// XML's attribute normalisation would turn them into blanks; a carriage
// return always is, since XML's line-end rule would drop it.
func appendEscaped(b []byte, s string, inAttr bool) []byte {
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf {
			i++
			switch {
			case c == '&':
				b = append(b, "&amp;"...)
			case c == '<':
				b = append(b, "&lt;"...)
			case c == '>':
				b = append(b, "&gt;"...)
			case c == '"' && inAttr:
				b = append(b, "&quot;"...)
			case c == '\r':
				b = append(b, "&#13;"...)
			case c == '\n' && inAttr:
				b = append(b, "&#10;"...)
			case c == '\t' && inAttr:
				b = append(b, "&#9;"...)
			case c < 0x20 && c != '\n' && c != '\t':
				b = utf8.AppendRune(b, utf8.RuneError)
			default:
				b = append(b, c)
			}
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		i += size
		if r == utf8.RuneError || r == 0xFFFE || r == 0xFFFF {
			r = utf8.RuneError
		}
		b = utf8.AppendRune(b, r)
	}
	return b
}
