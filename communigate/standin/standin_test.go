package standin_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"rmp/communigate/cli"
	"rmp/communigate/dataformat"
	"rmp/communigate/standin"
	"rmp/communigate/standin/backend"
	"rmp/xmlnode"
)

const password = "pw"

// server is a stand-in with accounts ann, ben and room-1.
type server struct {
	*standin.Server
	t *testing.T
}

func start(t *testing.T, change func(*standin.Config)) *server {
	t.Helper()
	cfg := standin.Config{Dir: t.TempDir(), MainDomain: "corp.example", AdminPassword: password, SessionCap: -1}
	if change != nil {
		change(&cfg)
	}
	s, err := standin.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	out := &server{s, t}
	out.cli(func(c *cli.Conn) {
		for _, name := range []string{"ann", "ben", "room-1"} {
			if err := c.CreateAccount(t.Context(), name+"@corp.example", dataformat.Dict{"Password": password, "RealName": strings.ToUpper(name)}); err != nil {
				t.Fatal(err)
			}
		}
	})
	return out
}

func (s *server) cli(fn func(*cli.Conn)) {
	s.t.Helper()
	_, _, addr := s.Addrs()
	c, err := cli.Dial(s.t.Context(), cli.Config{Addr: addr, User: "postmaster", Password: password})
	if err != nil {
		s.t.Fatal(err)
	}
	defer c.Close() //nolint:errcheck // the test is over
	fn(c)
}

// session speaks the bare protocol, so that the server is not judged by the
// client of the same house. It fails the test on any failure of the wire.
type session struct {
	t    *testing.T
	base string
	seq  int
}

func (s *server) session(name string) *session {
	s.t.Helper()
	addr, _, _ := s.Addrs()
	doc := get(s.t, "http://"+addr+"/XIMSSLogin/?errorAsXML=1&userName="+url.QueryEscape(name+"@corp.example")+"&password="+password)
	id := doc.Find("session")
	if id == nil {
		s.t.Fatalf("%s", doc)
	}
	return &session{t: s.t, base: "http://" + addr + "/Session/" + id.Attr("urlID") + "/"}
}

func get(t *testing.T, address string) *xmlnode.Node {
	t.Helper()
	return exchange(t, http.MethodGet, address, "")
}

func exchange(t *testing.T, method, address, body string) *xmlnode.Node {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, address, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close() //nolint:errcheck // read to its end
	raw, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%d %s %v", resp.StatusCode, raw, err)
	}
	doc, err := xmlnode.Parse(raw, xmlnode.Limits{})
	if err != nil {
		t.Fatalf("%s: %v", raw, err)
	}
	return doc
}

// do sends requests and answers, for each, its data and its error as one text.
func (s *session) do(requests ...string) []string {
	s.t.Helper()
	body := "<XIMSS>"
	index := map[string]int{}
	for i, r := range requests {
		id := fmt.Sprintf("r%d", i)
		index[id] = i
		end := strings.IndexAny(r, " />")
		body += r[:end] + ` id="` + id + `"` + r[end:]
	}
	s.seq++
	doc := exchange(s.t, http.MethodPost, fmt.Sprintf("%ssync?reqSeq=%d", s.base, s.seq), body+"</XIMSS>")
	out, answered := make([]string, len(requests)), 0
	for _, n := range doc.Children {
		i, ok := index[n.Attr("id")]
		if !ok {
			s.t.Fatalf("a message for nobody: %s", n)
		}
		if n.Is("response") {
			answered++
			if n.Attr("errorText") != "" {
				out[i] += "ERROR " + n.Attr("errorNum") + " " + n.Attr("errorText")
			}
			continue
		}
		n.Attrs = n.Attrs[1:] // the id
		out[i] += n.String()
	}
	if answered != len(requests) {
		s.t.Fatalf("%d of %d requests were answered: %s", answered, len(requests), doc)
	}
	return out
}

// last is do, of which only the last answer matters; the others must succeed.
func (s *session) last(requests ...string) string {
	s.t.Helper()
	out := s.do(requests...)
	for i, o := range out[:len(out)-1] {
		if strings.Contains(o, "ERROR") {
			s.t.Fatalf("%s: %s", requests[i], o)
		}
	}
	return out[len(out)-1]
}

func (s *session) expect(want []string, requests ...string) {
	s.t.Helper()
	got := s.last(requests...)
	for _, w := range want {
		if not, ok := strings.CutPrefix(w, "!"); ok {
			if strings.Contains(got, not) {
				s.t.Errorf("%s:\n%s\nhas %s", requests[len(requests)-1], got, not)
			}
		} else if !strings.Contains(got, w) {
			s.t.Errorf("%s:\n%s\nhas no %s", requests[len(requests)-1], got, w)
		}
	}
}

// event is a vevent on a day of September 2026, an hour from the given one on.
func event(uid string, day, hour int, more string) string {
	return fmt.Sprintf(`<iCalendar><vCalendar method="REQUEST"><vevent><uid>%s</uid><organizer CN="Ann">MAILTO:ann@corp.example</organizer>%s<dtstart>202609%02dT%02d0000Z</dtstart><dtend>202609%02dT%02d0000Z</dtend><summary>Meet %s</summary><transp>OPAQUE</transp><busyStatus>BUSY</busyStatus></vevent></vCalendar></iCalendar>`,
		uid, more, day, hour, day, hour+1, uid)
}

func attendee(name string) string {
	return `<attendee PARTSTAT="NEEDS-ACTION" RSVP="TRUE">MAILTO:` + name + `@corp.example</attendee>`
}

const (
	openCalendar = `<calendarOpen calendar="c" mailbox="Calendar" mailboxClass="IPF.Appointment"/>`
	september    = ` timeFrom="20260901T000000Z" timeTill="20261001T000000Z"`
)

// TestInvitations: ann invites ben, who accepts, and a room that answers by
// itself: yes when it is free, no when it is not.
func TestInvitations(t *testing.T) {
	rule := dataformat.Array{dataformat.Array{"5", "AutoAccept", dataformat.Array{dataformat.Array{"Calendar Method", "in", "REQUEST,CANCEL"}},
		dataformat.Array{dataformat.Array{"Accept Request", "---"}, dataformat.Array{"Discard", "---"}}}}
	for _, mode := range []backend.Mode{backend.Strict, backend.Seed} {
		t.Run(mode.String(), func(t *testing.T) {
			s := start(t, func(c *standin.Config) { c.Mode = mode })
			s.cli(func(c *cli.Conn) {
				var err error
				if mode == backend.Strict {
					_, err = c.Raw(t.Context(), "SETACCOUNTMAILRULES", "room-1@corp.example", rule)
				} else {
					_, err = c.Raw(t.Context(), "UPDATEACCOUNTSETTINGS", "room-1@corp.example", dataformat.Dict{"AutoAccept": "YES"})
				}
				if err != nil {
					t.Fatal(err)
				}
				if _, err := c.Raw(t.Context(), "SETACCOUNTMAILRULES", "ann@corp.example", dataformat.Array{dataformat.Array{"5", "Replies",
					dataformat.Array{dataformat.Array{"Calendar Method", "is", "REPLY"}}, dataformat.Array{dataformat.Array{"Accept Reply", ""}}}}); err != nil {
					t.Fatal(err)
				}
			})
			ann, ben, room := s.session("ann"), s.session("ben"), s.session("room-1")
			ann.expect([]string{"!ERROR"}, openCalendar, `<calendarPublish calendar="c" sendRequests="all">`+event("one", 1, 9, attendee("ben")+attendee("room-1"))+`</calendarPublish>`)
			ben.expect([]string{`messages="1"`}, `<folderOpen folder="g" mailbox="INBOX" sortField="INTERNALDATE"><field>Subject</field></folderOpen>`)
			ben.expect([]string{"<Subject>Meet one</Subject>", `UID="1"`}, `<folderBrowse folder="g"><index from="0" till="99"/></folderBrowse>`)
			ben.expect([]string{`<MIME type="text" subtype="calendar"`, `method="REQUEST"`, "<uid>one</uid>"}, `<folderRead folder="g" UID="1"/>`)
			ben.expect([]string{"!ERROR"}, openCalendar, `<calendarAccept calendar="c" PARTSTAT="TENTATIVE">`+event("one", 1, 9, attendee("ben")+attendee("room-1"))+`</calendarAccept>`)
			room.expect([]string{`itemUID="one"`, `timeFrom="20260901T090000" duration="3600"`}, openCalendar, `<findEvents calendar="c"`+september+`/>`)
			read := func() string {
				list := ann.last(`<findEvents calendar="c"` + september + `/>`)
				_, rest, _ := strings.Cut(list, `UID="`)
				uid, _, _ := strings.Cut(rest, `"`)
				return ann.last(`<calendarReadItem calendar="c" UID="` + uid + `"/>`)
			}
			if got := read(); !strings.Contains(got, `PARTSTAT="TENTATIVE">MAILTO:ben@`) || !strings.Contains(got, `PARTSTAT="ACCEPTED">MAILTO:room-1@`) {
				t.Errorf("the answers did not arrive: %s", got)
			}
			// Again at the same time: the room is taken.
			ann.expect([]string{"!ERROR"}, `<calendarPublish calendar="c" sendRequests="all">`+event("two", 1, 9, attendee("room-1"))+`</calendarPublish>`)
			room.expect([]string{`itemUID="one"`, `!itemUID="two"`}, `<findEvents calendar="c"`+september+`/>`)
			ann.expect([]string{"Declined: Meet two"}, `<folderOpen folder="i" mailbox="INBOX"/>`, `<folderReopen folder="i"><field>Subject</field></folderReopen>`, `<folderBrowse folder="i"><index from="0" till="9"/></folderBrowse>`)
			// Cancelled: the room is free again.
			ann.expect([]string{"!ERROR"}, `<calendarCancel calendar="c" itemUID="one" sendRequests="all"><requestComment>off</requestComment></calendarCancel>`)
			room.expect([]string{`!itemUID="one"`}, `<findEvents calendar="c"`+september+`/>`)
			ben.expect([]string{"Cancelled: Meet one"}, `<folderSync folder="g"/>`)
			ann.expect([]string{"unknown user account"}, `<freeBusyRead peer="nobody"`+september+`/>`)
		})
	}
}

// TestSeriesInTheCalendar: exceptions, one occurrence cancelled, a zone that
// the item brings along.
func TestSeriesInTheCalendar(t *testing.T) {
	s := start(t, nil)
	ann := s.session("ann")
	series := `<calendarPublish calendar="c"><iCalendar><vCalendar><vevent><uid>s</uid><dtstart TZID="Europe/Berlin">20260901T090000</dtstart><dtend TZID="Europe/Berlin">20260901T100000</dtend><rrule>FREQ=DAILY;COUNT=4</rrule></vevent></vCalendar></iCalendar></calendarPublish>`
	moved := `<calendarPublish calendar="c"><iCalendar><vCalendar><vevent><uid>s</uid><recurrence-id TZID="Europe/Berlin">20260902T090000</recurrence-id><dtstart TZID="Europe/Berlin">20260902T150000</dtstart><dtend TZID="Europe/Berlin">20260902T160000</dtend><summary>moved</summary></vevent></vCalendar></iCalendar></calendarPublish>`
	ann.expect([]string{`timeFrom="20260901T070000"`, `timeFrom="20260902T130000"`, `!timeFrom="20260902T070000"`, "<summary>moved</summary>", `!timeFrom="20260903T070000"`, `timeFrom="20260904T070000"`},
		openCalendar, series, moved, `<calendarCancel calendar="c" itemUID="s" recurrenceId="20260903T090000"/>`, `<findEvents calendar="c"`+september+`/>`)
	ann.expect([]string{"!ERROR", `timeFrom="20260910T010000"`}, `<calendarPublish calendar="c"><iCalendar><vCalendar><vtimezone><tzid>Far away</tzid><standard><dtstart>16010101T000000</dtstart><tzoffsetfrom>+0800</tzoffsetfrom><tzoffsetto>+0800</tzoffsetto></standard></vtimezone><vevent><uid>z</uid><dtstart TZID="Far away">20260910T090000</dtstart></vevent></vCalendar></iCalendar></calendarPublish>`,
		`<findEvents calendar="c" timeFrom="20260910T000000Z" timeTill="20260911T000000Z"/>`)
	ann.expect([]string{"ERROR", "Nowhere"}, `<calendarPublish calendar="c"><iCalendar><vCalendar><vevent><uid>n</uid><dtstart TZID="Nowhere">20260910T090000</dtstart></vevent></vCalendar></iCalendar></calendarPublish>`)
	// One that is refused leaves nothing behind, and the others of the batch stay.
	got := ann.do(`<calendarPublish calendar="c">`+event("good", 20, 9, "")+`</calendarPublish>`, `<calendarPublish calendar="x"/>`, `<calendarPublish calendar="c"><iCalendar/></calendarPublish>`, `<noop/>`)
	if got[0] != "" || !strings.Contains(got[1], "calendar has not been opened") || !strings.Contains(got[2], "illegal iCalendar data") || got[3] != "" {
		t.Errorf("%q", got)
	}
	ann.expect([]string{`itemUID="good"`}, `<findEvents calendar="c" timeFrom="20260920T000000Z" timeTill="20260921T000000Z"/>`)
}

func TestTasks(t *testing.T) {
	s := start(t, nil)
	ann := s.session("ann")
	task := func(uid, more string) string {
		return `<calendarPublish calendar="t"><iCalendar><vCalendar><vtodo><uid>` + uid + `</uid><summary>do ` + uid + `</summary>` + more + `</vtodo></vCalendar></iCalendar></calendarPublish>`
	}
	ann.expect([]string{`itemUID="a"`, `due="20260905T120000"`, `!itemUID="b"`, `itemUID="c"`, `items="2"`},
		`<calendarOpen calendar="t" mailbox="Tasks" mailboxClass="IPF.Task"/>`, task("a", "<due>20260905T120000Z</due>"), task("b", "<percent-complete>100</percent-complete>"), task("c", ""),
		`<findTasks calendar="t"`+september+`/>`)
	ann.expect([]string{`itemUID="b"`, `percent-complete="100"`}, `<findTasks calendar="t" completed="yes"`+september+`/>`)
}

func TestContacts(t *testing.T) {
	s := start(t, nil)
	ann := s.session("ann")
	ann.expect([]string{`<contactAppend UID="1"/>`}, `<folderOpen folder="k" mailbox="Contacts" mailboxClass="IPF.Contact" sortField="To"><field>Subject</field><field>E-To</field></folderOpen>`,
		`<contactAppend folder="k" report="uid"><vCard><FN><VALUE>Cleo</VALUE></FN><EMAIL><WORK/><VALUE>cleo@x.example</VALUE></EMAIL></vCard></contactAppend>`)
	ann.expect([]string{"!ERROR"}, `<contactAppend folder="k"><vCardGroup><NAME><VALUE>Team</VALUE></NAME><MEMBER CN="Cleo">cleo@x.example</MEMBER></vCardGroup></contactAppend>`)
	ann.expect([]string{`mode="added" index="0" UID="1" messages="1"><Subject>Cleo</Subject><E-To realName="work">cleo@x.example</E-To>`, `UID="2"`, `<E-To>GROUP</E-To>`}, `<folderSync folder="k"/>`)
	ann.expect([]string{`<MIME type="text" subtype="x-vgroup"`, `<vCardGroup><FN><VALUE>Team</VALUE></FN><NAME><VALUE>Team</VALUE></NAME><MEMBER CN="Cleo">cleo@x.example</MEMBER></vCardGroup>`, "<To>GROUP</To>"}, `<folderRead folder="k" UID="2"/>`)
	ann.expect([]string{`UID="1"`, `!UID="2"`}, `<contactFind folder="k" peer="CLEO@x.example"/>`)
	ann.expect([]string{"illegal vCard data format"}, `<contactAppend folder="k"><nothing/></contactAppend>`)
	ann.expect([]string{"folder has not been opened"}, `<contactAppend folder="z"><vCard/></contactAppend>`)
	ann.expect([]string{"folder has already been opened"}, `<folderOpen folder="k"/>`)
	ann.expect([]string{`mode="removed"`, `mode="added"`, `UID="3"`}, `<contactAppend folder="k" replacesUID="1" checkOld="yes"><vCard><FN><VALUE>Cleo B</VALUE></FN></vCard></contactAppend>`, `<folderSync folder="k"/>`)
	ann.expect([]string{"message is not found"}, `<contactAppend folder="k" replacesUID="1" checkOld="yes"><vCard/></contactAppend>`)
	ann.expect([]string{`mode="attrsUpdated"`, `UID="3"`}, `<messageMark folder="k" flags="Read,Flagged"><UID>3</UID></messageMark>`, `<folderSync folder="k"/>`)
	ann.expect([]string{`mailbox="Contacts" class="IPF.Contact"`, `Messages="2"`, `Unseen="1"`}, `<mailboxList filter="*" mailboxClass="IPF.Contact"/>`)
	ann.expect([]string{`mailbox="INBOX"`, "!Contacts"}, `<mailboxList filter="*"/>`)
}

// TestNews: a session that has a calendar or a folder open is told once of a
// change, until it looks.
func TestNews(t *testing.T) {
	s := start(t, nil)
	s.cli(func(c *cli.Conn) {
		if _, err := c.Raw(t.Context(), "CREATEMAILBOX", "ann@corp.example", cli.Word("MAILBOX"), "Calendar", cli.Word("CLASS"), "IPF.Appointment"); err != nil {
			t.Fatal(err)
		}
		if err := c.SetMailboxACL(t.Context(), "ann@corp.example", "Calendar", dataformat.Dict{"ben@corp.example": "lrite"}); err != nil {
			t.Fatal(err)
		}
	})
	ann, ben := s.session("ann"), s.session("ben")
	ann.last(openCalendar, `<folderOpen folder="f" mailbox="Calendar"/>`)
	ben.last(`<calendarOpen calendar="c" mailbox="~ann/Calendar"/>`, `<calendarPublish calendar="c">`+event("1", 1, 9, "")+`</calendarPublish>`, `<calendarPublish calendar="c">`+event("2", 1, 9, "")+`</calendarPublish>`)
	got := poll(t, ann, 0)
	if strings.Count(got, `<calendarReport calendar="c" mode="notify"/>`) != 1 || strings.Count(got, `<folderReport folder="f" mode="notify"/>`) != 1 || !strings.Contains(got, `respSeq="1"`) {
		t.Errorf("%s", got)
	}
	if again := poll(t, ann, 0); again != got {
		t.Errorf("what was not acknowledged is told as %s", again)
	}
	if got := poll(t, ann, 1); got != "<XIMSS/>" {
		t.Errorf("after it was acknowledged: %s", got)
	}
	ann.last(`<findEvents calendar="c"`+september+`/>`, `<folderSync folder="f"/>`)
	ben.last(`<calendarCancel calendar="c" itemUID="1"/>`)
	if got := poll(t, ann, 1); !strings.Contains(got, "calendarReport") || !strings.Contains(got, `respSeq="2"`) {
		t.Errorf("after looking: %s", got)
	}
}

func poll(t *testing.T, s *session, ack int) string {
	t.Helper()
	return get(t, fmt.Sprintf("%s?ackSeq=%d&maxWait=1", s.base, ack)).String()
}
