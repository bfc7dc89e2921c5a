package ximss

import (
	"bufio"
	"bytes"
	"testing"

	"rmp/xmlnode"
)

// FuzzFrame: a stream is cut at its zero bytes, and nothing is lost.
func FuzzFrame(f *testing.F) {
	f.Add([]byte("<a/>\x00<b/>\x00half"))
	f.Fuzz(func(t *testing.T, stream []byte) {
		r := bufio.NewReaderSize(bytes.NewReader(stream), 16)
		var got []byte
		for {
			frame, err := readFrame(r, 1<<20)
			if err != nil {
				break
			}
			if bytes.IndexByte(frame, 0) >= 0 {
				t.Fatalf("%q has a zero byte", frame)
			}
			got = append(append(got, frame...), 0)
		}
		if want := stream[:bytes.LastIndexByte(stream, 0)+1]; !bytes.Equal(got, want) {
			t.Fatalf("%q was cut into %q", stream, got)
		}
	})
}

// FuzzReply: whatever a server sends is decoded or refused.
func FuzzReply(f *testing.F) {
	f.Add([]byte(`<XIMSS><events><event UID="1" timeFrom="20260901T090000" duration="60"><summary>a</summary></event></events><response id="1"/></XIMSS>`))
	f.Add([]byte(`<XIMSS><freeBusyData><freeBusy timeFrom="20260901T090000Z" timeTill="20260901T100000Z"/></freeBusyData></XIMSS>`))
	f.Add([]byte("<XIMSS><freeBusyData>BEGIN:VCALENDAR\nBEGIN:VFREEBUSY\nFREEBUSY:20260901T090000Z/PT1H\nEND:VFREEBUSY\nEND:VCALENDAR</freeBusyData></XIMSS>"))
	f.Add([]byte(`<XIMSS><calendarItem><vevent><dtstart>20260901T090000Z</dtstart></vevent></calendarItem><folderMessage><EMail><MIME><vCard/></MIME></EMail></folderMessage></XIMSS>`))
	f.Fuzz(func(t *testing.T, doc []byte) {
		_, _, _ = sessionOf(doc)
		n, err := xmlnode.Parse(doc, xmlnode.Limits{Nodes: 1000})
		if err != nil {
			return
		}
		r := &Reply{Data: n.Children}
		if found, err := r.Occurrences(); err == nil {
			for _, o := range found {
				if o.End.Before(o.Start) {
					t.Fatalf("%+v ends before it starts", o)
				}
			}
		}
		_, _ = r.FreeBusy()
		_, _ = r.Item()
		_, _ = r.Mailboxes()
		_, _ = r.FolderReports()
		_, _, _ = r.Contact()
		_, _ = r.Rules()
		_, _ = r.Prefs()
		_, _ = r.UID()
	})
}
