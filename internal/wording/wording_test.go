package wording

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
)

// TestEachFormatIsRecognised: a text of each format, with values that are no
// words of their own, is said with the same values, and by no other format.
func TestEachFormatIsRecognised(t *testing.T) {
	for _, m := range germanTexts {
		for _, format := range slices.Sorted(maps.Keys(m)) {
			var english, german []any
			for i, v := range verb.FindAllString(format, -1) {
				switch v[len(v)-1] {
				case '%':
				case 'd':
					english, german = append(english, 40+i), append(german, fmt.Sprint(40+i))
				case 'q':
					x := fmt.Sprintf("v%d \"so\"", i)
					english, german = append(english, x), append(german, fmt.Sprintf("%q", x))
				default:
					x := fmt.Sprintf("V%d", i)
					english, german = append(english, x), append(german, x)
				}
			}
			text, want := fmt.Sprintf(format, english...), m[format]
			if verb.MatchString(format) {
				want = fmt.Sprintf(m[format], german...)
			}
			if strings.Contains(text, "%!") || strings.Contains(want, "%!") {
				t.Errorf("%q: %s, %s", format, text, want)
			}
			if got := In("de", text); got != want {
				t.Errorf("%q: %s, want %s", text, got, want)
			}
			if got := In("en", text); got != text {
				t.Errorf("English: %s", got)
			}
		}
	}
}

func TestWords(t *testing.T) {
	for text, want := range map[string]string{
		"Berlin is booked for at most 2 hours": "Berlin bucht man für höchstens 2 Stunden",
		"Berlin must be booked 1 days ahead":   "Berlin muss man 1 Tag im Voraus buchen",
		"one person may have at most 2 bookings or 90 minutes of all of the type conference-room in a week; the week that begins on 2027-03-01 is full": "eine Person darf höchstens 2 Buchungen oder 90 Minuten von allem der Art Raum haben, je Woche; Woche ab 2027-03-01 ist voll",
		"no parking-space that fits is free": "keine passende Ressource der Art Parkplatz ist frei",
		"30 minutes earlier":                 "30 Minuten früher",
		"nobody has written this yet":        "nobody has written this yet",
		"":                                   "",
	} {
		if got := In("de", text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
	for header, want := range map[string]string{"": "en", "de": "de", "de-AT,de;q=0.9,en;q=0.5": "de", "fr": "en", "en-GB,de;q=0.5": "en", ";;rubbish": "en"} {
		if got := Best(header); got != want {
			t.Errorf("%q: %s, want %s", header, got, want)
		}
	}
}

func FuzzIn(f *testing.F) {
	f.Add("Berlin is booked for at most 2 hours")
	f.Add("%s %d %!")
	f.Fuzz(func(t *testing.T, text string) {
		if got := In("de", text); strings.Contains(got, "%!") && !strings.Contains(text, "%!") {
			t.Errorf("%q: %q", text, got)
		}
	})
}
