package dataformat

import (
	"errors"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// vectors are texts and their values; canon is how the writer writes the
// value, "" where that is the text itself.
var vectors = []struct {
	text  string
	value Value
	canon string
}{
	{`abc`, "abc", ""},
	{`""`, "", ""},
	{`"two words"`, "two words", ""},
	{`"say \"hi\""`, `say "hi"`, ""},
	{`"a\\b"`, `a\b`, ""},
	{`"tab\tnl\nend"`, "tab\tnl\nend", `"tab\009nl\010end"`},
	{`"x\009y"`, "x\ty", ""},
	{`"\127\031"`, "\x7f\x1f", ""},
	{`"ab" "cd"`, "abcd", "abcd"},
	{`Привет`, "Привет", `"Привет"`},
	{`ann@corp.example`, "ann@corp.example", `"ann@corp.example"`},
	{`#42`, int64(42), ""},
	{`#-7`, int64(-7), ""},
	{`#010`, int64(10), "#10"},
	{`#0x1F`, int64(31), "#31"},
	{`42`, "42", ""},
	{`#T22-10-2009_15:24:45`, Timestamp{Time: time.Date(2009, 10, 22, 15, 24, 45, 0, time.UTC)}, ""},
	{`#T01-02-2025`, Timestamp{Time: time.Date(2025, 2, 1, 0, 0, 0, 0, time.UTC)}, "#T01-02-2025_00:00:00"},
	{`#TPAST`, Timestamp{Past: true}, ""},
	{`#I[10.0.44.55]:25`, IP{netip.MustParseAddr("10.0.44.55"), 25}, ""},
	{`#I[2001:db8::a:80f]`, IP{Addr: netip.MustParseAddr("2001:db8::a:80f")}, ""},
	{`[SGVsbG8=]`, Datablock("Hello"), ""},
	{`[SGVs] [bG8=]`, Datablock("Hello"), "[SGVsbG8=]"},
	{`[]`, Datablock{}, ""},
	{`()`, Array{}, ""},
	{`{}`, Dict{}, ""},
	{`(a, "b c", #3)`, Array{"a", "b c", int64(3)}, `(a,"b c",#3)`},
	{`{Name=Unit;LastName="da Silva";}`, Dict{"Name": "Unit", "LastName": "da Silva"}, `{LastName="da Silva";Name=Unit;}`},
	{`{a={b=(x,(y));c=#NULL#;};}`, Dict{"a": Dict{"b": Array{"x", Array{"y"}}, "c": Null{}}}, ""},
	{`{all_events@corp.example=lrswipkxtea;}`, Dict{"all_events@corp.example": "lrswipkxtea"}, `{"all_events@corp.example"=lrswipkxtea;}`},
	{"{ A = 1 ;\n B = ( x , y ) ; }", Dict{"A": "1", "B": Array{"x", "y"}}, "{A=1;B=(x,y);}"},
	{`<a x="1"><b/>t</a>`, XML(`<a x="1"><b/>t</a>`), ""},
	{`(#(MailboxHandle 12),z)`, Array{Opaque("#(MailboxHandle 12)"), "z"}, ""},
	{`(27,Mail,"S/MIME",HTTP)`, Array{"27", "Mail", "S/MIME", "HTTP"}, ""},
	{`#null#`, Null{}, "#NULL#"},
	{`(1,#Redirect,(),((Discard,"---")))`, Array{"1", "#Redirect", Array{}, Array{Array{"Discard", "---"}}}, `(1,"#Redirect",(),((Discard,"---")))`},
}

func TestVectors(t *testing.T) {
	for _, v := range vectors {
		got, err := Parse(v.text)
		if err != nil || !reflect.DeepEqual(got, v.value) {
			t.Errorf("%s reads as %#v, %v", v.text, got, err)
		}
		want := v.canon
		if want == "" {
			want = v.text
		}
		if text, err := Text(v.value); err != nil || text != want {
			t.Errorf("%#v writes as %s, %v; want %s", v.value, text, err, want)
		}
	}
	for _, bad := range []string{`{a=b}`, `(a b)`, `(a]`, `{a}`, `"open`, ``, `(`, `#`, `#T99-99-2020`, `#99999999999999999999`, `a)`, `"\000"`, strings.Repeat("(", 1000)} {
		if v, err := Parse(bad); err == nil {
			t.Errorf("%q reads as %#v", bad, v)
		}
	}
	if _, err := Text("a\x00b"); !errors.Is(err, ErrNUL) {
		t.Errorf("a zero byte: %v", err)
	}
}

func values(depth int) *rapid.Generator[Value] {
	leaf := []*rapid.Generator[Value]{
		rapid.Map(rapid.StringMatching(`[^\x00]*`), func(s string) Value { return s }),
		rapid.Map(rapid.Int64(), func(n int64) Value { return n }),
		rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) Value { return Datablock(append([]byte{}, b...)) }),
		rapid.Just[Value](Null{}),
		rapid.Map(rapid.Int64Range(0, 4e9), func(s int64) Value { return Timestamp{Time: time.Unix(s, 0).UTC()} }),
	}
	if depth == 0 {
		return rapid.OneOf(leaf...)
	}
	inner := rapid.Deferred(func() *rapid.Generator[Value] { return values(depth - 1) })
	return rapid.OneOf(append(leaf,
		rapid.Map(rapid.SliceOfN(inner, 0, 4), func(a []Value) Value { return append(Array{}, a...) }),
		rapid.Map(rapid.MapOfN(rapid.StringMatching(`[^\x00]*`), inner, 0, 4), func(m map[string]Value) Value {
			d := Dict{}
			for k, v := range m {
				d[k] = v
			}
			return d
		}))...)
}

func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := values(3).Draw(t, "value")
		text, err := Text(v)
		if err != nil {
			t.Fatal(err)
		}
		if strings.ContainsAny(text, "\r\n\x00") {
			t.Fatalf("%q is more than one line", text)
		}
		back, err := Parse(text)
		if err != nil || !reflect.DeepEqual(back, v) {
			t.Fatalf("%s reads as %#v, %v", text, back, err)
		}
	})
}

func FuzzParse(f *testing.F) {
	for _, v := range vectors {
		f.Add(v.text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		v, err := Parse(text)
		if err != nil {
			return
		}
		canon, err := Text(v)
		if err != nil {
			t.Fatalf("%q was read but cannot be written: %v", text, err)
		}
		back, err := Parse(canon)
		if err != nil {
			t.Fatalf("%q wrote %q: %v", text, canon, err)
		}
		if again, _ := Text(back); again != canon {
			t.Fatalf("%q wrote %q, then %q", text, canon, again)
		}
	})
}
