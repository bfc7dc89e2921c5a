package reconcile

import (
	"testing"
	"time"

	"rmp/internal/booking"
)

// TestBuffersDoNotReachIntoTheWindow: a booking of which only the set-up or
// tear-down time lies in the window is not missed in the calendar's part of
// it.
func TestBuffersDoNotReachIntoTheWindow(t *testing.T) {
	from := time.Date(2027, 3, 1, 0, 0, 0, 0, time.UTC)
	till := from.AddDate(0, 0, 60)
	for _, d := range []booking.Occupied{
		{Start: till, End: till.Add(time.Hour), From: till.Add(-15 * time.Minute), Till: till.Add(time.Hour)},
		{Start: from.Add(-75 * time.Minute), End: from.Add(-15 * time.Minute), From: from.Add(-75 * time.Minute), Till: from.Add(15 * time.Minute)},
	} {
		own := []Own{{Booking: booking.Booking{UID: "u"}, Settled: true, Dates: []booking.Occupied{d}}}
		if found, _ := compare(own, nil, from, till); len(found) > 0 {
			t.Errorf("%v is taken for %s", d, found[0].Kind)
		}
	}
	within := []Own{{Booking: booking.Booking{UID: "u"}, Settled: true, Dates: []booking.Occupied{{Start: from.Add(time.Hour), End: from.Add(2 * time.Hour)}}}}
	if found, _ := compare(within, nil, from, till); len(found) != 1 || found[0].Kind != Deleted {
		t.Errorf("one that is missing: %v", found)
	}
}
