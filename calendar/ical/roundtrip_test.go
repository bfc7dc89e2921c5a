package ical

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"rmp/calendar/zone"
)

// words is text as users type it, without what neither form can carry.
func words() *rapid.Generator[string] {
	return rapid.Map(rapid.SliceOfN(rapid.SampledFrom([]rune("aB1 ,;:\\\"^'<>&\n\t=-ßñ€𝄞日")), 0, 100), func(r []rune) string { return string(r) })
}

// word is one that stands for itself when blanks around it are cut.
func word() *rapid.Generator[string] { return rapid.StringMatching(`[a-zA-Z0-9,;:\\^ß€-]{1,60}`) }

func times() *rapid.Generator[Time] {
	return rapid.Custom(func(t *rapid.T) Time {
		kind := Kind(rapid.IntRange(int(Date), int(Zoned)).Draw(t, "kind"))
		w := zone.WallOf(time.Unix(rapid.Int64Range(0, 4e9).Draw(t, "at"), 0), time.UTC)
		if kind == Date {
			w = w.Date()
		}
		x := Time{Kind: kind, Wall: w}
		if kind == Zoned {
			x.Zone = rapid.SampledFrom([]string{"Europe/Berlin", "W. Europe Standard Time", "Odd: \"zone\", 1", "Asia/Tokyo"}).Draw(t, "zone")
		}
		return x
	})
}

func params() *rapid.Generator[[]Param] {
	return rapid.Custom(func(t *rapid.T) []Param {
		var out []Param
		for i := range rapid.IntRange(0, 3).Draw(t, "params") {
			out = append(out, Param{Name: fmt.Sprintf("X-P%d", i), Value: words().Draw(t, "value")})
		}
		for i := range rapid.IntRange(0, 2).Draw(t, "delegates") {
			out = append(out, Param{Name: "DELEGATED-TO", Value: fmt.Sprintf("mailto:%d,@x", i)})
		}
		return out
	})
}

func events() *rapid.Generator[*Event] {
	return rapid.Custom(func(t *rapid.T) *Event {
		maybe := func(name string, g *rapid.Generator[string]) string {
			if rapid.Bool().Draw(t, name) {
				return g.Draw(t, name)
			}
			return ""
		}
		e := &Event{UID: word().Draw(t, "uid"), Sequence: rapid.IntRange(0, 9).Draw(t, "sequence"), Stamp: At(time.Unix(1e9, 0)), Start: times().Draw(t, "start"),
			Summary: maybe("summary", words()), Description: maybe("description", words()), Location: maybe("location", words()), URL: maybe("url", rapid.Just("https://x.example/a,b;c")),
			Status: maybe("status", rapid.Just("CONFIRMED")), Transp: maybe("transp", rapid.Just("OPAQUE")), BusyStatus: maybe("busy", rapid.Just("TENTATIVE")),
			Class: maybe("class", rapid.Just("PRIVATE")), Priority: rapid.IntRange(0, 9).Draw(t, "priority"), Created: times().Draw(t, "created")}
		if rapid.Bool().Draw(t, "end") {
			e.End = e.Start
			e.End.Wall = e.End.Wall.AddDays(rapid.IntRange(0, 3).Draw(t, "days"))
		} else {
			e.Duration = time.Duration(rapid.IntRange(0, 1e6).Draw(t, "duration")) * time.Second
		}
		if rapid.Bool().Draw(t, "organized") {
			e.Organizer, e.OrganizerParams = &Address{"ann@corp.example", words().Draw(t, "cn")}, params().Draw(t, "params")
		}
		for range rapid.IntRange(0, 3).Draw(t, "attendees") {
			e.Attendees = append(e.Attendees, Attendee{Address: Address{rapid.SampledFrom([]string{"bob@corp.example", "urn:uuid:1", ""}).Draw(t, "email"), words().Draw(t, "cn")},
				RSVP: rapid.Bool().Draw(t, "rsvp"), PartStat: "ACCEPTED", Params: params().Draw(t, "params")})
		}
		if rapid.Bool().Draw(t, "recurs") {
			e.RRules = []string{"FREQ=WEEKLY;BYDAY=MO,WE"}
			e.RDates = rapid.SliceOfN(times(), 0, 3).Draw(t, "rdates")
			e.ExDates = rapid.SliceOfN(times(), 0, 3).Draw(t, "exdates")
		}
		for range rapid.IntRange(0, 2).Draw(t, "extra") {
			e.Extra = append(e.Extra, Property{Name: "X-A", Params: params().Draw(t, "params"), Value: word().Draw(t, "raw")}, Property{Name: "COMMENT", Value: words().Draw(t, "comment")})
		}
		if rapid.Bool().Draw(t, "alarm") {
			e.Alarms = []Component{{Name: "VALARM", Properties: []Property{{Name: "ACTION", Value: "DISPLAY"}, {Name: "TRIGGER", Value: "-PT5M"}, {Name: "DESCRIPTION", Value: words().Draw(t, "alarm")}}}}
		}
		return e
	})
}

// Text, model, XML, model, text: nothing is lost on the way.
func TestEveryFormKeepsTheMeaning(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := &Calendar{ProdID: word().Draw(t, "prodid"), Method: rapid.SampledFrom([]string{"", "REQUEST"}).Draw(t, "method"), Events: []*Event{events().Draw(t, "event")}}
		if rapid.Bool().Draw(t, "todo") {
			todo := events().Draw(t, "todo")
			todo.Due, todo.End, todo.PercentComplete = times().Draw(t, "due"), Time{}, 50
			c.Todos = []*Event{todo}
		}
		for range rapid.IntRange(0, 2).Draw(t, "exceptions") {
			x := events().Draw(t, "exception")
			x.UID, x.RecurrenceID, x.ThisAndAfter = c.Events[0].UID, times().Draw(t, "recurrence-id"), rapid.Bool().Draw(t, "later")
			x.RRules, x.RDates = nil, nil
			c.Events[0].Exceptions = append(c.Events[0].Exceptions, x)
		}
		if rapid.Bool().Draw(t, "busy") {
			at := At(time.Unix(1e9, 0))
			c.Busy = []*FreeBusy{{UID: "b", Stamp: at, Periods: []Period{{at, At(time.Unix(1e9+60, 0)), "BUSY"}, {at, at, ""}}}}
		}
		text := c.AppendText(nil)
		first, err := ParseText(text, Limits{})
		if err != nil || len(first) != 1 {
			t.Fatalf("%v in\n%s", err, text)
		}
		if err := sameAgain(first[0]); err != nil {
			t.Fatal(err)
		}
		if len(first[0].Events[0].Exceptions) != len(c.Events[0].Exceptions) {
			t.Fatalf("%s", text)
		}
		x, err := readXML(first[0].XML().String())
		if err != nil {
			t.Fatal(err)
		}
		if got := x.AppendText(nil); !bytes.Equal(got, text) {
			t.Fatalf("by way of XML\n%s\nis\n%s", text, got)
		}
		// What users typed arrives as they typed it.
		if a, b := x.Events[0], c.Events[0]; a.Summary != b.Summary || a.Description != b.Description || a.Location != b.Location || a.Start != b.Start {
			t.Fatalf("%q is %q", b.Summary, a.Summary)
		}
	})
}
