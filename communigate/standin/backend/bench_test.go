package backend

import (
	"context"
	"fmt"
	"runtime"
	"testing"
	"time"

	"rmp/calendar/ical"
	"rmp/communigate/dataformat"
)

// BenchmarkStart opens a storage with 10,000 accounts and 200,000 events, and
// reads the first day of one calendar.
func BenchmarkStart(b *testing.B) {
	const accounts, perAccount = 10_000, 20
	ctx := context.Background()
	o := Options{Dir: b.TempDir(), MainDomain: "x.example", Admin: "postmaster", AdminPassword: "pw"}
	s, err := Open(ctx, o)
	if err != nil {
		b.Fatal(err)
	}
	start := time.Date(2026, 9, 1, 9, 0, 0, 0, time.UTC)
	for begin := 0; begin < accounts; begin += 500 {
		err := s.Update(ctx, func(tx *Tx) error {
			for i := begin; i < begin+500; i++ {
				name := fmt.Sprintf("account-%d@x.example", i)
				if err := tx.CreateAccount(name, dataformat.Dict{"Password": "pw"}); err != nil {
					return err
				}
				a, err := tx.Account(name)
				if err != nil {
					return err
				}
				box, err := tx.MainCalendar(a, true)
				if err != nil {
					return err
				}
				for k := range perAccount {
					at := ical.At(start.AddDate(0, 0, k))
					e := &ical.Event{UID: fmt.Sprintf("%d-%d", i, k), Start: at, End: ical.At(start.AddDate(0, 0, k).Add(time.Hour)), Summary: "Meeting"}
					if err := tx.Publish(box, Item{Kind: Event, Event: e}, start); err != nil {
						return err
					}
				}
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
	b.ResetTimer()
	for range b.N {
		s, err := Open(ctx, o)
		if err != nil {
			b.Fatal(err)
		}
		err = s.View(ctx, func(tx *Tx) error {
			a, err := tx.Account("account-77@x.example")
			if err != nil {
				return err
			}
			box, err := tx.MainCalendar(a, false)
			if err != nil {
				return err
			}
			found, err := tx.Find(box, start, start.AddDate(0, 0, 1), time.UTC)
			if err == nil && len(found) != 1 {
				b.Fatalf("%d events", len(found))
			}
			return err
		})
		if err != nil {
			b.Fatal(err)
		}
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	b.ReportMetric(float64(m.HeapInuse)/(1<<20), "MB-heap")
}
