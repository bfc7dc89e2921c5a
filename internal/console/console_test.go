package console

import (
	"bytes"
	"strings"
	"testing"

	"rmp/communigate/cli"
	"rmp/communigate/dataformat"
	"rmp/xmlnode"
)

func TestParse(t *testing.T) {
	c, err := Parse(`listDomainObjects example.org FILTER "a b" 100 ACCOUNTS {x=(1,"y");}`)
	if err != nil || c.Name != "LISTDOMAINOBJECTS" || len(c.Arguments) != 6 {
		t.Fatal(c, err)
	}
	if c.Arguments[0] != "example.org" || c.Arguments[1] != cli.Word("FILTER") || c.Arguments[2] != "a b" || c.Arguments[3] != cli.Word("100") || c.Arguments[4] != cli.Word("ACCOUNTS") {
		t.Errorf("%#v", c.Arguments)
	}
	if d, ok := c.Arguments[5].(dataformat.Dict); !ok || d.Array("x")[1] != "y" {
		t.Errorf("%#v", c.Arguments[5])
	}
	for _, bad := range []string{"", "GET-IT", "LISTDOMAINS\r\nSHUTDOWN", `GETACCOUNTSETTINGS "open`, "X {a=1", "X }"} {
		if c, err := Parse(bad); err == nil {
			t.Errorf("%q: %v", bad, c)
		}
	}
}

func TestDanger(t *testing.T) {
	for name, want := range map[cli.Word]Danger{"LISTDOMAINS": Reads, "MAINDOMAINNAME": Reads, "ROUTE": Reads, "GETACCOUNTSETTINGS": Reads, "NOOP": Reads, "CREATEACCOUNT": Changes, "UPDATEACCOUNTSETTINGS": Changes, "SETMAILBOXACL": Changes,
		"DELETEACCOUNT": Destroys, "SHUTDOWN": Destroys, "KILLSESSION": Destroys} {
		if got := DangerOf(name); got != want {
			t.Errorf("%s: %d", name, got)
		}
	}
	for name, want := range map[string]Danger{"mailboxList": Reads, "calendarPublish": Changes, "folderMessageDelete": Destroys, "prefsStore": Changes, "fileRead": Reads, "findEvents": Reads, "calendarReadItem": Reads, "readIMAP": Reads,
		"folderOpen": Reads, "freeBusyRequest": Reads, "mailboxRightsSet": Changes, "listRemove": Destroys} {
		if got := DangerOfXIMSS(xmlnode.New(name)); got != want {
			t.Errorf("%s: %d", name, got)
		}
	}
	if !Secret(`SETACCOUNTPASSWORD anna TO "x"`) || Secret("LISTDOMAINS") {
		t.Error("what is secret")
	}
}

func TestPrint(t *testing.T) {
	var out bytes.Buffer
	if err := Print(&out, dataformat.Dict{"b": dataformat.Array{"x", "y z"}, "a": "1"}); err != nil {
		t.Fatal(err)
	}
	if out.String() != "{\n  a = 1;\n  b = (\n    x,\n    \"y z\"\n  );\n}\n" {
		t.Errorf("%s", out.String())
	}
	if v, err := dataformat.Parse(strings.TrimSpace(out.String())); err != nil {
		t.Error("what is printed cannot be read back:", v, err)
	}
	out.Reset()
	if err := JSON(&out, dataformat.Dict{"n": int64(3), "b": dataformat.Datablock("hi")}); err != nil || !strings.Contains(out.String(), `"b": "aGk="`) {
		t.Error(out.String(), err)
	}
	out.Reset()
	n := xmlnode.New("a", "x", `"<`).Add(xmlnode.New("b").WithText("t & u"))
	if err := PrintXML(&out, n); err != nil {
		t.Fatal(err)
	}
	if back, err := xmlnode.Parse(out.Bytes(), xmlnode.Limits{}); err != nil || back.Attr("x") != `"<` || back.Child("b").Text != "t & u" {
		t.Error(out.String(), err)
	}
}

// FuzzParse: whatever is typed, what is read is one command of one line.
func FuzzParse(f *testing.F) {
	f.Add(`LISTDOMAINOBJECTS x FILTER "a" {b=(1);}`)
	f.Add("x \"\\e\" [aGk=] #3")
	f.Fuzz(func(t *testing.T, line string) {
		c, err := Parse(line)
		if err != nil {
			return
		}
		text := []byte(c.Name)
		for _, a := range c.Arguments {
			text = append(text, ' ')
			if w, ok := a.(cli.Word); ok {
				text = append(text, w...)
				continue
			}
			if text, err = dataformat.Append(text, a); err != nil {
				return // the encoder refuses it
			}
		}
		if bytes.ContainsAny(text, "\r\n\x00") {
			t.Errorf("%q becomes %q", line, text)
		}
	})
}
