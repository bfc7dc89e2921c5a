package ical

import (
	"fmt"
	"strings"
	"time"

	"rmp/calendar/contentline"
	"rmp/calendar/zone"
)

// parseTime reads yyyyMMdd, yyyyMMddTHHmmss or yyyyMMddTHHmmssZ; tzid is the
// zone of a wall time, or "" for a floating one.
func parseTime(s, tzid string) (Time, error) {
	s = strings.TrimSpace(s)
	num := func(from, to int) int {
		n := 0
		for _, c := range []byte(s[from:to]) {
			if c < '0' || c > '9' {
				return -1
			}
			n = n*10 + int(c-'0')
		}
		return n
	}
	bad := fmt.Errorf("%q is not a date or time such as 20260901 or 20260901T140000Z", contentline.Clip(s))
	if len(s) != 8 && !((len(s) == 15 || len(s) == 16 && s[15] == 'Z') && s[8] == 'T') {
		return Time{}, bad
	}
	t := Time{Kind: Date, Wall: zone.Wall{Year: num(0, 4), Month: time.Month(num(4, 6)), Day: num(6, 8)}}
	if len(s) > 8 {
		t.Wall.Hour, t.Wall.Minute, t.Wall.Second = num(9, 11), num(11, 13), num(13, 15)
		if t.Wall.Second == 60 { // a leap second counts as the one before it
			t.Wall.Second = 59
		}
		switch {
		case len(s) == 16:
			t.Kind = UTC
		case tzid != "":
			t.Kind, t.Zone = Zoned, tzid
		default:
			t.Kind = Floating
		}
	}
	if !t.Wall.Valid() {
		return Time{}, bad
	}
	return t, nil
}

// String is the time as calendar data writes it, without its zone.
func (t Time) String() string {
	switch t.Kind {
	case None:
		return ""
	case Date:
		return t.Wall.String()[:8]
	case UTC:
		return t.Wall.String() + "Z"
	}
	return t.Wall.String()
}

// Resolve finds the location of a zone name.
type Resolve func(tzid string) (*time.Location, error)

// location is where the time's wall clock hangs; local is for dates and
// floating times.
func (t Time) location(resolve Resolve, local *time.Location) (*time.Location, error) {
	switch t.Kind {
	case UTC:
		return time.UTC, nil
	case Zoned:
		return resolve(t.Zone)
	}
	return local, nil
}

// Instant places the time on the time line.
func (t Time) Instant(resolve Resolve, local *time.Location) (time.Time, error) {
	loc, err := t.location(resolve, local)
	if err != nil {
		return time.Time{}, err
	}
	return t.Wall.In(loc), nil
}

// ParseTime reads a date or time as calendar data writes it; tzid is the zone
// of a wall time, or "" for a floating one.
func ParseTime(s, tzid string) (Time, error) { return parseTime(s, tzid) }
