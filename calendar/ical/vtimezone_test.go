package ical

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"rmp/calendar/zone"
)

// zoneText wraps parts of a VTIMEZONE.
func zoneText(tzid, parts string) string {
	return "BEGIN:VCALENDAR\nBEGIN:VTIMEZONE\nTZID:" + tzid + "\n" + parts + "END:VTIMEZONE\nEND:VCALENDAR\n"
}

// zonePart is one part; more is lines of its own.
func zonePart(kind, start, from, to, name string, more ...string) string {
	return fmt.Sprintf("BEGIN:%s\nDTSTART:%s\nTZOFFSETFROM:%s\nTZOFFSETTO:%s\nTZNAME:%s\n%s\nEND:%s\n", kind, start, from, to, name, strings.Join(more, "\n"), kind)
}

func unknown(name string) (*time.Location, error) {
	return nil, fmt.Errorf("the time zone %q is not known", name)
}

// The examples of RFC 5545 section 3.6.5, compared with the zone files.
func TestNewYork(t *testing.T) {
	newYork, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	all := zonePart("DAYLIGHT", "19670430T020000", "-0500", "-0400", "EDT", "RRULE:FREQ=YEARLY;BYMONTH=4;BYDAY=-1SU;UNTIL=19730429T070000Z") +
		zonePart("STANDARD", "19671029T020000", "-0400", "-0500", "EST", "RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU;UNTIL=20061029T060000Z") +
		zonePart("DAYLIGHT", "19740106T020000", "-0500", "-0400", "EDT", "RDATE:19750223T020000") +
		zonePart("DAYLIGHT", "19760425T020000", "-0500", "-0400", "EDT", "RRULE:FREQ=YEARLY;BYMONTH=4;BYDAY=-1SU;UNTIL=19860427T070000Z") +
		zonePart("DAYLIGHT", "19870405T020000", "-0500", "-0400", "EDT", "RRULE:FREQ=YEARLY;BYMONTH=4;BYDAY=1SU;UNTIL=20060402T070000Z") +
		zonePart("DAYLIGHT", "20070311T020000", "-0500", "-0400", "EDT", "RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=2SU") +
		zonePart("STANDARD", "20071104T020000", "-0400", "-0500", "EST", "RRULE:FREQ=YEARLY;BYMONTH=11;BYDAY=1SU")
	single := zonePart("STANDARD", "20071104T020000", "-0400", "-0500", "EST") + zonePart("DAYLIGHT", "20070311T020000", "-0500", "-0400", "EDT")
	rules := zonePart("STANDARD", "20071104T020000", "-0400", "-0500", "EST", "RRULE:FREQ=YEARLY;BYMONTH=11;BYDAY=1SU") +
		zonePart("DAYLIGHT", "20070311T020000", "-0500", "-0400", "EDT", "RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=2SU")
	for name, c := range map[string]struct {
		parts       string
		first, last int
	}{"all": {all, 1967, 2020}, "as outlook says it": {strings.ReplaceAll(rules, "2007", "1601"), 2007, 2099}, "one year": {single, 2007, 2007}, "rules": {rules, 2007, 2099}} {
		loc, err := parse(t, zoneText("Fictitious", c.parts)).Resolve(zone.Resolver{}.Load)("Fictitious")
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		first := time.Date(c.first, 4, 1, 0, 0, 0, 0, time.UTC)
		if name == "all" {
			first = time.Date(1967, 1, 1, 0, 0, 0, 0, time.UTC)
		}
		for at := first; at.Year() <= c.last; at = at.Add(30 * time.Minute) {
			wantName, want := at.In(newYork).Zone()
			gotName, got := at.In(loc).Zone()
			if got != want || gotName != wantName || at.In(loc).IsDST() != at.In(newYork).IsDST() {
				t.Fatalf("%s: at %s it is %d %s, want %d %s", name, at, got, gotName, want, wantName)
			}
		}
		if loc.String() != "Fictitious" {
			t.Errorf("%s: it is called %s", name, loc)
		}
	}
}

func TestResolve(t *testing.T) {
	c := parse(t, zoneText("Mine", zonePart("STANDARD", "19700101T000000", "+0130", "+0130", "X")))
	c.Zones = append(c.Zones, &Timezone{TZID: "Europe/Berlin"}, &Timezone{TZID: "Empty"}, &Timezone{TZID: "Mine"},
		&Timezone{TZID: "Often", Rules: []ZoneRule{{Start: zone.Wall{Year: 2000, Month: 1, Day: 1}, RRule: "FREQ=SECONDLY"}}},
		&Timezone{TZID: "Dense", Rules: []ZoneRule{{Start: zone.Wall{Year: 2000, Month: 1, Day: 1}, RRule: "FREQ=YEARLY;BYDAY=MO,TU,WE,TH,FR,SA,SU"}}})
	resolve := c.Resolve(zone.Resolver{}.Load)
	for name, want := range map[string]string{"Mine": "Mine", `"Mine"`: "Mine", "Europe/Berlin": "Europe/Berlin", "Romance Standard Time": "Europe/Paris"} {
		if loc, err := resolve(name); err != nil || loc.String() != want {
			t.Errorf("%s: %v, %v", name, loc, err)
		}
	}
	if _, off := time.Unix(0, 0).In(must(resolve("Mine"))).Zone(); off != 5400 {
		t.Errorf("the offset is %d", off)
	}
	for _, name := range []string{"Empty", "Other", "Often", "Dense"} {
		if loc, err := resolve(name); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v, %v", name, loc, err)
		}
	}
}

func must(loc *time.Location, err error) *time.Location {
	if err != nil {
		panic(err)
	}
	return loc
}

// What is written about a zone gives the same zone again.
func TestTimezoneOf(t *testing.T) {
	for name, parts := range map[string]int{
		"Europe/Berlin": 2, "America/New_York": 2, "Europe/London": 2, "Asia/Jerusalem": 2, "Australia/Lord_Howe": 2, "Asia/Tokyo": 1, "Etc/GMT+12": 1, "UTC": 1,
		"Africa/Casablanca": 0, "Asia/Gaza": 0, "America/Sao_Paulo": 0, "Europe/Istanbul": 0, "Pacific/Apia": 0, "Asia/Pyongyang": 0, "Africa/Sao_Tome": 0, "America/Nuuk": 0,
	} {
		loc := must(time.LoadLocation(name))
		for _, first := range []int{1975, 2010, 2016, 2025} {
			last := first + 3
			z, err := TimezoneOf("Own", loc, first, last)
			if err != nil {
				t.Fatal(err)
			}
			if first == 2025 && parts > 0 && len(z.Rules) != parts || len(z.Rules) > 40 {
				t.Errorf("%s in %d: %d parts", name, first, len(z.Rules))
			}
			c := parse(t, string((&Calendar{Zones: []*Timezone{z}}).AppendText(nil)))
			got := must(c.Resolve(unknown)("Own"))
			if last += 9; strings.Contains(z.Rules[len(z.Rules)-1].RRule, "YEARLY") {
				last = 2099
			}
			for at := time.Date(first, 1, 1, 0, 0, 0, 0, time.UTC); at.Year() <= last; at = at.Add(3 * time.Hour) {
				_, want := at.In(loc).Zone()
				if _, off := at.In(got).Zone(); off != want {
					t.Fatalf("%s from %d: at %s it is %d, want %d", name, first, at, off, want)
				}
			}
		}
	}
}

func TestZonesAreDescribed(t *testing.T) {
	c := parse(t, vevent("DTSTART;TZID=W. Europe Standard Time:20250701T100000", "RRULE:FREQ=WEEKLY", "EXDATE;TZID=HostOS:20250708T100000"))
	again := parse(t, string(c.AppendText(nil)))
	if len(again.Zones) != 1 || again.Zones[0].TZID != "W. Europe Standard Time" {
		t.Fatalf("%+v", again.Zones)
	}
	start, _, err := again.Events[0].Span(again.Resolve(unknown), time.UTC)
	if err != nil || start.UTC().Hour() != 8 {
		t.Errorf("%s, %v", start, err)
	}
}

// FuzzTimezone looks for definitions that take long or break the writer of
// zone data.
func FuzzTimezone(f *testing.F) {
	f.Add("19670430T020000", "-0500", "-0400", "EDT", "FREQ=YEARLY;BYMONTH=4;BYDAY=-1SU;UNTIL=19730429T070000Z", "20050101T000000,20070101T000000")
	f.Add("16010101T000000", "+000001", "+2359", "", "FREQ=YEARLY;BYYEARDAY=-1;COUNT=400;BYSETPOS=1", "")
	f.Fuzz(func(t *testing.T, start, from, to, name, rule, dates string) {
		text := zoneText("Own", zonePart("DAYLIGHT", start, from, to, name, "RRULE:"+rule, "RDATE:"+dates)+
			zonePart("STANDARD", "19001028T030000", "+0200", "+0100", "X", "RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU"))
		all, err := ParseText([]byte(text), Limits{Lines: 100})
		if err != nil {
			return
		}
		begin := time.Now()
		for _, c := range all {
			loc, err := c.Resolve(unknown)("Own")
			if err == nil {
				_, _ = time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC).In(loc).Zone()
			}
		}
		if took := time.Since(begin); took > 5*time.Second {
			t.Fatalf("%s to expand", took)
		}
	})
}
