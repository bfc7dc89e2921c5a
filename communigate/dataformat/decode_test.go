package dataformat

import (
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"
)

func TestDecoder(t *testing.T) {
	text := "// settings\n{\n  A = 1 ;\n  B = (x,\n    \"y ) }\\\" z\");\n}\n\n#42\n(a,\n b)\nword\n"
	d := NewDecoder(iotest.OneByteReader(strings.NewReader(text)), 1000)
	for _, want := range []Value{Dict{"A": "1", "B": Array{"x", `y ) }" z`}}, int64(42), Array{"a", "b"}, "word"} {
		if got, err := d.Decode(); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%v, %v, want %v", got, err, want)
		}
	}
	if v, err := d.Decode(); !errors.Is(err, io.EOF) {
		t.Errorf("%v, %v after the last", v, err)
	}
	for text, want := range map[string]error{"{a=b;": ErrIncomplete, "(" + strings.Repeat("a,\n", 1000): ErrTooLong} {
		if v, err := NewDecoder(strings.NewReader(text), 1000).Decode(); !errors.Is(err, want) {
			t.Errorf("%.20q: %v, %v", text, v, err)
		}
	}
	if v, err := NewDecoder(strings.NewReader("(a b)\n"), 1000).Decode(); err == nil {
		t.Errorf("%v", v)
	}
}

func FuzzDecoder(f *testing.F) {
	f.Add("{A=1;}\n")
	f.Add("(a,\n\"b\\\"\")\n[QQ==]")
	f.Fuzz(func(t *testing.T, text string) {
		want, err := Parse(text)
		got, err2 := NewDecoder(strings.NewReader(text), 1<<20).Decode()
		if err == nil && err2 == nil && strings.IndexByte(strings.TrimRight(text, "\n"), '\n') < 0 && !reflect.DeepEqual(got, want) {
			t.Fatalf("%q is %v, in a stream %v", text, want, got)
		}
	})
}
