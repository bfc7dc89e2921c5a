package ximss_test

import (
	"context"
	"errors"
	"reflect"
	"testing"
	"time"

	"rmp/calendar/vcard"
	"rmp/communigate/ximss"
)

func login(t *testing.T, cfg ximss.Config) *ximss.Session {
	t.Helper()
	s, err := ximss.Login(t.Context(), ximss.Client(cfg), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close(context.WithoutCancel(t.Context())) })
	return s
}

// do runs requests that must all succeed.
func do(t *testing.T, s *ximss.Session, requests ...*ximss.Request) []*ximss.Reply {
	t.Helper()
	replies, err := s.Do(t.Context(), requests...)
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range replies {
		if r.Err != nil {
			t.Fatalf("request %d: %v", i, r.Err)
		}
	}
	return replies
}

func TestContacts(t *testing.T) {
	_, cfg := start(t, 0, nil)
	s := login(t, cfg)
	card := &vcard.Card{FullName: "Cleo <&> Lee", Name: vcard.Name{Family: "Lee"}, Emails: []vcard.Address{{Value: "cleo@x.example", Types: []string{"WORK"}}}}
	group := &vcard.Group{Name: "Team", Members: []vcard.Member{{Name: "Cleo", Address: "cleo@x.example"}}}
	replies := do(t, s, ximss.OpenFolder("k", ximss.FolderView{Mailbox: "Contacts", Class: "IPF.Contact", SortField: "To", Fields: []string{"Subject", "E-To"}}),
		ximss.AppendContact("k", card, 0), ximss.AppendGroup("k", group, 0), ximss.SyncFolder("k", 0), ximss.FindContact("k", "cleo@x.example"))
	uid, err := replies[1].UID()
	if err != nil || uid == 0 {
		t.Fatalf("%d, %v", uid, err)
	}
	list, err := replies[3].FolderReports()
	if err != nil || len(list) != 2 {
		t.Fatalf("%+v, %v", list, err)
	}
	for _, l := range list {
		reply := do(t, s, ximss.ReadMessage("k", l.UID, 1<<20))[0]
		c, g, err := reply.Contact()
		if err != nil {
			t.Fatal(err)
		}
		if l.IsGroup() && !reflect.DeepEqual(g, group) || !l.IsGroup() && !reflect.DeepEqual(c, card) {
			t.Errorf("%+v %+v", c, g)
		}
	}
	if c, _, err := replies[4].Contact(); err != nil || c.FullName != card.FullName {
		t.Errorf("%+v, %v", c, err)
	}
	card.Note = "changed"
	replies = do(t, s, ximss.AppendContact("k", card, uid), ximss.MarkMessages("k", "Seen", list[0].UID+1), ximss.BrowseFolder("k", 0, 9), ximss.CloseFolder("k"),
		ximss.ListMailboxes("*", "IPF.Contact"), ximss.MailboxRights("Contacts"))
	boxes, err := replies[4].Mailboxes()
	if err != nil || len(boxes) != 1 || boxes[0].Name != "Contacts" || boxes[0].Messages != 2 || boxes[0].Class != "IPF.Contact" {
		t.Errorf("%+v, %v", boxes, err)
	}
	if rights, err := replies[5].Rights(); err != nil || rights != "lrswipkxtea" {
		t.Errorf("%s, %v", rights, err)
	}
	again, err := s.Do(t.Context(), ximss.AppendContact("k", card, uid), ximss.RemoveMailbox("Nothing"))
	if err != nil || again[0].Err == nil || !errors.Is(again[1].Err, ximss.ErrNotFound) {
		t.Errorf("%v, %v, %v", again[0].Err, again[1].Err, err)
	}
}

func TestRules(t *testing.T) {
	_, cfg := start(t, 0, nil)
	s := login(t, cfg)
	rule := ximss.Rule{Name: "Room", Priority: "5", Conditions: []ximss.RulePart{{Code: "Calendar Method", Operator: "is", Parameter: "REQUEST"}},
		Actions: []ximss.RulePart{{Code: "Accept Request"}, {Code: "Discard", Parameter: "---"}}, Comment: "by itself"}
	replies := do(t, s, ximss.SetRule(rule), ximss.ListRules(), ximss.ReadRule("Room"), ximss.RemoveRule("Room"), ximss.ListRules())
	list, err := replies[1].Rules()
	if err != nil || len(list) != 1 || list[0].Name != "Room" {
		t.Errorf("%+v, %v", list, err)
	}
	if got, err := replies[2].Rules(); err != nil || len(got) != 1 || !reflect.DeepEqual(got[0], rule) {
		t.Errorf("%+v, %v", got, err)
	}
	if left, err := replies[4].Rules(); err != nil || len(left) != 0 {
		t.Errorf("%+v, %v", left, err)
	}
}

// TestEvents: a session is told that its calendar changed, and that it ended.
func TestEvents(t *testing.T) {
	s, cfg := start(t, 0, nil)
	mine, other := login(t, cfg), login(t, cfg)
	do(t, mine, ximss.OpenCalendar("c", "Calendar"))
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	go func() {
		_, _ = other.Do(ctx, ximss.OpenCalendar("c", "Calendar"), ximss.Publish("c", event("n", nine)))
	}()
	told := 0
	for n, err := range mine.Events(ctx) {
		if told == 0 {
			if err != nil || n.String() != `<calendarReport calendar="c" mode="notify"/>` {
				t.Fatalf("%v, %v", n, err)
			}
			told++
			_ = s.Close() // the server goes: the session is lost
			cancel()
			continue
		}
		t.Fatalf("%v, %v", n, err)
	}
	if told != 1 {
		t.Errorf("told %d times", told)
	}
}

// TestTheEndIsAnEvent: a session that an administrator ends says so.
func TestTheEndIsAnEvent(t *testing.T) {
	_, cfg := start(t, 0, nil)
	s := login(t, cfg)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	go func() { _ = s.Close(ctx) }()
	var last error
	for _, err := range s.Events(ctx) {
		last = err
	}
	if !errors.Is(last, ximss.ErrSessionLost) {
		t.Errorf("%v", last)
	}
}
