package api

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
	"time"

	"rmp/calendar/zone"
	"rmp/internal/booking"
	"rmp/internal/fault"
)

// parseTime reads an RFC 3339 time. One without an offset is taken as wall
// time in the zone, if that is given; in a gap of the zone's clock it takes the
// offset before the gap, in an overlap the first.
func parseTime(bad *fault.Fields, pointer, s, zoneName string) time.Time {
	if s == "" {
		bad.Add(pointer, "is missing")
		return time.Time{}
	}
	t, err := time.Parse(time.RFC3339, s)
	if err == nil {
		if t.Year() < 1970 || t.Year() > 2200 {
			bad.Add(pointer, "is outside of the years 1970 to 2200")
			return time.Time{}
		}
		return t.UTC()
	}
	for _, layout := range []string{"2006-01-02T15:04:05", "2006-01-02T15:04"} {
		w, err := time.Parse(layout, s)
		if err != nil {
			continue
		}
		if zoneName == "" {
			bad.Add(pointer, "has no offset from UTC; add one, such as Z or +02:00, or give timeZone")
			return time.Time{}
		}
		if !booking.KnownZone(zoneName) {
			return time.Time{} // the zone itself is reported
		}
		if w.Year() < 1970 || w.Year() > 2200 {
			bad.Add(pointer, "is outside of the years 1970 to 2200")
			return time.Time{}
		}
		return wallTime(w, zoneName)
	}
	bad.Add(pointer, "%q is not a time such as 2026-09-01T14:00:00Z", clip(s))
	return time.Time{}
}

func checkRange(bad *fault.Fields, pointer string, from, till time.Time) {
	if from.IsZero() || till.IsZero() {
		return
	}
	if !till.After(from) {
		bad.Add(pointer, "is not after the beginning of the range")
	} else if till.Sub(from) > maxRange {
		bad.Add(pointer, "is more than %d days after the beginning of the range", int(maxRange.Hours()/24))
	}
}

func clip(s string) string {
	if len(s) > 60 {
		return strings.ToValidUTF8(s[:60], "") + "…"
	}
	return s
}

func etag(version int64) string { return fmt.Sprintf(`"%d"`, version) }

// ifMatch reads an If-Match header: the version it names, or 0 for none.
func ifMatch(h string) (int64, error) {
	h = strings.TrimSpace(h)
	if h == "" || h == "*" {
		return 0, nil
	}
	s, ok := strings.CutPrefix(strings.TrimPrefix(h, "W/"), `"`)
	s, ok2 := strings.CutSuffix(s, `"`)
	v, err := strconv.ParseInt(s, 10, 64)
	if !ok || !ok2 || err != nil || v < 1 {
		return 0, fault.New(fault.Stale, "the If-Match header is not an ETag of this resource; read it again")
	}
	return v, nil
}

func encodeCursor(place string) string { return base64.RawURLEncoding.EncodeToString([]byte(place)) }

func decodeCursor(s string) (string, error) {
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil {
		return "", fault.InvalidField("query.cursor", "is not a cursor of this list")
	}
	return string(b), nil
}

// wallTime places a wall-clock time in a zone that is known to exist.
func wallTime(w time.Time, name string) time.Time {
	loc, err := zone.LoadIANA(name)
	if err != nil {
		return time.Time{}
	}
	return zone.WallOf(w, time.UTC).In(loc).UTC()
}
