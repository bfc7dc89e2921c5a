package ximss_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"rmp/calendar/vcard"
	"rmp/communigate/cli"
	"rmp/communigate/dataformat"
	"rmp/communigate/ximss"
)

func TestFiles(t *testing.T) {
	_, cfg := start(t, 0, nil)
	s := login(t, cfg)
	data := "line\r\n\x00\xff <&>"
	card := &vcard.Card{FullName: "Ann <Lee>", Emails: []vcard.Address{{Value: "ann@corp.example"}}}
	replies := do(t, s, ximss.WriteFile("notes/a.bin", []byte(data)), ximss.WriteCardFile("profile.vcf", card), ximss.ListFiles("*/*"), ximss.ReadFile("notes/a.bin"),
		ximss.ReadCardFile("~ann@corp.example/profile.vcf"), ximss.RemoveFile("notes/a.bin"), ximss.ListFiles("*"))
	if list, err := replies[2].Files(); err != nil || len(list) != 1 || list[0].Name != "notes/a.bin" || list[0].Size != int64(len(data)) || list[0].Modified.IsZero() {
		t.Errorf("%+v, %v", list, err)
	}
	if got, err := replies[3].File(); err != nil || string(got) != data {
		t.Errorf("%q, %v", got, err)
	}
	if got, err := replies[4].CardFile(); err != nil || got.FullName != card.FullName || len(got.Emails) != 1 {
		t.Errorf("%+v, %v", got, err)
	}
	if list, err := replies[6].Files(); err != nil || len(list) != 1 || list[0].Name != "profile.vcf" {
		t.Errorf("%+v, %v", list, err)
	}
	replies, err := s.Do(t.Context(), ximss.ReadFile("none"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := replies[0].File(); !errors.Is(err, ximss.ErrNotFound) {
		t.Errorf("%v", err)
	}
}

func TestMessages(t *testing.T) {
	_, cfg := start(t, 0, nil)
	s := login(t, cfg)
	mail := ximss.Mail{From: "ann@corp.example", Name: "Ann", To: []string{"ann@corp.example"}, Subject: "b <1>", Text: "text & more"}
	view := ximss.FolderView{Mailbox: "INBOX", Fields: []string{"Subject", "FLAGS"}, SortField: "Subject"}
	other := mail
	other.Subject = "a"
	replies := do(t, s, ximss.Noop(), ximss.SetClientName("test"), ximss.SubmitMessage(mail), ximss.AppendMessage("INBOX", other, "Seen"), ximss.OpenFolder("F", view), ximss.BrowseFolder("F", 0, 9))
	if uid, err := replies[3].UID(); err != nil || uid == 0 {
		t.Errorf("%d, %v", uid, err)
	}
	subjects := func(r *ximss.Reply) string {
		list, err := r.FolderReports()
		if err != nil {
			t.Fatal(err)
		}
		var out []string
		for _, l := range list {
			out = append(out, l.Field("Subject")+":"+l.Field("FLAGS"))
		}
		return strings.Join(out, ",")
	}
	if got := subjects(replies[5]); got != "a:Seen,b <1>:Recent" {
		t.Error(got)
	}
	view.Desc = true
	if got := subjects(do(t, s, ximss.ReopenFolder("F", view), ximss.BrowseFolder("F", 0, 9))[1]); got != "b <1>:Recent,a:Seen" {
		t.Error(got)
	}
	file := &vcard.File{Cards: []*vcard.Card{{FullName: "Cleo"}}, Groups: []*vcard.Group{{Name: "Team"}}}
	replies = do(t, s, ximss.OpenFolder("K", ximss.FolderView{Mailbox: "Contacts", Class: "IPF.Contact", Fields: []string{"Subject"}}), ximss.ImportContacts("K", file), ximss.SyncFolder("K", 0))
	if list, err := replies[2].FolderReports(); err != nil || len(list) != 2 {
		t.Errorf("%+v, %v", list, err)
	}
	do(t, s, ximss.SetRule(ximss.Rule{Name: "A", Priority: "5"}), ximss.RenameRule("A", "B"), ximss.ReadRule("B"))
}

// TestPoolClosesWhatIsLeftOpen: the next batch can use the same handle.
func TestPoolClosesWhatIsLeftOpen(t *testing.T) {
	_, cfg := start(t, 0, nil)
	p := ximss.NewPool(cfg, ximss.Client(cfg), 1)
	defer p.Close(t.Context())
	for range 3 {
		replies, err := p.Do(t.Context(), ximss.OpenCalendar("c", "Calendar"), ximss.OpenFolder("f", ximss.FolderView{Mailbox: "INBOX"}))
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range replies {
			if r.Err != nil {
				t.Error(r.Err)
			}
		}
	}
}

// TestOnce: when the server ends the session while it is at work, what may be
// repeated is sent again, and what may not is not.
func TestOnce(t *testing.T) {
	var sent atomic.Int32
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		switch {
		case strings.HasPrefix(r.URL.Path, "/XIMSSLogin"):
			_, _ = io.WriteString(w, `<XIMSS><session urlID="x" userName="ann@corp.example"/></XIMSS>`)
		case strings.Contains(string(body), "prefsRead"):
			_, _ = io.WriteString(w, `<XIMSS><prefs id="1"/><response id="1"/></XIMSS>`)
		case strings.Contains(string(body), "<bye"), strings.Contains(string(body), "<noop"):
			sent.Add(1)
			_, _ = io.WriteString(w, `<XIMSS><bye/></XIMSS>`)
		default:
			sent.Add(1)
			_, _ = io.WriteString(w, `<XIMSS><bye/></XIMSS>`)
		}
	}))
	defer srv.Close()
	cfg := ximss.Config{URL: srv.URL, User: "ann", Password: password}
	p := ximss.NewPool(cfg, ximss.Client(cfg), 1)
	defer p.Close(t.Context())
	for _, c := range []struct {
		request *ximss.Request
		want    int32
	}{{ximss.Noop(), 2}, {ximss.SubmitMessage(ximss.Mail{To: []string{"b"}}), 1}} {
		sent.Store(0)
		if _, err := p.Do(t.Context(), c.request); !errors.Is(err, ximss.ErrSessionLost) {
			t.Errorf("%v", err)
		}
		if n := sent.Load(); n != c.want {
			t.Errorf("sent %d times, want %d", n, c.want)
		}
	}
}

func TestLockedAccount(t *testing.T) {
	s, cfg := start(t, 0, nil)
	_, _, line := s.Addrs()
	c, err := cli.Dial(t.Context(), cli.Config{Addr: line, User: "postmaster", Password: password})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close() //nolint:errcheck // the test is over
	if err := c.UpdateAccountSettings(t.Context(), "ann@corp.example", dataformat.Dict{"AccessModes": "None"}); err != nil {
		t.Fatal(err)
	}
	if _, err := ximss.Login(t.Context(), ximss.Client(cfg), cfg); !errors.Is(err, ximss.ErrLocked) || errors.Is(err, ximss.ErrBadLogin) {
		t.Errorf("%v", err)
	}
	cfg.Password = "wrong" // whether an account is locked is told to its owner only
	if _, err := ximss.Login(t.Context(), ximss.Client(cfg), cfg); !errors.Is(err, ximss.ErrBadLogin) {
		t.Errorf("%v", err)
	}
}
