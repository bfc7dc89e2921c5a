package xmlnode

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
)

// Limits bounds what Parse accepts. A zero field takes the default.
type Limits struct {
	Depth int // nesting of elements; default 64
	Nodes int // elements in the document; default 2,000,000
	Attrs int // attributes of one element; default 64
}

func (l Limits) withDefaults() Limits {
	if l.Depth == 0 {
		l.Depth = 64
	}
	if l.Nodes == 0 {
		l.Nodes = 2_000_000
	}
	if l.Attrs == 0 {
		l.Attrs = 64
	}
	return l
}

// ErrLimit is wrapped by the error of a document that is beyond the limits.
var ErrLimit = errors.New("XML beyond the limits")

// Parse reads one document and answers its root element.
func Parse(doc []byte, limits Limits) (*Node, error) {
	limits = limits.withDefaults()
	dec := xml.NewDecoder(bytes.NewReader(doc))
	dec.Strict = true
	dec.Entity = map[string]string{} // nothing beyond XML's own five
	dec.CharsetReader = func(charset string, _ io.Reader) (io.Reader, error) {
		return nil, fmt.Errorf("XML in charset %q is not supported", charset)
	}
	var (
		root  *Node
		stack []*Node
		texts [][]byte // character data per open element
		count int
	)
	for {
		tok, err := dec.RawToken()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("parse XML: %w", err)
		}
		switch t := tok.(type) {
		case xml.StartElement:
			if count++; count > limits.Nodes {
				return nil, fmt.Errorf("%w: more than %d elements", ErrLimit, limits.Nodes)
			}
			if len(stack) >= limits.Depth {
				return nil, fmt.Errorf("%w: nested deeper than %d", ErrLimit, limits.Depth)
			}
			if len(t.Attr) > limits.Attrs {
				return nil, fmt.Errorf("%w: more than %d attributes", ErrLimit, limits.Attrs)
			}
			n := &Node{Name: t.Name.Local}
			if len(t.Attr) > 0 {
				n.Attrs = make([]Attr, len(t.Attr))
				for i, a := range t.Attr {
					n.Attrs[i] = Attr{attrName(a.Name), a.Value}
				}
			}
			switch {
			case len(stack) > 0:
				parent := stack[len(stack)-1]
				parent.Children = append(parent.Children, n)
			case root == nil:
				root = n
			default:
				return nil, errors.New("parse XML: a second root element")
			}
			stack = append(stack, n)
			texts = append(texts, nil)
		case xml.EndElement:
			if len(stack) == 0 || stack[len(stack)-1].Name != t.Name.Local {
				return nil, fmt.Errorf("parse XML: unexpected end of element %q", t.Name.Local)
			}
			top := len(stack) - 1
			n := stack[top]
			if len(n.Children) > 0 && len(bytes.TrimSpace(texts[top])) == 0 {
				texts[top] = nil // only layout between children
			}
			n.Text = string(texts[top])
			stack, texts = stack[:top], texts[:top]
		case xml.CharData:
			if len(stack) == 0 {
				if len(bytes.TrimSpace(t)) > 0 && !bytes.Equal(t, []byte("\ufeff")) {
					return nil, errors.New("parse XML: text outside of the root element")
				}
				continue
			}
			texts[len(texts)-1] = append(texts[len(texts)-1], t...)
		case xml.Directive:
			return nil, errors.New("parse XML: document type declarations are not accepted")
		case xml.ProcInst:
			if t.Target != "xml" {
				return nil, fmt.Errorf("parse XML: processing instruction %q is not accepted", t.Target)
			}
		}
	}
	switch {
	case root == nil:
		return nil, errors.New("parse XML: no element")
	case len(stack) > 0:
		return nil, fmt.Errorf("parse XML: element %q is not closed", stack[len(stack)-1].Name)
	}
	return root, nil
}

func attrName(n xml.Name) string {
	if n.Space == "" || n.Space == "xmlns" {
		if n.Space == "xmlns" {
			return "xmlns:" + n.Local
		}
		return n.Local
	}
	return n.Local
}
