package vcard

import (
	"bytes"
	"errors"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"rmp/calendar/contentline"
	"rmp/xmlnode"
)

// TestForms are cards as programs write them.
func TestForms(t *testing.T) {
	text := "\ufeffBEGIN:VCARD\r\nVERSION:3.0\r\nFN:Ann Lee\r\nN:Lee;Ann;;Dr.;\r\nORG:Corp\\, Ltd;Dev;Team 1\r\nitem1.EMAIL;TYPE=INTERNET,work:ann@corp.example\r\n" +
		"TEL;TYPE=cell;TYPE=voice:+1 555 0100\r\nADR;TYPE=HOME:;;1 Main St\\; rear;Town;;12345;Land\r\nNOTE:two\\nlines with a very long text that has to be folded because it is more tha\r\n n 75 octets\r\n" +
		"CATEGORIES:a,b\\,c\r\nPHOTO;ENCODING=b;TYPE=JPEG:SGVs\r\n bG8=\r\nX-THING;X-P=q:raw\\,value\r\nEND:VCARD\r\n" +
		"begin:vcard\nversion:2.1\nfn;charset=utf-8;encoding=quoted-printable:J=C3=BCrgen =\nGro=C3=9F\ntel;work;fax:1\nend:vcard\n" +
		"BEGIN:VCARD\nVERSION:4.0\nKIND:group\nFN:Team\nMEMBER:mailto:ann@corp.example\nMEMBER;X-CN=Bob:mailto:bob@corp.example\nEND:VCARD\n" +
		"BEGIN:VCARD\nVERSION:4.0\nFN:x\nPHOTO:data:image/png;base64\\,SGVsbG8=\nTEL;VALUE=uri:tel:+1\nEND:VCARD\n"
	f, err := ParseText([]byte(text), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	want := []*Card{{
		FullName: "Ann Lee", Name: Name{Family: "Lee", Given: "Ann", Prefix: "Dr."}, Company: "Corp, Ltd", Units: []string{"Dev", "Team 1"},
		Emails: []Address{{"ann@corp.example", []string{"INTERNET", "WORK"}}}, Phones: []Address{{"+1 555 0100", []string{"CELL", "VOICE"}}},
		Places: []Place{{Street: "1 Main St; rear", Locality: "Town", PostalCode: "12345", Country: "Land", Types: []string{"HOME"}}},
		Note:   "two\nlines with a very long text that has to be folded because it is more than 75 octets", Categories: []string{"a", "b,c"},
		Photo: &Photo{Type: "JPEG", Data: []byte("Hello")},
		Extra: []contentline.Property{{Name: "X-THING", Params: []contentline.Param{{Name: "X-P", Value: "q"}}, Value: `raw\,value`}},
	}, {FullName: "Jürgen Groß", Phones: []Address{{"1", []string{"WORK", "FAX"}}}},
		{FullName: "x", Phones: []Address{{"+1", nil}}, Photo: &Photo{Type: "PNG", Data: []byte("Hello")}}}
	for i, c := range f.Cards {
		if !reflect.DeepEqual(c, want[i]) {
			t.Errorf("card %d:\n got %+v\nwant %+v", i, c, want[i])
		}
	}
	if len(f.Groups) != 1 || !reflect.DeepEqual(f.Groups[0], &Group{Name: "Team", Members: []Member{{"", "ann@corp.example"}, {"Bob", "bob@corp.example"}}}) {
		t.Errorf("%+v", f.Groups)
	}
}

// TestXMLForms are the forms of the known writers of XML.
func TestXMLForms(t *testing.T) {
	n, err := xmlnode.Parse([]byte(`<vcard><FN>Ann Lee</FN><X-FILE-AS>Lee Ann</X-FILE-AS><n><FAMILY>Lee</FAMILY><GIVEN>Ann</GIVEN></n>
		<ORG><ORGNAME>Corp</ORGNAME><ORGUNIT>Dev</ORGUNIT></ORG><BDAY><VALUE>1980-4-1</VALUE></BDAY>
		<EMAIL><WORK/><USERID>ann@corp.example</USERID></EMAIL><EMAIL><HOME/><VALUE>ann@home.example</VALUE></EMAIL>
		<TEL><CELL/><NUMBER>1</NUMBER><VALUE>1</VALUE></TEL><ADR><HOME/><POBOX/><STREET>Main</STREET><CTRY>Land</CTRY></ADR>
		<PHOTO><BINVAL>SGVsbG8=</BINVAL></PHOTO><X-PHOTO-HASH><VALUE>abc</VALUE></X-PHOTO-HASH></vcard>`), xmlnode.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	c, err := FromXML(n)
	want := &Card{FullName: "Ann Lee", FileAs: "Lee Ann", Name: Name{Family: "Lee", Given: "Ann"}, Company: "Corp", Units: []string{"Dev"}, Birthday: "1980-4-1",
		Emails: []Address{{"ann@corp.example", []string{"WORK"}}, {"ann@home.example", []string{"HOME"}}}, Phones: []Address{{"1", []string{"CELL"}}},
		Places: []Place{{Street: "Main", Country: "Land", Types: []string{"HOME"}}}, Photo: &Photo{Data: []byte("Hello")},
		Extra: []contentline.Property{{Name: "X-PHOTO-HASH", Value: "abc"}}}
	if err != nil || !reflect.DeepEqual(c, want) {
		t.Errorf("%v\n got %+v\nwant %+v", err, c, want)
	}
	if got := (&Card{Emails: []Address{{"a@b", []string{"WORK"}}}}).XML().String(); got != "<vCard><EMAIL><WORK/><USERID>a@b</USERID><VALUE>a@b</VALUE></EMAIL></vCard>" {
		t.Errorf("%s", got)
	}
	g := &Group{Name: "Dev team", Note: "core", UID: "1@x", Members: []Member{{"Ann Lee", "ann@corp.example"}, {"", "+1555"}}}
	if got := g.XML().String(); got != `<vCardGroup><FN><VALUE>Dev team</VALUE></FN><NAME><VALUE>Dev team</VALUE></NAME><NOTE><VALUE>core</VALUE></NOTE><UID><VALUE>1@x</VALUE></UID><MEMBER CN="Ann Lee">ann@corp.example</MEMBER><MEMBER>+1555</MEMBER></vCardGroup>` {
		t.Errorf("%s", got)
	}
	n, _ = xmlnode.Parse([]byte(`<vCardGroup><FN><VALUE>T</VALUE></FN><MEMBER><VALUE>a@b</VALUE></MEMBER></vCardGroup>`), xmlnode.Limits{})
	if got, err := GroupFromXML(n); err != nil || !reflect.DeepEqual(got, &Group{Name: "T", Members: []Member{{"", "a@b"}}}) {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := FromXML(xmlnode.New("iCalendar")); !errors.Is(err, ErrXML) {
		t.Errorf("%v", err)
	}
}

func TestRefused(t *testing.T) {
	for text, want := range map[string]string{
		"FN:x\n":                          "line 1",
		"BEGIN:VCARD\nFN:x\n":             "line 1: the card has no end",
		"BEGIN:VCARD\nBEGIN:VCARD\n":      "line 2",
		"BEGIN:VCARD\nno colon\n":         "line 2",
		"BEGIN:VCARD\nFN;CHARSET=KOI8:\n": "character set",
	} {
		if _, err := ParseText([]byte(text), Limits{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", text, err)
		}
	}
	many := []byte(strings.Repeat("BEGIN:VCARD\nFN:x\nEND:VCARD\n", 20))
	for _, l := range []Limits{{Bytes: 10}, {Lines: 5}, {Cards: 3}, {Properties: -1}} {
		if _, err := ParseText(many, l); !errors.Is(err, ErrLimit) {
			t.Errorf("%+v: %v", l, err)
		}
	}
}

func words() *rapid.Generator[string] {
	return rapid.StringOfN(rapid.SampledFrom([]rune("aZ9 ;,:\\\"^=\nüß漢<>&'@-")), 0, 60, -1)
}

func drawCard(t *rapid.T) *Card {
	one := func(name string) string { return words().Draw(t, name) }
	some := func(name string) string {
		s := one(name)
		if s == "" {
			return "x"
		}
		return s
	}
	kinds := func() []string {
		return append([]string(nil), rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"WORK", "HOME", "CELL", "FAX"}), 0, 3, rapid.ID).Draw(t, "types")...)
	}
	c := &Card{FullName: some("fn"), Name: Name{one("family"), one("given"), one("middle"), one("prefix"), one("suffix")}, Nickname: one("nick"), Company: one("company"),
		Title: one("title"), Role: one("role"), Birthday: one("bday"), Note: one("note"), UID: one("uid"), Zone: one("tz"), Geo: one("geo"), FileAs: one("file as"), Revision: one("rev")}
	for range rapid.IntRange(0, 2).Draw(t, "n") {
		c.Units = append(c.Units, some("unit"))
		c.Emails = append(c.Emails, Address{some("email"), kinds()})
		c.Phones = append(c.Phones, Address{some("tel"), kinds()})
		c.Places = append(c.Places, Place{one("pobox"), one("ext"), one("street"), one("locality"), one("region"), one("code"), one("country"), kinds()})
		c.URLs = append(c.URLs, some("url"))
		c.Categories = append(c.Categories, some("category"))
	}
	if rapid.Bool().Draw(t, "photo") {
		c.Photo = &Photo{Type: rapid.SampledFrom([]string{"", "JPEG", "PNG"}).Draw(t, "kind"), Data: rapid.SliceOfN(rapid.Byte(), 1, 200).Draw(t, "data")}
	}
	if rapid.Bool().Draw(t, "extra") {
		c.Extra = append(c.Extra, contentline.Property{Name: "X-MORE", Params: typeParams(kinds()), Value: strings.ReplaceAll(some("raw"), "\n", "")})
	}
	return c
}

// TestRoundTrips: every form says the same.
func TestRoundTrips(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := drawCard(t)
		for _, v := range []Version{V3, V4} {
			text := c.AppendText(nil, v)
			for line := range bytes.SplitSeq(bytes.TrimSuffix(text, []byte("\r\n")), []byte("\r\n")) {
				if len(line) > contentline.FoldAt || bytes.ContainsAny(line, "\r\n") {
					t.Fatalf("a line of %d octets: %q", len(line), line)
				}
			}
			f, err := ParseText(text, Limits{})
			if err != nil || len(f.Cards) != 1 || !reflect.DeepEqual(f.Cards[0], c) {
				t.Fatalf("%v\nhad %+v\ngot %+v\n%s", err, c, f.Cards[0], text)
			}
		}
		n, err := xmlnode.Parse(c.XML().AppendTo(nil), xmlnode.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		got, err := FromXML(n)
		if err != nil || !reflect.DeepEqual(got, c) {
			t.Fatalf("%v\nhad %+v\ngot %+v\n%s", err, c, got, n)
		}
		g := &Group{Name: words().Draw(t, "group"), Note: words().Draw(t, "note"), UID: words().Draw(t, "uid")}
		for range rapid.IntRange(0, 3).Draw(t, "members") {
			g.Members = append(g.Members, Member{words().Draw(t, "cn"), rapid.SampledFrom([]string{"a@b.example", "+1555"}).Draw(t, "address")})
		}
		f, err := ParseText(g.AppendText(nil), Limits{})
		if err != nil || len(f.Groups) != 1 || !reflect.DeepEqual(f.Groups[0], g) {
			t.Fatalf("%v\nhad %+v\ngot %+v", err, g, f)
		}
		if n, err = xmlnode.Parse(g.XML().AppendTo(nil), xmlnode.Limits{}); err != nil {
			t.Fatal(err)
		}
		if again, err := GroupFromXML(n); err != nil || !reflect.DeepEqual(again, g) {
			t.Fatalf("%v\nhad %+v\ngot %+v", err, g, again)
		}
	})
}

func FuzzParseText(f *testing.F) {
	f.Add([]byte("BEGIN:VCARD\nFN;ENCODING=QUOTED-PRINTABLE:a=\nb\nitem1.TEL;WORK:1\nPHOTO;ENCODING=b:SGVs\nEND:VCARD\n"))
	f.Add([]byte("BEGIN:VCARD\nKIND:group\nMEMBER;X-CN=a:mailto:a@b\nEND:VCARD\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := ParseText(data, Limits{})
		if err != nil {
			return
		}
		for _, c := range file.Cards {
			again, err := ParseText(c.AppendText(nil, V3), Limits{Properties: 1 << 20})
			if err != nil || len(again.Cards)+len(again.Groups) != 1 {
				t.Fatalf("%+v was read, and written as %s: %v", c, c.AppendText(nil, V3), err)
			}
			if _, err := xmlnode.Parse(c.XML().AppendTo(nil), xmlnode.Limits{}); err != nil {
				t.Fatalf("%+v: %v", c, err)
			}
		}
	})
}

func FuzzFromXML(f *testing.F) {
	f.Add([]byte("<vCard><EMAIL><WORK/><VALUE>a@b</VALUE></EMAIL><X-A><B>c</B></X-A></vCard>"))
	f.Add([]byte(`<vCardGroup><NAME>a</NAME><MEMBER CN="x">y</MEMBER></vCardGroup>`))
	f.Fuzz(func(t *testing.T, doc []byte) {
		n, err := xmlnode.Parse(doc, xmlnode.Limits{Nodes: 1000})
		if err != nil {
			return
		}
		if c, err := FromXML(n); err == nil {
			again, err := xmlnode.Parse(c.XML().AppendTo(nil), xmlnode.Limits{})
			if err != nil {
				t.Fatalf("%s: %v", c.XML(), err)
			}
			same, err := FromXML(again)
			if err != nil || same.FullName != c.FullName || !reflect.DeepEqual(same.Emails, c.Emails) || len(same.Places) != len(c.Places) {
				t.Fatalf("%+v became %+v, %v", c, same, err)
			}
		}
		if g, err := GroupFromXML(n); err == nil {
			if again, err := GroupFromXML(g.XML()); err != nil || !reflect.DeepEqual(again, g) {
				t.Fatalf("%+v became %+v, %v", g, again, err)
			}
		}
	})
}

func FuzzTextIsStable(f *testing.F) {
	f.Add([]byte("BEGIN:VCARD\nVERSION:3.0\nFN:x\nORG:A;u1\nitem1.EMAIL;TYPE=home:a@b\nX-A;B=c:d\nADR:;;1;;;;\nPHOTO;ENCODING=b:SGVs\nN:a;b;c;d;e\nCATEGORIES:a,b\nEND:VCARD\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := ParseText(data, Limits{})
		if err != nil {
			return
		}
		for _, c := range file.Cards {
			for _, v := range []Version{V3, V4} {
				once := c.AppendText(nil, v)
				again, err := ParseText(once, Limits{Properties: 1 << 20})
				if err != nil || len(again.Cards) != 1 {
					t.Fatalf("%v %s", err, once)
				}
				if twice := again.Cards[0].AppendText(nil, v); string(twice) != string(once) {
					t.Fatalf("%s\n%q\n%q", v, once, twice)
				}
			}
		}
		for _, g := range file.Groups {
			again, err := ParseText(g.AppendText(nil), Limits{Properties: 1 << 20})
			if err != nil || len(again.Groups) != 1 || !reflect.DeepEqual(again.Groups[0], g) {
				t.Fatalf("%v %+v %+v", err, g, again)
			}
		}
	})
}
func FuzzXMLIsStable(f *testing.F) {
	f.Add([]byte("<vCard><EMAIL><WORK/><VALUE>a@b</VALUE></EMAIL><ORG><ORGNAME>a</ORGNAME></ORG><X-A><B>c</B></X-A></vCard>"))
	f.Fuzz(func(t *testing.T, doc []byte) {
		n, err := xmlnode.Parse(doc, xmlnode.Limits{Nodes: 1000})
		if err != nil {
			return
		}
		c, err := FromXML(n)
		if err != nil {
			return
		}
		w := c.XML().AppendTo(nil)
		m, err := xmlnode.Parse(w, xmlnode.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		same, err := FromXML(m)
		if err != nil || !reflect.DeepEqual(same, c) {
			t.Fatalf("%+v\n%+v\n%s", c, same, w)
		}
	})
}

func TestOldCharacterSets(t *testing.T) {
	read := func(line string) (*File, error) {
		return ParseText([]byte("BEGIN:VCARD\nVERSION:2.1\n"+line+"\nEND:VCARD\n"), Limits{})
	}
	for line, want := range map[string]string{
		"FN;CHARSET=windows-1251;ENCODING=QUOTED-PRINTABLE:=CF=E5=F2=F0": "Петр",
		"FN;CHARSET=ISO-8859-1;ENCODING=QUOTED-PRINTABLE:J=FCrgen":       "Jürgen",
		"FN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:J=C3=BCrgen":         "Jürgen",
	} {
		if f, err := read(line); err != nil || f.Cards[0].FullName != want {
			t.Errorf("%s: %+v, %v; want %s", line, f, err, want)
		}
	}
	for _, line := range []string{"FN;CHARSET=klingon;ENCODING=QUOTED-PRINTABLE:x", "FN;CHARSET=windows-1251:x"} {
		if _, err := read(line); err == nil || !strings.Contains(err.Error(), "character set") {
			t.Errorf("%s: %v", line, err)
		}
	}
}
