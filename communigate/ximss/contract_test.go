package ximss_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"reflect"
	"testing"
	"time"

	"rmp/calendar/ical"
	"rmp/calendar/vcard"
	"rmp/communigate/ximss"
)

// TestContract is what the rest of the product relies on. It runs against the
// stand-in, and against a real server that the environment names: an account
// there in which it makes two mailboxes and removes them again.
//
//	RMP_TEST_CGP_URL=https://mail.example.org:9100 RMP_TEST_CGP_USER=… RMP_TEST_CGP_PASSWORD=… go test ./communigate/ximss -run Contract
func TestContract(t *testing.T) {
	_, standin := start(t, 0, nil)
	targets := map[string]ximss.Config{"stand-in": standin}
	if u := os.Getenv("RMP_TEST_CGP_URL"); u != "" {
		targets["server"] = ximss.Config{URL: u, User: os.Getenv("RMP_TEST_CGP_USER"), Password: os.Getenv("RMP_TEST_CGP_PASSWORD")}
	}
	for name, cfg := range targets {
		t.Run(name, func(t *testing.T) { contract(t, cfg) })
	}
}

func contract(t *testing.T, cfg ximss.Config) {
	s := login(t, cfg)
	stamp := time.Now().UnixNano()
	box, contacts := fmt.Sprintf("RMP contract %d", stamp), fmt.Sprintf("RMP contacts %d", stamp)
	do(t, s, ximss.CreateMailbox(box, "IPF.Appointment"), ximss.CreateMailbox(contacts, "IPF.Contact"))
	t.Cleanup(func() {
		_, err := s.Do(context.WithoutCancel(t.Context()), ximss.RemoveMailbox(box), ximss.RemoveMailbox(contacts))
		if err != nil {
			t.Errorf("remove the mailboxes %s and %s by hand: %v", box, contacts, err)
		}
	})
	// A series, replaced by its UID, one occurrence taken out, then all of it.
	uid := fmt.Sprintf("rmp-contract-%d", stamp)
	find := func() []ximss.Occurrence {
		t.Helper()
		found, err := do(t, s, ximss.FindEvents("c", nine.AddDate(0, 0, -1), weeks))[0].Occurrences()
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
	d := cfg.Dialect
	do(t, s, ximss.OpenCalendar("c", box), d.Publish("c", event(uid, nine), ximss.SendNone), d.Publish("c", event(uid, nine.Add(time.Hour)), ximss.SendNone))
	found := find()
	if len(found) != 2 || !found[0].Start.Equal(nine.Add(time.Hour)) || !found[1].Start.Equal(nine.AddDate(0, 0, 1).Add(time.Hour)) || found[0].ItemUID != uid {
		t.Fatalf("%+v", found)
	}
	item, err := do(t, s, ximss.ReadItem("c", found[0].UID))[0].Item()
	if err != nil || item.Events[0].UID != uid || item.Events[0].Summary != uid {
		t.Errorf("%+v, %v", item, err)
	}
	do(t, s, d.Cancel("c", uid, ical.At(nine.Add(time.Hour)), ximss.SendNone, ""))
	if found := find(); len(found) != 1 || !found[0].Start.Equal(nine.AddDate(0, 0, 1).Add(time.Hour)) {
		t.Errorf("after one was cancelled: %+v", found)
	}
	do(t, s, ximss.Cancel("c", uid), ximss.ImportCalendar("c", event(uid+"-i", nine)))
	if found := find(); len(found) != 2 || found[0].ItemUID != uid+"-i" {
		t.Errorf("after an import: %+v", found)
	}
	again, err := s.Do(t.Context(), ximss.Cancel("c", uid), ximss.OpenCalendar("c", box), ximss.OpenCalendar("d", box+" none"))
	if err != nil || !errors.Is(again[0].Err, ximss.ErrNotFound) || again[1].Err == nil || !errors.Is(again[2].Err, ximss.ErrNotFound) {
		t.Errorf("%v, %v, %v, %v", again[0].Err, again[1].Err, again[2].Err, err)
	}
	// A contact, its rights, and their change.
	card := &vcard.Card{FullName: "Cleo", Emails: []vcard.Address{{Value: "cleo@x.example", Types: []string{"WORK"}}}}
	replies := do(t, s, ximss.CloseCalendar("c"), ximss.OpenFolder("k", ximss.FolderView{Mailbox: contacts, Fields: []string{"Subject", "E-To"}}), ximss.AppendContact("k", card, 0),
		ximss.SyncFolder("k", 0), ximss.MailboxRights(contacts))
	list, err := replies[3].FolderReports()
	if err != nil || len(list) != 1 || list[0].Field("Subject") != "Cleo" || list[0].IsGroup() {
		t.Fatalf("%+v, %v", list, err)
	}
	got, _, err := do(t, s, ximss.ReadMessage("k", list[0].UID, 1<<20))[0].Contact()
	if err != nil || got.FullName != "Cleo" || !reflect.DeepEqual(got.Emails, card.Emails) {
		t.Errorf("%+v, %v", got, err)
	}
	replies = do(t, s, ximss.SearchFolder("k", "cleo"), ximss.MarkMessages("k", "Deleted", list[0].UID), ximss.ExpungeFolder("k"), ximss.SyncFolder("k", 0), ximss.CloseFolder("k"))
	if list, err = replies[3].FolderReports(); err != nil || len(list) != 1 || list[0].Mode != "removed" {
		t.Errorf("%+v, %v", list, err)
	}
}

// TestMailboxRights: rights given to another account, over the weakly known
// operations.
func TestMailboxRights(t *testing.T) {
	_, cfg := start(t, 1, nil)
	s := login(t, cfg)
	replies := do(t, s, ximss.SetMailboxACL("Calendar", "room-0", "lr"), ximss.MailboxACL("Calendar"), ximss.SetMailboxClass("Calendar", "IPF.Appointment"),
		ximss.CreateMailbox("Other", ""), ximss.RenameMailbox("Other", "Third"), ximss.RemoveMailbox("Third"), ximss.ExecuteCLI("NOOP"))
	if acl, err := replies[1].ACL(); err != nil || !reflect.DeepEqual(acl, map[string]string{"room-0": "lr"}) {
		t.Errorf("%v, %v", acl, err)
	}
	cfg.User = "room-0@corp.example"
	room := login(t, cfg)
	got, err := room.Do(t.Context(), ximss.OpenCalendar("a", "~ann/Calendar"), ximss.Publish("a", event("x", nine)))
	if err != nil || got[0].Err != nil || !errors.Is(got[1].Err, ximss.ErrDenied) {
		t.Errorf("%v, %v, %v", got[0].Err, got[1].Err, err)
	}
}
