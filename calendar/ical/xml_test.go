package ical

import (
	"strings"
	"testing"
	"time"

	"rmp/calendar/zone"
	"rmp/xmlnode"
)

func read(t testing.TB, doc string) (*Calendar, error) {
	t.Helper()
	c, err := readXML(doc)
	if err != nil && strings.Contains(err.Error(), "parse XML") {
		t.Fatal(err)
	}
	return c, err
}

func readXML(doc string) (*Calendar, error) {
	n, err := xmlnode.Parse([]byte(doc), xmlnode.Limits{})
	if err != nil {
		return nil, err
	}
	return FromXML(n)
}

const published = `<iCalendar xmlns="urn:ietf:params:xml:ns:xcal"><vCalendar method="PUBLISH" prodid="-//x//y" version="2.0"><vevent>` +
	`<organizer CN="Ann Lee">MAILTO:ann@corp.example</organizer>` +
	`<attendee PARTSTAT="ACCEPTED" ROLE="NON-PARTICIPANT" CUTYPE="RESOURCE" CN="Room 1">MAILTO:room-1@corp.example</attendee>` +
	`<uid>RMP-1</uid><sequence>2</sequence><dtstamp>20250815T101500Z</dtstamp><dtstart TZID="Europe/Berlin">20250822T140000</dtstart>` +
	`<dtend TZID="Europe/Berlin">20250822T150000</dtend><summary>Review &amp; plan</summary><transp>OPAQUE</transp><busyStatus>BUSY</busyStatus>` +
	`<rrule>FREQ=WEEKLY;COUNT=3</rrule><X-RMP-ACTUAL-ORGANIZER>MAILTO:bob@corp.example</X-RMP-ACTUAL-ORGANIZER></vevent></vCalendar></iCalendar>`

func TestXMLRoundTrip(t *testing.T) {
	c, err := read(t, published)
	if err != nil {
		t.Fatal(err)
	}
	if got := c.XML().String(); got != published {
		t.Errorf("written as\n%s\nwant\n%s", got, published)
	}
	lower := strings.NewReplacer("iCalendar", "icalendar", "vCalendar", "vcalendar", "PARTSTAT", "partstat", "busyStatus", "busystatus",
		"<rrule>FREQ=WEEKLY;COUNT=3</rrule>", "<rrule><freq>WEEKLY</freq><count>3</count></rrule>").Replace(published)
	c, err = read(t, lower)
	if err != nil {
		t.Fatal(err)
	}
	if got := c.XML().String(); got != published {
		t.Errorf("in lower case it reads as\n%s", got)
	}
}

func TestWeeklyKeepsItsWallTime(t *testing.T) {
	c, err := read(t, strings.Replace(published, "20250822T1", "20251017T1", 2))
	if err != nil {
		t.Fatal(err)
	}
	s, err := c.Events[0].Series(zone.Resolver{}.Load, time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	found, err := s.Between(time.Date(2025, 10, 1, 0, 0, 0, 0, time.UTC), time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
	if err != nil || len(found) != 3 {
		t.Fatalf("%v, %v", found, err)
	}
	for i, want := range []string{"2025-10-17T12:00:00Z", "2025-10-24T12:00:00Z", "2025-10-31T13:00:00Z"} {
		if got := found[i].Start.UTC().Format(time.RFC3339); got != want {
			t.Errorf("occurrence %d is at %s, want %s", i, got, want)
		}
	}
}

func TestIllegalData(t *testing.T) {
	for name, c := range map[string][2]string{
		"no start":   {`<dtstart TZID="Europe/Berlin">20250822T140000</dtstart>`, ""},
		"no time":    {"20250822T140000", "tomorrow"},
		"32 August":  {"20250822T140000", "20250832T140000"},
		"ends early": {"20250822T150000", "20250822T130000"},
		"sequence":   {"<sequence>2<", "<sequence>-2<"},
	} {
		if got, err := read(t, strings.Replace(published, c[0], c[1], 1)); err == nil {
			t.Errorf("%s: read as %s", name, got.XML())
		}
	}
}

// What is read can be written and reads back the same. Series are compiled
// but not expanded: a rule of every second takes its time within its limits,
// and package recurrence has its own tests.
func FuzzFromXML(f *testing.F) {
	f.Add([]byte(published))
	f.Add([]byte(`<icalendar><vcalendar><vtimezone><tzid>x</tzid><standard><dtstart>19700101T000000</dtstart><tzoffsetfrom>+0100</tzoffsetfrom>` +
		`<tzoffsetto>+0200</tzoffsetto></standard></vtimezone><vtodo><due>20250101</due><exceptions><vtodo><recurrence-id>20250101</recurrence-id></vtodo></exceptions>` +
		`<valarm><trigger>-PT5M</trigger></valarm></vtodo><vfreebusy><freebusy FBTYPE="BUSY">20250821T090000Z/PT1H</freebusy></vfreebusy></vcalendar></icalendar>`))
	f.Fuzz(func(t *testing.T, doc []byte) {
		n, err := xmlnode.Parse(doc, xmlnode.Limits{Nodes: 1000})
		if err != nil {
			return
		}
		c, err := FromXML(n)
		if err != nil {
			return
		}
		for _, e := range c.Events {
			_, _ = e.Series(c.Resolve(zone.Resolver{Host: time.UTC}.Load), time.UTC)
		}
		written := c.XML().String()
		again, err := read(t, written)
		if err != nil {
			t.Fatalf("written as %s: %v", written, err)
		}
		if got := again.XML().String(); got != written {
			t.Fatalf("written as\n%s\nthen as\n%s", written, got)
		}
		for _, c := range []*Calendar{c, again} {
			if _, err := ParseText(c.AppendText(nil), Limits{}); err != nil {
				t.Fatalf("%s\n%s\n%v", written, c.AppendText(nil), err)
			}
		}
	})
}
