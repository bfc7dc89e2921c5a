package ical

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"rmp/calendar/contentline"
	"time"
	"unicode/utf8"

	"rmp/calendar/zone"
)

// parse reads a text of one calendar; lines may end as they like.
func parse(t testing.TB, text string) *Calendar {
	t.Helper()
	c, err := ParseText([]byte(text), Limits{})
	if err != nil || len(c) != 1 {
		t.Fatalf("%d calendars, %v in\n%s", len(c), err, text)
	}
	return c[0]
}

// vevent wraps the lines of an event.
func vevent(lines ...string) string {
	return "BEGIN:VCALENDAR\nBEGIN:VEVENT\n" + strings.Join(lines, "\n") + "\nEND:VEVENT\nEND:VCALENDAR\n"
}

// The files are as this package writes them: reading and writing again
// changes nothing, by way of XML neither.
func TestGoldenText(t *testing.T) {
	files, _ := filepath.Glob("testdata/*.ics")
	if len(files) == 0 {
		t.Fatal("no files")
	}
	for _, file := range files {
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		c := parse(t, string(want))
		if got := c.AppendText(nil); !bytes.Equal(got, want) {
			t.Errorf("%s is written as\n%s", file, got)
		}
		if strings.Contains(string(want), `Travel\, far`) { // XML has one list of categories
			c.Events[0].Categories[1] = "Travel"
			want = bytes.Replace(want, []byte(`Travel\, far`), []byte("Travel"), 1)
			want = bytes.Replace(want, []byte(`;X-NOTE="a,b",c^^d`), []byte(`;X-NOTE="a,b,c^^d"`), 1) // nor lists of parameters it does not know
		}
		x, err := read(t, c.XML().String())
		if err != nil {
			t.Fatal(err)
		}
		if got := x.AppendText(nil); !bytes.Equal(got, want) {
			t.Errorf("%s is, by way of XML, written as\n%s", file, got)
		}
	}
	e := parse(t, readFile(t, "testdata/series.ics")).Events
	if len(e) != 1 || len(e[0].Exceptions) != 1 || len(e[0].Alarms) != 1 || len(e[0].Attendees) != 2 {
		t.Fatalf("%+v", e)
	}
	if e[0].Description != "First line\nBEGIN:VEVENT\nC:\\temp" || e[0].Attendees[1].Name != `Bob "B" Lee` || e[0].Attendees[0].Name != "Room 1, East" {
		t.Errorf("%+v", e[0])
	}
}

func readFile(t testing.TB, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// Examples of RFC 5545 section 3.1 and RFC 6868 section 3.
func TestPublishedExamples(t *testing.T) {
	for name, text := range map[string]string{
		"as it is": "DESCRIPTION:This is a long description that exists on a long line.",
		"folded":   "DESCRIPTION:This is a lo\r\n ng description\r\n  that exists on a long line.",
		"by tabs":  "DESCRIPTION:This is a lo\n\tng description\n\t that exists on a long line.",
	} {
		c := parse(t, vevent("DTSTART:20250101", text))
		if got := c.Events[0].Description; got != "This is a long description that exists on a long line." {
			t.Errorf("%s: %q", name, got)
		}
	}
	c := parse(t, vevent("DTSTART:20250101", "ATTENDEE;CN=George Herman ^'Babe^' Ruth:mailto:babe@example.com",
		`GEO;X-ADDRESS="Pittsburgh Pirates^n115 Federal St^nPittsburgh, PA 15212":40.446816;-80.00566`))
	if got := c.Events[0].Attendees[0].Name; got != `George Herman "Babe" Ruth` {
		t.Errorf("%q", got)
	}
	if got := c.Events[0].Extra[0].Params[0].Value; got != "Pittsburgh Pirates\n115 Federal St\nPittsburgh, PA 15212" {
		t.Errorf("%q", got)
	}
	if got := string(c.AppendText(nil)); !strings.Contains(got, "CN=George Herman ^'Babe^' Ruth:") || !strings.Contains(got, `"Pittsburgh Pirates^n115 Federal St^nPittsbu`) {
		t.Errorf("%s", got)
	}
	if got := contentline.Uncaret("^^n^a^"); got != "^n^a^" {
		t.Errorf("%q", got)
	}
}

func TestLenientReading(t *testing.T) {
	text := "\ufeffbegin:vcalendar\nversion:2.0\n\n" +
		"begin:vevent\nuid:1\nrecurrence-id:20250102T100000Z\ndtstart:20250102T110000Z\nend:vevent\n" +
		"begin:vevent\nuid:1\ndtstart;tzid=\"W. Europe Standard Time\":20250101T100000\nduration:PT1H\n" +
		"exdate;tzid=W. Europe Standard Time:20250103T100000,20250104T100000\nexdate;value=date:20250105\n" +
		"rdate;value=period:20250201T100000Z/PT1H,20250202T100000Z/20250202T130000Z\n" +
		"x-microsoft-cdo-busystatus:oof\nx-microsoft-cdo-alldayevent:FALSE\nsummary;language=de:Gr\xc3\n \xb6\xc3\x9fe\x01\nx-a;b=c,\"d;e\":f\\,g\n" +
		"dtend;value=date:\nbegin:x-part\nx:y\nend:x-part\nend:vevent\nbegin:vevent\nuid:2\nrecurrence-id:20250102T100000Z\ndtstart:20250102T110000Z\nend:vevent\nend:vcalendar"
	c := parse(t, text)
	if len(c.Events) != 2 {
		t.Fatalf("%d events", len(c.Events))
	}
	e := c.Events[0]
	if e.Start.Zone != "W. Europe Standard Time" || len(e.ExDates) != 3 || len(e.RDates) != 2 || e.BusyStatus != "OOF" || e.Summary != "Größe" {
		t.Errorf("%+v", e)
	}
	if len(e.Exceptions) != 2 || e.Exceptions[0].RecurrenceID.Wall.Day != 2 {
		for _, x := range e.Exceptions {
			t.Errorf("exception %+v", x)
		}
	}
	if want := []Param{{Name: "B", Value: "c"}, {Name: "B", Value: "d;e"}}; !reflect.DeepEqual(e.Extra[1].Params, want) || e.Extra[1].Value != `f\,g` {
		t.Errorf("%+v", e.Extra)
	}
	s, err := e.Series(zone.Resolver{}.Load, time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	found, err := s.Between(time.Date(2025, 2, 1, 0, 0, 0, 0, time.UTC), time.Date(2025, 3, 1, 0, 0, 0, 0, time.UTC))
	if err != nil || len(found) != 2 || found[0].End.Sub(found[0].Start) != time.Hour || found[1].End.Sub(found[1].Start) != 3*time.Hour {
		t.Errorf("%v, %v", found, err)
	}
	two, err := ParseText([]byte(text+"\n"+text[3:]), Limits{})
	if err != nil || len(two) != 2 {
		t.Errorf("%d calendars, %v", len(two), err)
	}
	parse(t, "BEGIN:VCALENDAR\nMETHOD:CANCEL\nBEGIN:VEVENT\nUID:x\nEND:VEVENT\nEND:VCALENDAR")
}

func TestErrorsSayWhere(t *testing.T) {
	for name, c := range map[string]struct {
		text, property string
		line           int
	}{
		"date":        {vevent("SUMMARY:a", " b", "DTSTART:tomorrow"), "DTSTART", 5},
		"no colon":    {vevent("DTSTART:20250101", "what is this"), "", 4},
		"no start":    {vevent("UID:1"), "VEVENT", 2},
		"ends early":  {vevent("DTSTART:20250102", "DTEND:20250101"), "VEVENT", 2},
		"quote":       {vevent(`X;A="b:c`), "X", 3},
		"sequence":    {vevent("SEQUENCE:-1"), "SEQUENCE", 3},
		"end":         {"BEGIN:VCALENDAR\nEND:VEVENT\n", "END", 2},
		"no end":      {"BEGIN:VCALENDAR\n", "VCALENDAR", 1},
		"outside":     {"X:y\n", "X", 1},
		"offset":      {"BEGIN:VCALENDAR\nBEGIN:VTIMEZONE\nTZID:x\nBEGIN:STANDARD\nDTSTART:20250101T000000\nTZOFFSETFROM:1\nEND:STANDARD\nEND:VTIMEZONE\nEND:VCALENDAR", "", 2},
		"bad period":  {vevent("DTSTART:20250101", "RDATE;VALUE=PERIOD:20250101T000000Z/x"), "RDATE", 4},
		"bad param":   {vevent("X;a b=c:d"), "X", 3},
		"no value":    {vevent("X;A=b"), "X", 3},
		"nested name": {"BEGIN:VCALENDAR\nBEGIN:a b\n", "BEGIN", 2},
	} {
		got, err := ParseText([]byte(c.text), Limits{})
		var p *ParseError
		if !errors.As(err, &p) || p.Line != c.line || p.Property != c.property {
			t.Errorf("%s: %v, %v; want line %d, %q", name, got, err, c.line, c.property)
		}
	}
	for _, text := range []string{"", "\n\n", "\ufeff"} {
		if _, err := ParseText([]byte(text), Limits{}); err == nil {
			t.Errorf("%q is read", text)
		}
	}
}

func TestTextLimits(t *testing.T) {
	many := func(line string, n int) []string {
		out := []string{"DTSTART:20250101"}
		for range n {
			out = append(out, line)
		}
		return out
	}
	for name, c := range map[string]struct {
		text string
		l    Limits
	}{
		"bytes":      {vevent(many("X:y", 10)...), Limits{Bytes: 50}},
		"lines":      {vevent(many("X:y", 100)...), Limits{Lines: 50}},
		"properties": {vevent(many("X:y", 100)...), Limits{Properties: 50}},
		"attendees":  {vevent(many("ATTENDEE:a", 100)...), Limits{Attendees: 50}},
		"values":     {vevent("DTSTART:20250101", "EXDATE:20250101"+strings.Repeat(",20250101", 100)), Limits{Properties: 50}},
		"parameters": {vevent("X;A=1" + strings.Repeat(",1", 200) + ":x"), Limits{}},
		"periods":    {vevent("DTSTART:20250101", "RDATE;VALUE=PERIOD:20250101T000000Z/PT1H"+strings.Repeat(",20250101T000000Z/PT1H", 300)), Limits{}},
		"depth":      {"BEGIN:VCALENDAR\n" + strings.Repeat("BEGIN:A\n", 20), Limits{}},
	} {
		if _, err := ParseText([]byte(c.text), c.l); !errors.Is(err, ErrLimit) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Nothing that a user types becomes a line.
func TestTextInjection(t *testing.T) {
	const evil = "x\r\nATTENDEE:MAILTO:evil@example.com\nEND:VEVENT\rBEGIN:VEVENT\x00\x7f\"^;,:\\"
	c := &Calendar{ProdID: evil, Method: evil, Extra: []Property{{Name: evil, Value: evil}, {Name: "X-A", Value: evil, Params: []Param{{Name: evil, Value: evil}, {Name: "B", Value: evil}}}, {Name: "END", Value: "VCALENDAR"}},
		Events: []*Event{{UID: evil, Start: Time{Kind: Zoned, Wall: zone.Wall{Year: 2025, Month: 1, Day: 1}, Zone: evil}, Summary: evil, Description: evil, Location: evil, URL: evil,
			Categories: []string{evil}, Organizer: &Address{evil, evil}, Attendees: []Attendee{{Address: Address{evil, evil}, Role: evil, Params: []Param{{Name: "X", Value: evil}}}},
			Transp: evil, BusyStatus: evil, Class: evil, Status: evil, RRules: []string{evil}, Alarms: []Component{{Name: "VALARM", Properties: []Property{{Name: "ACTION", Value: evil}}}},
			Extra: []Property{{Name: "BEGIN", Value: "VEVENT"}, {Name: "DTEND", Value: evil}}}},
		Others: []Component{{Name: evil}, {Name: "VEVENT"}}}
	text := c.AppendText(nil)
	for line := range strings.SplitSeq(string(text), "\r\n") {
		if len(line) > contentline.FoldAt || !utf8.ValidString(line) || strings.ContainsAny(line, "\r\n\x00\x7f") || strings.HasPrefix(line, "ATTENDEE:") {
			t.Errorf("%q", line)
		}
	}
	again := parse(t, string(text))
	if len(again.Events) != 1 || len(again.Events[0].Attendees) != 1 || len(again.Others) != 0 {
		t.Errorf("%s", text)
	}
	want := "x\nATTENDEE:MAILTO:evil@example.com\nEND:VEVENT\nBEGIN:VEVENT\"^;,:\\"
	if e := again.Events[0]; e.Summary != want || e.Attendees[0].Name != want || e.Start.Zone != want || e.Categories[0] != want {
		t.Errorf("%+v", e)
	}
}

func TestFolding(t *testing.T) {
	for n := range 200 {
		want := strings.Repeat("a", n) + strings.Repeat("€ö𝄞 ", 40)
		c := &Calendar{Events: []*Event{{Start: Day(2025, 1, 1), Summary: want}}}
		text := string(c.AppendText(nil))
		for l := range strings.SplitSeq(text, "\r\n") {
			if len(l) > 75 || !utf8.ValidString(l) {
				t.Fatalf("%d: %q", n, l)
			}
		}
		if got := parse(t, text).Events[0].Summary; got != want {
			t.Fatalf("%q", got)
		}
	}
}

func FuzzParseText(f *testing.F) {
	for _, name := range []string{"series", "others"} {
		f.Add([]byte(readFile(f, "testdata/"+name+".ics")))
	}
	f.Add([]byte(vevent("DTSTART;TZID=W. Europe Standard Time:20250101T100000", "RDATE;VALUE=PERIOD:20250101T000000Z/PT1H", "X-A;B=\"c\",d^n:e\\,f", "ORGANIZER;SENT-BY=\"mailto:a\":urn:x")))
	f.Fuzz(func(t *testing.T, data []byte) {
		all, err := ParseText(data, Limits{Lines: 1000})
		if err != nil {
			return
		}
		for _, c := range all {
			if err := sameAgain(c); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// sameAgain reports how the calendar differs when it is written and read.
func sameAgain(c *Calendar) error {
	text := c.AppendText(nil)
	for l := range bytes.SplitSeq(text, []byte("\r\n")) {
		if len(l) > contentline.FoldAt || !utf8.Valid(l) {
			return fmt.Errorf("line %q", l)
		}
	}
	again, err := ParseText(text, Limits{})
	if err != nil || len(again) != 1 {
		return fmt.Errorf("%d, %w, in\n%s", len(again), err, text)
	}
	a := again[0]
	if second := a.AppendText(nil); !bytes.Equal(second, text) {
		return fmt.Errorf("written as\n%s\nthen as\n%s", text, second)
	}
	// Zones are described in addition, and the version is always 2.0.
	want := *c
	want.Version = "2.0"
	want.Zones = append(append([]*Timezone{}, c.Zones...), c.missingZones()...)
	if len(want.Zones) == 0 {
		want.Zones = nil
	}
	if !reflect.DeepEqual(a, &want) {
		return fmt.Errorf("read back differently:\n%s\nwas\n%s", a.XML(), want.XML())
	}
	return nil
}
