package app

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rmp/communigate/standin/ximssserver"
	"rmp/communigate/ximss"
	"rmp/internal/availability"
	"rmp/internal/booking"
)

// TestPlanner: what is suggested can be booked, what is not cannot, over the
// wire.
func TestPlanner(t *testing.T) {
	r := newRig(t, filepath.Join(t.TempDir(), "rmp.db"))
	r.book(ask(0, 9))
	r.as(ben, ximss.OpenCalendar("c", "Calendar"), foreign("own", at(0, 10), at(0, 12)))
	r.as(ben, openRoom(), foreign("outlook", at(0, 13), at(0, 14)))
	q := availability.Query{Who: r.anna, People: []availability.Participant{{Email: ben}}, Duration: time.Hour, From: at(0, 8), Till: at(0, 18), Limit: 200,
		AnyOf: []availability.AnyOf{{Type: "conference-room", MinCapacity: 1}}, Constraints: availability.Constraints{Granularity: time.Hour}}
	hours := func(q availability.Query) (out []string) {
		t.Helper()
		res, err := r.availability.FindSlots(t.Context(), q)
		if err != nil || len(res.Unknown) > 0 {
			t.Fatal(res.Unknown, err)
		}
		for _, s := range res.Slots {
			out = append(out, s.Start.Sub(at(0, 0)).String()+" "+strings.Split(s.Resources[0], "@")[0])
		}
		return out
	}
	same(t, "slots", hours(q), "8h0m0s hall", "9h0m0s hall", "12h0m0s hall", "13h0m0s hall", "14h0m0s hall", "15h0m0s hall", "16h0m0s hall", "17h0m0s hall")
	q.AnyOf = nil
	list, err := r.db.For("a").Resource(t.Context(), room)
	if err != nil {
		t.Fatal(err)
	}
	q.Resources = append(q.Resources, list)
	same(t, "in the room", hours(q), "8h0m0s room", "12h0m0s room", "14h0m0s room", "15h0m0s room", "16h0m0s room", "17h0m0s room")
	for h := 8; h < 18; h++ {
		b := ask(0, h)
		b.TimeZone = "Europe/Berlin"
		_, err := r.service.Create(t.Context(), r.anna, b)
		var taken *booking.ConflictError
		// Ben has no time at ten and eleven; the room has.
		if free := h != 9 && h != 13; free != (err == nil) || err != nil && !errors.As(err, &taken) {
			t.Errorf("%d o'clock: %v", h, err)
		}
	}
	// Our own bookings are known at once.
	res, err := r.availability.FindSlots(t.Context(), q)
	if err != nil || len(res.Slots) != 0 || len(res.Why) == 0 || res.Why[0].Name != room || res.Why[0].Share != 1 {
		t.Errorf("%+v, %v", res, err)
	}
	found := ""
	for _, x := range res.Relax {
		found += x.Code + " "
	}
	if !strings.Contains(found, "without-resource") || !strings.Contains(found, "later") {
		t.Errorf("would help: %s", found)
	}

	w, err := r.availability.InitializeWithParticipants(t.Context(), r.anna, q.People, []string{hall}, at(0, 0), at(1, 0))
	if err != nil {
		t.Fatal(err)
	}
	if v, err := w.CheckTimeslotAvailability(t.Context(), at(0, 10), at(0, 11)); err != nil || v.Available {
		t.Errorf("%+v, %v", v, err)
	}
	if busy, err := w.GetBusyParticipants(t.Context(), at(0, 10), at(0, 11)); err != nil || len(busy) != 1 || busy[0].Email != ben {
		t.Errorf("%+v, %v", busy, err)
	}
	if next, ok, err := w.NextAvailableSlot(t.Context(), at(0, 11), time.Hour, q.Constraints); err != nil || !ok || !next.Start.Equal(at(0, 12)) {
		t.Errorf("%+v, %t, %v", next, ok, err)
	}
	if _, err := w.CheckTimeslotAvailability(t.Context(), at(2, 10), at(2, 11)); !errors.Is(err, availability.ErrOutside) {
		t.Errorf("%v", err)
	}
}

// TestFreeBusyInAFormNobodyKnows: the calendar serves instead, else the
// published file; and if there is none, it is not known, and not free.
func TestFreeBusyInAFormNobodyKnows(t *testing.T) {
	r := newRig(t, filepath.Join(t.TempDir(), "rmp.db"), ximssserver.Quirks{FreeBusyUnknown: true})
	r.as(ben, ximss.OpenCalendar("c", "Calendar"), foreign("own", at(0, 10), at(0, 12)))
	got, err := r.availability.Busy(t.Context(), "a", []string{ben}, at(0, 0), at(1, 0))
	if err != nil || len(got) != 1 || got[0].Err != nil || len(got[0].Busy) != 1 || !got[0].Busy[0].Start.Equal(at(0, 10)) || got[0].Busy[0].Title != "" {
		t.Errorf("%+v, %v", got, err)
	}
	vfb := "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VFREEBUSY\r\nFREEBUSY:" + at(0, 14).Format("20060102T150405Z") + "/" + at(0, 15).Format("20060102T150405Z") + "\r\nEND:VFREEBUSY\r\nEND:VCALENDAR\r\n"
	r.as(guest, ximss.WriteFile("freebusy.vfb", []byte(vfb)))
	readings := r.gw.Read(t.Context(), "a", nil, []string{guest, "nobody@a.test"}, at(0, 0), at(1, 0))
	if len(readings[0].Events) != 1 || !readings[0].Events[0].Start.Equal(at(0, 14)) || !strings.Contains(readings[0].Via, "published") {
		t.Errorf("%+v", readings[0])
	}
	if !errors.Is(readings[1].Err, availability.ErrNoAccount) {
		t.Errorf("%+v", readings[1])
	}
}
