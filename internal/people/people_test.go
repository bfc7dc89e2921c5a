package people

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"rmp/calendar/vcard"
)

func TestLevels(t *testing.T) {
	for letters, want := range map[string]Level{"": None, "l": See, "lr": See, "lrs": Read, "lrswite": Write, "lrswid": Write, "lrswipkxtea": Manage, "lrswipcda": Write, "rs": Custom, "lrswitea": Write} {
		if got := LevelOf(letters); got != want {
			t.Errorf("%q is %s, not %s", letters, got, want)
		}
	}
	for _, l := range []Level{See, Read, Write, Manage} {
		letters, ok := l.Letters()
		if !ok || LevelOf(letters) != l || len(Words(letters)) != len(letters) {
			t.Errorf("%s: %q %v", l, letters, Words(letters))
		}
	}
}

// naive finds as the index is to find, by looking at everything.
func naive(entries []Entry, question string) map[string]bool {
	asked := split(question)
	if strings.Contains(question, "@") {
		asked = []string{strings.ToLower(strings.TrimSpace(question))}
	}
	out := map[string]bool{}
	for _, e := range entries {
		local, _, _ := strings.Cut(e.Email, "@")
		words := append(append(split(e.Name), split(local)...), strings.ToLower(e.Email))
		all := len(asked) > 0
		for _, w := range asked {
			all = all && slices.ContainsFunc(words, func(x string) bool { return x != "" && strings.HasPrefix(x, w) })
		}
		if all {
			out[e.Email] = true
		}
	}
	return out
}

func TestIndexFindsAllAndNothingElse(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		word := rapid.SampledFrom([]string{"anna", "ann", "Ändern", "bo", "berlin", "Berg-Haus", "o'neil", "x1", "李", ""})
		var entries []Entry
		for i := range rapid.IntRange(0, 30).Draw(t, "n") {
			entries = append(entries, Entry{Name: word.Draw(t, "a") + " " + word.Draw(t, "b"), Email: fmt.Sprintf("%s.%d@a.test", rapid.SampledFrom([]string{"anna", "b", "zoe"}).Draw(t, "local"), i)})
		}
		x := buildIndex(entries)
		q := rapid.SampledFrom([]string{"a", "an b", "anna", "ann ann", "ä", "b ber", "berg haus", "neil o", "李", "", " ", "anna.1@", "anna.1@a.test", "@", "zz", "x1 x1"}).Draw(t, "q")
		want := naive(entries, q)
		got := x.find(q, 1000)
		if len(got) != len(want) {
			t.Fatalf("%q finds %v, not %v", q, got, want)
		}
		for _, e := range got {
			if !want[e.Email] {
				t.Fatalf("%q finds %v", q, e)
			}
		}
		if few := x.find(q, 2); len(few) > 2 || !slices.Equal(few, got[:len(few)]) {
			t.Fatalf("%v of %v", few, got)
		}
	})
}

func TestExpand(t *testing.T) {
	m := func(a string) vcard.Member { return vcard.Member{Address: a} }
	a := &vcard.Group{UID: "A@x", Members: []vcard.Member{m("1@x"), m("b@X"), m("+49 1"), m("")}}
	b := &vcard.Group{UID: "b@x", Members: []vcard.Member{m("2@x"), m("a@x"), m("1@X"), m("b@x")}}
	known := []Contact{{Group: a}, {Group: b}, {Card: &vcard.Card{}}}
	// The group as it was read for itself is another copy than that of the list.
	twin := *a
	got, err := expand([]*vcard.Group{&twin, b}, known)
	var list []string
	for _, x := range got {
		list = append(list, x.Address)
	}
	slices.Sort(list)
	if err != nil || !slices.Equal(list, []string{"1@x", "2@x"}) {
		t.Errorf("%v %v", list, err)
	}
	big := &vcard.Group{}
	for i := range mostMembers + 1 {
		big.Members = append(big.Members, m(fmt.Sprintf("%d@x", i)))
	}
	if _, err := expand([]*vcard.Group{big}, nil); err == nil {
		t.Error("a group without bound")
	}
}

func TestIDs(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x := Contact{Folder: rapid.StringMatching(`[A-Za-z0-9 äöü/]{1,20}x`).Draw(t, "folder"), ID: rapid.Int64Range(1, 1<<60).Draw(t, "id")}
		folder, id, err := decodeID(x.EncodeID())
		if checkFolder(x.Folder) == nil && (err != nil || folder != x.Folder || id != x.ID) {
			t.Fatalf("%+v: %q %d %v", x, folder, id, err)
		}
	})
	for _, bad := range []string{"", "x", "AAAA", Contact{Folder: "INBOX", ID: 1}.EncodeID(), Contact{Folder: "~ben/Contacts", ID: 1}.EncodeID(), Contact{Folder: "a/../b", ID: 1}.EncodeID(), Contact{Folder: "C", ID: -1}.EncodeID()} {
		if _, _, err := decodeID(bad); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}

// FuzzReadable: taking a file apart loses none of its lines, and nothing
// breaks.
func FuzzReadable(f *testing.F) {
	f.Add([]byte("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:a\r\nDTSTART:20300101T000000Z\r\nEND:VEVENT\r\nBEGIN:VEVENT\r\nUID:b\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"))
	f.Add([]byte("BEGIN:VEVENT\nBEGIN:VEVENT\nEND:VEVENT"))
	f.Fuzz(func(t *testing.T, data []byte) {
		frame, blocks := splitEvents(data)
		n := len(frame)
		for _, b := range blocks {
			n += len(b.text)
			if !bytes.Contains(data, b.text) {
				t.Errorf("%q is not of the file", b.text)
			}
		}
		if n != len(data) {
			t.Errorf("%d bytes of %d", n, len(data))
		}
		files, refused := readable(data)
		if len(files)+len(refused) > len(blocks) {
			t.Errorf("%d and %d of %d", len(files), len(refused), len(blocks))
		}
	})
}

// BenchmarkSearch is a type-ahead over 100,000 people.
func BenchmarkSearch(b *testing.B) {
	rnd := rand.New(rand.NewPCG(1, 2))
	syllables := []string{"an", "na", "ber", "ta", "li", "mo", "ka", "ro", "se", "tin", "wal", "dor", "fi", "gus"}
	name := func(n int) (s string) {
		for range n {
			s += syllables[rnd.IntN(len(syllables))]
		}
		return s
	}
	entries := make([]Entry, 100_000)
	for i := range entries {
		given, family := name(2), name(3)
		entries[i] = Entry{Kind: "person", Name: given + " " + family, Email: fmt.Sprintf("%s.%s%d@example.test", given, family, i)}
	}
	slices.SortFunc(entries, func(a, b Entry) int { return strings.Compare(a.Name, b.Name) })
	x := buildIndex(entries)
	for _, q := range []string{"a", "an", "anna ber", "berta.mo", "zz"} {
		b.Run(q, func(b *testing.B) {
			for b.Loop() {
				_ = x.find(q, 20)
			}
		})
	}
	b.Run("build", func(b *testing.B) {
		for b.Loop() {
			_ = buildIndex(entries)
		}
	})
}
