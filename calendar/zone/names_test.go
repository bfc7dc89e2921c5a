package zone

import (
	"strings"
	"testing"
	"time"
)

func TestWindowsNames(t *testing.T) {
	if len(windows) < 139 || len(windowsFold) != len(windows) {
		t.Errorf("%d names, %d without regard to case", len(windows), len(windowsFold))
	}
	for name, iana := range windows {
		loc, err := Resolver{}.Load(strings.ToUpper(name))
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if loc.String() != iana && name != "UTC" {
			t.Errorf("%s is %s, want %s", name, loc, iana)
		}
	}
	for name, want := range map[string]string{
		"South Sudan Standard Time": "Africa/Juba", "Volgograd Standard Time": "Europe/Volgograd", "Magallanes Standard Time": "America/Punta_Arenas",
		"Sao Tome Standard Time": "Africa/Sao_Tome", "qyzylorda standard time": "Asia/Qyzylorda", "Yukon Standard Time": "America/Whitehorse",
		"/citadel.org/20210210_1/Europe/Berlin": "Europe/Berlin", `"America/Argentina/Ushuaia"`: "America/Argentina/Ushuaia", "gmt": "UTC",
	} {
		if loc, err := (Resolver{}).Load(name); err != nil || loc.String() != want {
			t.Errorf("%s is %v, %v, want %s", name, loc, err, want)
		}
	}
}

func TestUnknownNames(t *testing.T) {
	for _, name := range []string{
		"", "Local", "Nowhere", "(UTC+01:00) Amsterdam, Berlin, Bern, Rome, Stockholm, Vienna", "(GMT-05:00) Eastern Time (US & Canada)", "Customized Time Zone",
		"Kamchatka Standard Time", "../etc/passwd", "Europe/./Berlin", "Europe//Berlin", "Europe", "/", "//", "/Local", "/x/Local", "Europe/Berlin\x00", strings.Repeat("x", 1<<20),
		"HostOS",
	} {
		loc, err := Resolver{}.Load(name)
		if err == nil {
			t.Errorf("%.60q is %s", name, loc)
		} else if len(err.Error()) > 1000 {
			t.Errorf("%.60q: a message of %d bytes", name, len(err.Error()))
		}
	}
}

func TestLoadKeepsOnlyWhatExists(t *testing.T) {
	for i := range 100 {
		_, _ = Resolver{}.Load("Nowhere/" + strings.Repeat("x", i))
		_, _ = Resolver{}.Load("/" + strings.Repeat("x", i) + "/Europe/Berlin")
	}
	loaded.Range(func(name, _ any) bool {
		if _, err := time.LoadLocation(name.(string)); err != nil {
			t.Errorf("%v is kept", name)
		}
		return true
	})
	a, _ := Resolver{}.Load("Europe/Berlin")
	b, _ := Resolver{}.Load("W. Europe Standard Time")
	if a == nil || a != b {
		t.Error("a zone is loaded twice")
	}
}

// What is taken from a location makes the same location again.
func TestTransitions(t *testing.T) {
	from, till := time.Date(1960, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2060, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, name := range []string{"America/New_York", "Europe/Berlin", "Europe/Dublin", "Africa/Casablanca", "Asia/Kathmandu", "Pacific/Apia", "Etc/GMT+12", "UTC", "Africa/Monrovia"} {
		loc, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		changes, err := Transitions(loc, from, till)
		if err != nil {
			t.Fatal(err)
		}
		made, err := FromTransitions("own", changes)
		if err != nil {
			t.Fatal(err)
		}
		for at := from; at.Before(till); at = at.Add(11 * time.Hour) {
			wantName, want := at.In(loc).Zone()
			gotName, got := at.In(made).Zone()
			if got != want || gotName != wantName && name == "America/New_York" && at.Year() > 1975 {
				t.Fatalf("%s at %s: %d %s, want %d %s", name, at, got, gotName, want, wantName)
			}
		}
		if made.String() != "own" {
			t.Errorf("it is called %s", made)
		}
	}
}

func TestTransitionsThatCannotBe(t *testing.T) {
	at := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	many := make([]Transition, 300)
	for i := range many {
		many[i] = Transition{At: at.Add(time.Duration(i) * time.Hour), Offset: i}
	}
	for name, changes := range map[string][]Transition{
		"none": nil, "order": {{}, {At: at}, {At: at, Offset: 3600}}, "offset": {{Offset: 86400}}, "offsets": many, "changes": make([]Transition, 5000),
	} {
		if loc, err := FromTransitions("x", changes); err == nil {
			t.Errorf("%s: %v", name, loc)
		}
	}
}

func BenchmarkLoad(b *testing.B) {
	for b.Loop() {
		if _, err := (Resolver{}).Load("W. Europe Standard Time"); err != nil {
			b.Fatal(err)
		}
	}
}
