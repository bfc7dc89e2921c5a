package xmlnode

import (
	"errors"
	"reflect"
	"strings"
	"testing"
)

func TestRoundTrip(t *testing.T) {
	n := New("a", "x", "1 < 2 & \"q\"\n\tend", "y", "").Add(
		New("b").WithText("  kept \r\n & <c>  "), New("Ünïcode"), New("d").Add(New("e", "f", "g")))
	got, err := Parse(n.AppendTo(nil), Limits{})
	if err != nil || !reflect.DeepEqual(got, n) {
		t.Fatalf("%s reads as %s, %v", n, got, err)
	}
	if got := New("a").WithText("\x00\x1f\xff").String(); got != "<a>\uFFFD\uFFFD\uFFFD</a>" {
		t.Errorf("what XML forbids is written as %q", got)
	}
}

func TestRefused(t *testing.T) {
	for name, doc := range map[string]string{
		"empty": "", "text": "hello", "open": "<a>", "crossed": "<a><b></a></b>", "two roots": "<a/><b/>",
		"document type": `<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>`, "entity": "<a>&x;</a>", "instruction": "<?php ?><a/>",
	} {
		if n, err := Parse([]byte(doc), Limits{}); err == nil {
			t.Errorf("%s reads as %s", name, n)
		}
	}
	deep := strings.Repeat("<a>", 100) + strings.Repeat("</a>", 100)
	wide := "<a>" + strings.Repeat("<b/>", 100) + "</a>"
	for _, c := range []struct {
		doc string
		l   Limits
	}{{deep, Limits{}}, {wide, Limits{Nodes: 50}}, {`<a b="1" c="2"/>`, Limits{Attrs: 1}}} {
		if _, err := Parse([]byte(c.doc), c.l); !errors.Is(err, ErrLimit) {
			t.Errorf("%.20s: %v", c.doc, err)
		}
	}
}

func TestLookups(t *testing.T) {
	n, err := Parse([]byte(`<XIMSS><Session URLID="1"/> <response id="2"/></XIMSS>`), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if n.Text != "" || n.Child("session").Attr("urlID") != "1" || n.Find("RESPONSE").Attr("other", "ID") != "2" || n.Child("none") != nil {
		t.Errorf("%s", n)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`<a b="c"><d>e</d><!-- x --></a>`))
	f.Add([]byte("<a>&#13;&amp;</a>"))
	f.Fuzz(func(t *testing.T, doc []byte) {
		n, err := Parse(doc, Limits{Nodes: 1000})
		if err != nil {
			return
		}
		if _, err := Parse(n.AppendTo(nil), Limits{Nodes: 1000}); err != nil && validNames(n) {
			t.Fatalf("%q was read, and written as %q: %v", doc, n, err)
		}
	})
}

// validNames reports whether all names stay what they are without their
// prefix: a:1 is read as 1, which is no name.
func validNames(n *Node) bool {
	for _, a := range n.Attrs {
		if strings.HasPrefix(a.Name, "xmlns:") || !nameStart(a.Name) {
			return false
		}
	}
	for _, c := range n.Children {
		if !validNames(c) {
			return false
		}
	}
	return nameStart(n.Name)
}

func nameStart(s string) bool {
	return s != "" && (s[0] >= 'a' && s[0] <= 'z' || s[0] >= 'A' && s[0] <= 'Z' || s[0] == '_')
}
