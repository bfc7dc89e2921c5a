package vcard

import (
	"strings"
	"testing"

	"rmp/xmlnode"
)

// TestURIs: values that are no text are written without its escapes.
func TestURIs(t *testing.T) {
	c := &Card{FullName: "x", Geo: "37.38;-122.08", URLs: []string{"https://x.example/a,b;c"}, Photo: &Photo{Type: "PNG", Data: []byte("Hello")}}
	want := "BEGIN:VCARD\r\nVERSION:4.0\r\nFN:x\r\nGEO:geo:37.38,-122.08\r\nURL:https://x.example/a,b;c\r\nPHOTO:data:image/png;base64,SGVsbG8=\r\nEND:VCARD\r\n"
	if got := string(c.AppendText(nil, V4)); got != want {
		t.Errorf("%q", got)
	}
	if got := string(c.AppendText(nil, V3)); !strings.Contains(got, "\r\nGEO:37.38;-122.08\r\n") {
		t.Errorf("%q", got)
	}
	if f, err := ParseText([]byte(want), Limits{}); err != nil || f.Cards[0].Geo != c.Geo {
		t.Errorf("%+v, %v", f, err)
	}
	for address, uri := range map[string]string{"a%b,c@d": "mailto:a%25b%2Cc@d", "+1555": "tel:+1555", "urn:uuid:1-2": "urn:uuid:1-2"} {
		if got := memberURI(address); got != uri || memberAddress(got) != address {
			t.Errorf("%q became %q", address, got)
		}
	}
	if got := memberAddress("MAILTO:a%40b?subject=x"); got != "a@b" {
		t.Errorf("%q", got)
	}
}

// TestFirstOfSeveral: what occurs more often than the model has room for is
// kept.
func TestFirstOfSeveral(t *testing.T) {
	text := "BEGIN:VCARD\r\nVERSION:3.0\r\nFN:x\r\nN:a;b;;;\r\nORG:A;u1\r\nPHOTO;ENCODING=b:SGVs\r\nORG:B;u2\r\nN:;d;;;\r\nPHOTO;ENCODING=b:AAAA\r\nEND:VCARD\r\n"
	f, err := ParseText([]byte(text), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if got := string(f.Cards[0].AppendText(nil, V3)); got != text {
		t.Errorf("%q", got)
	}
	c, err := FromXML(f.Cards[0].XML())
	if err != nil {
		t.Fatal(err)
	}
	if got := string(c.AppendText(nil, V3)); got != text {
		t.Errorf("through XML: %q", got)
	}
}

// TestEmptyParts: an element without text does not hide one that has it.
func TestEmptyParts(t *testing.T) {
	n, err := xmlnode.Parse([]byte("<vCard><EMAIL>\n<USERID>a@b</USERID><VALUE/></EMAIL><TEL>\n<HOME/>\n<VALUE/>\n</TEL></vCard>"), xmlnode.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if c, err := FromXML(n); err != nil || len(c.Emails) != 1 || c.Emails[0].Value != "a@b" || len(c.Phones) != 0 {
		t.Errorf("%+v, %v", c, err)
	}
	n, _ = xmlnode.Parse([]byte(`<vCardGroup><NAME/><FN><VALUE>T</VALUE></FN><MEMBER><VALUE/>b@c</MEMBER></vCardGroup>`), xmlnode.Limits{})
	if g, err := GroupFromXML(n); err != nil || g.Name != "T" || len(g.Members) != 1 {
		t.Errorf("%+v, %v", g, err)
	}
	f, err := ParseText([]byte("BEGIN:VCARD\nFN:x\nTEL;TYPE=:1\nX-A;LANGUAGE=:v\nEND:VCARD\n"), Limits{})
	if err != nil || len(f.Cards[0].Phones[0].Types) != 0 || f.Cards[0].Extra[0].Params[0].Name != "LANGUAGE" {
		t.Errorf("%+v, %v", f, err)
	}
}

// TestLargeValues take time in proportion to their size: with anything worse,
// this test runs for minutes.
func TestLargeValues(t *testing.T) {
	soft := "BEGIN:VCARD\nNOTE;ENCODING=QUOTED-PRINTABLE:" + strings.Repeat("aaaa=\n", 1_000_000) + "a\nEND:VCARD\n"
	if f, err := ParseText([]byte(soft), Limits{}); err != nil || len(f.Cards[0].Note) != 4_000_001 {
		t.Errorf("%v", err)
	}
	var types strings.Builder
	for i := range 1_000_000 {
		types.WriteString("A" + strings.Repeat("B", i%7) + string(rune('A'+i%26)) + ",")
	}
	if f, err := ParseText([]byte("BEGIN:VCARD\nTEL;TYPE=\""+types.String()+"\":1\nEND:VCARD\n"), Limits{}); err != nil || len(f.Cards[0].Phones[0].Types) > maxTypes {
		t.Errorf("%v", err)
	}
}
