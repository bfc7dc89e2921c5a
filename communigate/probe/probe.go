// Package probe finds out how a CommuniGate Pro server speaks where the
// protocol is known only at second hand, and says where it differs from the
// stand-in.
//
// Run asks one question after the other in a session of its own. By itself it
// only reads. With Write it makes a calendar in the account, stores a series
// in it, and removes the calendar again, whatever happens in between; and with
// an administrator's name it does so in two accounts that it makes for the
// purpose and removes again, where it also finds out what becomes of an
// invitation. Each
// answer is put beside that of a stand-in that is asked the same, and becomes
// a part of the ximss.Dialect. What went over the wire is kept with names and
// addresses left out.
package probe

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"rmp/calendar/ical"
	"rmp/communigate/cli"
	"rmp/communigate/ximss"
	"rmp/xmlnode"
)

// Options of Run.
type Options struct {
	Config ximss.Config // of the account that asks
	Write  bool         // make and remove a calendar
	Admin  *cli.Config  // with Write: make and remove two accounts, and ask as one of them
	Domain string       // of those accounts; default: that of Admin.User, or the server's main domain
	Now    func() time.Time
}

// Answer is what a server said to one question.
type Answer struct {
	Name  string
	Value string // short; "" if it could not be found out
	Note  string // why it could not, or what it is good for
	Wire  string // the request and the reply, redacted
}

// Report is the outcome.
type Report struct {
	Answers []Answer
	Dialect ximss.Dialect
}

// Difference is an answer that is not that of the stand-in.
type Difference struct{ Name, Server, Standin string }

// Compare names what two servers answered differently.
func Compare(server, standin Report) []Difference {
	other := map[string]string{}
	for _, a := range standin.Answers {
		other[a.Name] = a.Value
	}
	var out []Difference
	for _, a := range server.Answers {
		if a.Value != "" && a.Value != other[a.Name] {
			out = append(out, Difference{a.Name, a.Value, other[a.Name]})
		}
	}
	return out
}

type probe struct {
	Options
	s      *ximss.Session
	guest  string // the second account, or ""
	report Report
}

// Run asks a server. An error is one of reaching it at all; what a question
// could not find out is said in its answer.
func Run(ctx context.Context, o Options) (report Report, err error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	p := &probe{Options: o}
	defer func() { report = p.report }() // with what cleaning up has to say
	if o.Write && o.Admin != nil {
		remove, err := p.scratch(ctx)
		defer remove()
		if err != nil {
			return p.report, err
		}
	}
	if err := p.login(ctx); err != nil {
		return p.report, err
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer cancel()
		_ = p.s.Close(ctx) // it ends by itself otherwise
	}()
	steps := []func(context.Context) error{p.mailboxes, p.freeBusyAttr}
	if o.Write {
		steps = append(steps, p.series)
		if p.guest != "" {
			steps = append(steps, p.invitation)
		}
	} else {
		p.answer("event duration", "", "needs a calendar of its own: run with --write", nil, nil)
	}
	for _, step := range steps {
		if err := step(ctx); err != nil {
			return p.report, err
		}
	}
	return p.report, nil
}

var (
	secrets   = regexp.MustCompile(`(?i)\b(password|authData|urlID|nonce)="[^"]*"`)
	addresses = regexp.MustCompile(`[A-Za-z0-9._+-]+@[A-Za-z0-9.-]+`)
	names     = regexp.MustCompile(`\b(realName|CN)="[^"]*"`)
)

func redact(s string) string {
	s = secrets.ReplaceAllString(s, `$1="***"`)
	s = names.ReplaceAllString(s, `$1="Somebody"`)
	return addresses.ReplaceAllString(s, "somebody@domain.example")
}

func (p *probe) answer(name, value, note string, asked *xmlnode.Node, reply *ximss.Reply) {
	a := Answer{Name: name, Value: value, Note: note}
	if asked != nil {
		a.Wire = "C> " + asked.String()
	}
	if reply != nil {
		for _, d := range reply.Data {
			a.Wire += "\nS> " + d.String()
		}
		if reply.Err != nil {
			a.Wire += "\nS> " + reply.Err.Error()
		}
	}
	a.Wire = redact(a.Wire)
	p.report.Answers = append(p.report.Answers, a)
}

// login tries the form first, since it keeps the password out of URLs.
func (p *probe) login(ctx context.Context) error {
	cfg := p.Config
	client := ximss.Client(cfg)
	cfg.Login = ximss.LoginForm
	s, err := ximss.Login(ctx, client, cfg)
	value := "form"
	if err != nil && !errors.Is(err, ximss.ErrUnreachable) && !errors.Is(err, ximss.ErrSlow) {
		first := err
		cfg.Login, value = ximss.LoginQuery, "query"
		if s, err = ximss.Login(ctx, client, cfg); err != nil {
			return first
		}
	}
	if err != nil {
		return err
	}
	p.s = s
	p.report.Dialect.Login = value
	p.answer("login", value, "how the password travels", nil, nil)
	return nil
}

func (p *probe) do(ctx context.Context, n *xmlnode.Node) (*ximss.Reply, error) {
	replies, err := p.s.Do(ctx, ximss.NewRequest(n))
	if err != nil {
		return nil, err
	}
	return replies[0], nil
}

// mailboxes asks whether a list without a class has mailboxes of all classes.
func (p *probe) mailboxes(ctx context.Context) error {
	all, err := p.do(ctx, xmlnode.New("mailboxList", "filter", "*"))
	if err != nil {
		return err
	}
	asked := xmlnode.New("mailboxList", "filter", "*", "mailboxClass", "IPF.Appointment")
	some, err := p.do(ctx, asked)
	if err != nil {
		return err
	}
	boxes, err1 := all.Mailboxes()
	calendars, err2 := some.Mailboxes()
	if err1 != nil || err2 != nil || len(calendars) == 0 {
		p.answer("mailbox list", "", "the account has no calendar to look for", asked, some)
		return nil //nolint:nilerr // that is the answer
	}
	value := "mail only"
	for _, b := range boxes {
		if b.Name == calendars[0].Name {
			value = "all classes"
		}
	}
	p.answer("mailbox list", value, "what a list without a class has", xmlnode.New("mailboxList", "filter", "*"), all)
	return nil
}

// freeBusyAttr asks under which name the account goes, and in which form the
// answer comes.
func (p *probe) freeBusyAttr(ctx context.Context) error {
	from := p.Now().UTC().Truncate(24 * time.Hour)
	for _, attr := range []string{"peer", "userName"} {
		asked := xmlnode.New("freeBusyRead", attr, p.s.Account(), "timeFrom", ical.At(from).String(), "timeTill", ical.At(from.AddDate(0, 0, 7)).String())
		reply, err := p.do(ctx, asked)
		if err != nil {
			return err
		}
		if reply.Err != nil {
			continue
		}
		p.report.Dialect.PeerAttr = attr
		p.answer("free/busy attribute", attr, "which names the account", asked, reply)
		p.freeBusyForm(asked, reply)
		return nil
	}
	p.answer("free/busy attribute", "", "the server refuses free/busy", nil, nil)
	return nil
}

func (p *probe) freeBusyForm(asked *xmlnode.Node, reply *ximss.Reply) {
	value := ""
	for _, d := range reply.Data {
		switch {
		case d.Find("vfreebusy") != nil:
			value = "vfreebusy element"
		case strings.Contains(d.Text, "BEGIN:VFREEBUSY"):
			value = "text"
		case d.Find("freeBusy") != nil:
			value = "periods"
		}
	}
	if _, err := reply.FreeBusy(); err != nil {
		p.answer("free/busy form", "unknown", "this client cannot read it: "+redact(err.Error()), asked, reply)
		return
	}
	note := "all known forms are read"
	if value == "" {
		note = "nothing is busy, so it does not show"
	}
	p.answer("free/busy form", value, note, asked, reply)
}

// series makes a calendar with a series of 90 minutes in it and looks at what
// comes back.
func (p *probe) series(ctx context.Context) error {
	box := fmt.Sprintf("RMP probe %d", p.Now().Unix())
	made, err := p.do(ctx, xmlnode.New("mailboxCreate", "mailbox", box, "mailboxClass", "IPF.Appointment"))
	if err != nil {
		return err
	}
	if made.Err != nil {
		p.answer("event duration", "", "no calendar could be made: "+redact(made.Err.Error()), nil, made)
		return nil
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer cancel()
		note, value := "the calendar that was made is removed again", "yes"
		replies, err := p.s.Do(ctx, ximss.CloseCalendar("probe"), ximss.RemoveMailbox(box))
		if err != nil || replies[1].Err != nil {
			value, note = "no", "remove the mailbox "+box+" by hand"
		}
		p.answer("cleaned up", value, note, nil, nil)
	}()
	start := p.Now().UTC().Truncate(24 * time.Hour).Add(9 * time.Hour)
	event := &ical.Event{UID: fmt.Sprintf("rmp-probe-%d", p.Now().UnixNano()), Start: ical.Time{Kind: ical.Zoned, Zone: "Europe/Berlin", Wall: ical.At(start).Wall}, Duration: 90 * time.Minute,
		Summary: "RMP probe", Transp: "OPAQUE", BusyStatus: "BUSY", RRules: []string{"FREQ=DAILY;COUNT=3"}}
	event.End = ical.Time{Kind: ical.Zoned, Zone: "Europe/Berlin", Wall: event.Start.Wall.Add(90 * time.Minute)}
	cal := &ical.Calendar{Method: "PUBLISH", ProdID: "-//RMP//probe//EN", Events: []*ical.Event{event}}
	if _, err := p.s.Do(ctx, ximss.OpenCalendar("probe", box)); err != nil {
		return err
	}
	stored := false
	for _, root := range []string{"mixed", "lower"} {
		for _, all := range []string{"all", "yes"} {
			d := ximss.Dialect{RootCase: root, SendAll: all}
			replies, err := p.s.Do(ctx, d.Publish("probe", cal, ximss.SendAll))
			if err != nil {
				return err
			}
			if replies[0].Err == nil && !stored {
				stored = true
				p.report.Dialect.RootCase, p.report.Dialect.SendAll = root, all
				p.answer("calendar root", root, "the letter case of iCalendar and vCalendar that is taken", nil, nil)
				p.answer("send to all", all, "the value of sendRequests that is taken", nil, nil)
			}
		}
	}
	if !stored {
		p.answer("calendar root", "", "the server refuses to store an event", nil, nil)
		return nil
	}
	return p.readBack(ctx, start)
}

func (p *probe) readBack(ctx context.Context, start time.Time) error {
	asked := xmlnode.New("findEvents", "calendar", "probe", "timeFrom", ical.At(start.AddDate(0, 0, -1)).String(), "timeTill", ical.At(start.AddDate(0, 0, 7)).String())
	reply, err := p.do(ctx, asked)
	if err != nil {
		return err
	}
	var first *xmlnode.Node
	seen := map[string]bool{}
	for _, d := range reply.Data {
		for _, e := range d.Children {
			if e.Is("event") {
				seen[e.Attr("timeFrom")] = true
				if first == nil {
					first = e
				}
			}
		}
	}
	if first == nil {
		p.answer("event duration", "", "the event that was stored is not found", asked, reply)
		return nil
	}
	p.answer("series", map[bool]string{true: "expanded", false: "not expanded"}[len(seen) == 3], "whether findEvents gives each occurrence", asked, reply)
	value, note := "", "the unit of an event's length"
	switch first.Attr("duration") {
	case "5400":
		value = "seconds"
	case "90":
		value = "minutes"
	default:
		note = "90 minutes are shown as " + first.Attr("duration")
	}
	p.report.Dialect.DurationUnit = value
	p.answer("event duration", value, note, asked, reply)

	asked = xmlnode.New("calendarReadItem", "calendar", "probe", "UID", first.Attr("UID"))
	if reply, err = p.do(ctx, asked); err != nil {
		return err
	}
	for _, d := range reply.Data {
		if r := d.Find("rrule"); r != nil {
			p.answer("recurrence rule", map[bool]string{true: "text", false: "elements"}[len(r.Children) == 0], "both are read", asked, reply)
		}
		if s := d.Find("dtstart"); s != nil && len(s.Attrs) > 0 {
			p.answer("parameters", map[bool]string{true: "upper case", false: "lower case"}[s.Attrs[0].Name == strings.ToUpper(s.Attrs[0].Name)], "both are read", asked, reply)
		}
	}
	return nil
}
