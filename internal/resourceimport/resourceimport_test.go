package resourceimport

import (
	"strings"
	"testing"

	"rmp/internal/tenant"
)

var of = tenant.Tenant{ID: "a", Domain: "a.test", TimeZone: "Europe/Berlin"}

func TestRead(t *testing.T) {
	rows, err := Read([]byte("\xef\xbb\xbfName;Type;Capacity;Features;Email;Time Zone;Active\n"+
		"Large hall;;120;stage; microphone ;hall@confroom.resources.a.test;America/New_York;no\n"), of)
	if err != nil || len(rows) != 1 {
		t.Fatal(rows, err)
	}
	// The features of the row above are split by the separator of the file:
	// that is said, not guessed.
	if len(rows[0].Problems) == 0 {
		t.Error("a row with too many fields passes")
	}
	rows, err = Read([]byte("name,type,capacity,features,email,timeZone,active,site\n"+
		"Large hall,,120,stage; microphone;stage,hall@confroom.resources.a.test,America/New_York,no,\"North, 2\"\n"+
		"Space 7,Parking space,,,,,,\n"+
		"Berlin,,4,,berlin,,,\n"), of)
	if err != nil || len(rows) != 3 {
		t.Fatal(rows, err)
	}
	r := rows[0].Resource
	if len(rows[0].Problems) > 0 || r.Email != "hall@confroom.resources.a.test" || r.Type != "conference-room" || r.Capacity != 120 || strings.Join(r.Features, "|") != "stage|microphone" || r.TimeZone != "America/New_York" || r.Active || r.Site != "North, 2" {
		t.Errorf("%+v", rows[0])
	}
	if r := rows[1].Resource; r.Email != "space-7@parking.resources.a.test" || r.Type != "parking-space" || r.TimeZone != "Europe/Berlin" || !r.Active || r.Units != 1 {
		t.Errorf("%+v", rows[1])
	}
	if r := rows[2].Resource; r.Email != "berlin@confroom.resources.a.test" || rows[2].Line != 4 {
		t.Errorf("%+v", rows[2])
	}
}

func TestWhatIsWrong(t *testing.T) {
	for text, want := range map[string]string{
		"":                     "is empty",
		"email,site\nx,y\n":    "the column name is missing",
		"name,colour\nx,red\n": `"colour" is not a column`,
		"name,name\nx,y\n":     "is there twice",
		"name\n\"open\n":       "is not CSV",
		"name\n\xff\xfe\n":     "is not UTF-8",
	} {
		if _, err := Read([]byte(text), of); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", text, err)
		}
	}
	rows, err := Read([]byte("name,email,type,capacity,units,timeZone,active\n"+
		",x,,,,,\n"+
		"A,a@b.test,,,,,\n"+
		"B,b,boat,,,,\n"+
		"C,c,,many,,,\n"+
		"D,d,,,0,,\n"+
		"E,e,,,,Mars/Base,\n"+
		"F,f,,,,,perhaps\n"+
		"G,-g-,,,,,\n"+
		"H,h@parking.resources.a.test,equipment,,,,\n"+
		"I,i,,,,,\n"+
		"I again,i,,,,,\n"), of)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"name: is missing", "is not a sub-domain", `type: "boat" is none of`, "capacity:", "units:", "timeZone:", "active:", "email:", "type:", "", "is in line 11 already"} {
		if got := strings.Join(rows[i].Problems, "; "); want == "" && got != "" || !strings.Contains(got, want) {
			t.Errorf("line %d: %q, not %q", rows[i].Line, got, want)
		}
	}
}

// FuzzRead: whatever the file is, there is an answer; and what passes is an
// address of the tenant, under its own name.
func FuzzRead(f *testing.F) {
	f.Add("name,email\nA,a\n")
	f.Add("name;type;features\nA;Parking space;x\n")
	f.Add("\xef\xbb\xbfname\n\"a\nb\"\n")
	f.Fuzz(func(t *testing.T, text string) {
		rows, err := Read([]byte(text), of)
		if err != nil {
			return
		}
		seen := map[string]bool{}
		for _, r := range rows {
			if len(r.Problems) > 0 {
				continue
			}
			if seen[r.Resource.Email] || !strings.HasSuffix(r.Resource.Email, ".resources.a.test") || r.Resource.Name == "" || r.Resource.Units < 1 {
				t.Errorf("%+v", r)
			}
			seen[r.Resource.Email] = true
		}
	})
}
