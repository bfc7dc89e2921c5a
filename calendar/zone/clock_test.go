package zone

import (
	"testing"
	"time"
)

// TestOnClock: the first minute of the day that shows the reading or more,
// found by looking at each.
func TestOnClock(t *testing.T) {
	for _, name := range []string{"Europe/Berlin", "America/New_York", "Africa/Cairo", "America/Santiago", "Asia/Beirut", "Australia/Lord_Howe", "Asia/Kathmandu"} {
		loc, err := LoadIANA(name)
		if err != nil {
			t.Fatal(err)
		}
		for day := range 366 {
			date := time.Date(2024, 1, 1+day, 12, 0, 0, 0, time.UTC)
			y, m, d := date.Date()
			for _, minutes := range []int{0, 90, 150, 12 * 60, 23*60 + 45} {
				got := OnClock(y, m, d, minutes, loc)
				want := time.Date(y, m, d-1, 20, 0, 0, 0, loc)
				for {
					ly, lm, ld := want.Date()
					if (ly == y && lm == m && ld == d && want.Hour()*60+want.Minute() >= minutes) || time.Date(ly, lm, ld, 0, 0, 0, 0, time.UTC).After(time.Date(y, m, d, 0, 0, 0, 0, time.UTC)) {
						break
					}
					want = want.Add(time.Minute)
				}
				if !got.Equal(want) {
					t.Fatalf("%s %s %d: %s, want %s", name, date.Format(time.DateOnly), minutes, got, want)
				}
			}
			if end := OnClock(y, m, d, 24*60, loc); !end.Equal(OnClock(y, m, d+1, 0, loc)) {
				t.Fatalf("%s %s: the end of the day is not the beginning of the next", name, date.Format(time.DateOnly))
			}
		}
	}
}
