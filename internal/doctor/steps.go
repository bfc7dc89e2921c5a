package doctor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"rmp/communigate/cli"
	"rmp/communigate/dataformat"
	"rmp/internal/booking"
	"rmp/internal/directory"
	"rmp/internal/fault"
	"rmp/internal/secret"
	"rmp/internal/store"
	"rmp/internal/tenant"
)

// Step is one change. Its fields are what the operation needs; Value is an
// object in the textual format of CommuniGate Pro.
type Step struct {
	Op      string `json:"op"`
	Domain  string `json:"domain,omitempty"`
	Account string `json:"account,omitempty"`
	Mailbox string `json:"mailbox,omitempty"`
	Name    string `json:"name,omitempty"` // a person, a class, an event or a booking
	Value   string `json:"value,omitempty"`
}

// The operations.
const (
	createDomain   = "create-domain"
	deleteDomain   = "delete-domain"
	setServices    = "set-services"
	createAccount  = "create-account"
	deleteAccount  = "delete-account"
	setPassword    = "set-password"
	createMailbox  = "create-mailbox"
	deleteMailbox  = "delete-mailbox"
	setClass       = "set-class"
	setRight       = "set-right"
	setSettings    = "set-settings"
	setRules       = "set-rules"
	setPreferences = "set-preferences"
	makeBusy       = "make-busy"
	makeFree       = "make-free"
	adoptResource  = "adopt-resource"
	removeResource = "remove-resource"
	retryWrites    = "retry-writes"
	writeAgain     = "write-again"
	checkNow       = "check-now"
)

// String is the step in words.
func (s Step) String() string {
	words := map[string]string{
		createDomain: "create the domain " + s.Domain, deleteDomain: "delete the domain " + s.Domain,
		setServices:   "set the services of " + s.Domain + " to " + s.Value,
		createAccount: "create the account " + s.Account, deleteAccount: "delete the account " + s.Account,
		setPassword:   "set the password of " + s.Account,
		createMailbox: fmt.Sprintf("create the mailbox %s of %s", s.Mailbox, s.Account), deleteMailbox: fmt.Sprintf("delete the mailbox %s of %s", s.Mailbox, s.Account),
		setClass:       fmt.Sprintf("give the mailbox %s of %s the class %s", s.Mailbox, s.Account, s.Name),
		setRight:       fmt.Sprintf("give %s the rights %q to the mailbox %s of %s", s.Name, s.Value, s.Mailbox, s.Account),
		setSettings:    "change the settings of " + s.Account + " to " + s.Value,
		setRules:       "set the mail rules of " + s.Account,
		setPreferences: "change the preferences of " + s.Account + " to " + s.Value,
		makeBusy:       fmt.Sprintf("have the event %s of %s block time", s.Name, s.Account), makeFree: fmt.Sprintf("have the event %s of %s not block time", s.Name, s.Account),
		adoptResource: "take over the account " + s.Account, removeResource: "take the resource " + s.Account + " out",
		retryWrites: "try the calendar writes again that were given up", writeAgain: "write the coming bookings into the calendar of " + s.Account + " again", checkNow: "compare the calendar of " + s.Account + " with the database now",
	}
	if w, ok := words[s.Op]; ok {
		return w
	}
	return s.Op
}

// apply takes a step, and answers the one that takes it back, or nil where
// nothing does.
func (d *Doctor) apply(ctx context.Context, t tenant.Tenant, s Step) (undo *Step, err error) {
	switch s.Op {
	case makeBusy, makeFree:
		back := s
		back.Op = map[string]string{makeBusy: makeFree, makeFree: makeBusy}[s.Op]
		return &back, d.Groupware.SetTransparency(ctx, t, s.Account, s.Name, s.Op == makeFree, d.Now().Add(-24*time.Hour), d.Now().Add(dates))
	case adoptResource, removeResource, retryWrites, writeAgain, checkNow:
		return d.applyHere(ctx, t, s)
	}
	err = d.Groupware.Admin(ctx, t, func(c *cli.Conn) error {
		undo, err = onServer(ctx, c, t, s)
		return err
	})
	return undo, err
}

// applyHere takes the steps that change the database only.
func (d *Doctor) applyHere(ctx context.Context, t tenant.Tenant, s Step) (*Step, error) {
	db := d.DB.For(t.ID)
	switch s.Op {
	case adoptResource:
		kind, ok := directory.TypeOf(t, s.Account)
		if !ok {
			return nil, fmt.Errorf("%s is in no domain for resources", s.Account)
		}
		r := directory.Resource{Email: s.Account, Type: kind.Name, Name: s.Name, TimeZone: t.TimeZone, Active: true, UpdatedAt: d.Now()}
		return &Step{Op: removeResource, Account: s.Account}, db.SaveResource(ctx, &r)
	case removeResource:
		if err := d.mustBeFree(ctx, t, s.Account); err != nil {
			return nil, err
		}
		r, err := db.Resource(ctx, s.Account)
		if err != nil {
			return nil, err
		}
		return nil, db.RemoveResource(ctx, r.ID, d.Now())
	case retryWrites:
		_, err := db.RetryDeadLetters(ctx, "", d.Now())
		d.Wake()
		return nil, err
	case writeAgain:
		_, err := db.WriteAgain(ctx, s.Account, d.Now())
		d.Wake()
		return nil, errors.Join(err, d.DB.CheckAnew(ctx, t.ID, s.Account, d.Now())) // of a resource; of others it does nothing
	default:
		r, err := db.Resource(ctx, s.Account)
		if err != nil {
			return nil, err
		}
		return nil, d.DB.CheckAnew(ctx, t.ID, r.Email, d.Now())
	}
}

// onServer takes a step over CLI. What was there before is read first, to be
// put back by the step that is answered.
func onServer(ctx context.Context, c *cli.Conn, t tenant.Tenant, s Step) (*Step, error) {
	var value dataformat.Value
	if slices.Contains([]string{setServices, setSettings, setRules, setPreferences}, s.Op) && s.Value != "" {
		var err error
		if value, err = dataformat.Parse(s.Value); err != nil {
			return nil, err
		}
	}
	dict, _ := value.(dataformat.Dict)
	list, _ := value.(dataformat.Array)
	switch s.Op {
	case createDomain:
		return &Step{Op: deleteDomain, Domain: s.Domain}, c.CreateDomain(ctx, s.Domain, nil)
	case deleteDomain:
		return nil, c.DeleteDomain(ctx, s.Domain, false) // not by force: only if it is empty
	case setServices:
		before, err := c.DomainSettings(ctx, s.Domain)
		if err != nil {
			return nil, err
		}
		undo := &Step{Op: setServices, Domain: s.Domain, Value: text(before["DomainAccessModes"])}
		var to dataformat.Value = list
		if list == nil {
			to = orDefault(value)
		}
		return undo, c.UpdateDomainSettings(ctx, s.Domain, dataformat.Dict{"DomainAccessModes": to})
	case createAccount:
		password := secret.Random().Reveal()
		if s.Account == t.ServiceAccount() {
			password = t.ServicePassword.Reveal()
		}
		return &Step{Op: deleteAccount, Account: s.Account}, c.CreateAccount(ctx, s.Account, dataformat.Dict{"Password": password, "RealName": s.Name})
	case deleteAccount:
		if err := holds(ctx, c, s); err != nil {
			return nil, err
		}
		return nil, c.DeleteAccount(ctx, s.Account)
	case setPassword:
		return nil, c.SetAccountPassword(ctx, s.Account, t.ServicePassword.Reveal())
	case createMailbox:
		if err := c.CreateMailbox(ctx, s.Account, s.Mailbox); err != nil {
			return nil, err
		}
		return &Step{Op: deleteMailbox, Account: s.Account, Mailbox: s.Mailbox}, c.SetMailboxClass(ctx, s.Account, s.Mailbox, s.Name)
	case deleteMailbox:
		if err := holds(ctx, c, s); err != nil {
			return nil, err
		}
		return nil, c.DeleteMailbox(ctx, s.Account, s.Mailbox)
	case setClass:
		boxes, err := c.ListMailboxes(ctx, s.Account, s.Mailbox)
		if err != nil {
			return nil, err
		}
		class, _ := classOf(boxes[s.Mailbox])
		return &Step{Op: setClass, Account: s.Account, Mailbox: s.Mailbox, Name: class}, c.SetMailboxClass(ctx, s.Account, s.Mailbox, s.Name)
	case setRight:
		acl, err := c.MailboxACL(ctx, s.Account, s.Mailbox)
		if err != nil {
			return nil, err
		}
		undo := &Step{Op: setRight, Account: s.Account, Mailbox: s.Mailbox, Name: s.Name, Value: acl.String(s.Name)}
		return undo, c.SetMailboxACL(ctx, s.Account, s.Mailbox, dataformat.Dict{s.Name: s.Value})
	case setSettings:
		before, err := c.AccountSettings(ctx, s.Account)
		if err != nil {
			return nil, err
		}
		return &Step{Op: setSettings, Account: s.Account, Value: text(keysOf(dict, before))}, c.UpdateAccountSettings(ctx, s.Account, defaults(dict))
	case setPreferences:
		before, err := c.AccountPrefs(ctx, s.Account)
		if err != nil {
			return nil, err
		}
		return &Step{Op: setPreferences, Account: s.Account, Value: text(keysOf(dict, before))}, c.UpdateAccountPrefs(ctx, s.Account, defaults(dict))
	case setRules:
		before, err := c.AccountMailRules(ctx, s.Account)
		if err != nil {
			return nil, err
		}
		return &Step{Op: setRules, Account: s.Account, Value: text(before)}, c.SetAccountMailRules(ctx, s.Account, list)
	}
	return nil, fmt.Errorf("there is no step %q", s.Op)
}

// ErrHolds is the error of taking back what holds something by now.
var ErrHolds = errors.New("it holds something by now, which would be lost")

// mustBeFree refuses to take out a resource that is booked.
func (d *Doctor) mustBeFree(ctx context.Context, t tenant.Tenant, email string) error {
	list, err := d.DB.For(t.ID).Bookings(ctx, booking.Filter{Resource: email, From: d.Now(), Live: true, Limit: 1})
	if err == nil && len(list) > 0 {
		err = fmt.Errorf("%s is booked on %s: %w", email, list[0].Start.UTC().Format("2006-01-02"), ErrHolds)
	}
	return err
}

// held are the accounts of which a run made something that holds something by
// now: the rest of what it did to them is not taken back either, else what is
// there would be of no use.
func (d *Doctor) held(ctx context.Context, t tenant.Tenant, run []Done) (map[string]error, error) {
	out := map[string]error{}
	for _, s := range run {
		if s.Undone || s.Error != "" || s.Undo == nil || out[s.Undo.Account] != nil {
			continue
		}
		var err error
		switch s.Undo.Op {
		case removeResource:
			err = d.mustBeFree(ctx, t, s.Undo.Account)
		case deleteMailbox, deleteAccount:
			err = d.Groupware.Admin(ctx, t, func(c *cli.Conn) error { return holds(ctx, c, *s.Undo) })
		}
		switch {
		case errors.Is(err, ErrHolds):
			out[s.Undo.Account] = err
		case err != nil && !errors.Is(err, cli.ErrNotFound) && fault.CodeOf(err) != fault.NotFound:
			return nil, err
		}
	}
	return out, nil
}

// holds refuses to delete a mailbox, or an account, in which something is.
func holds(ctx context.Context, c *cli.Conn, s Step) error {
	if s.Op == deleteMailbox {
		return mustBeEmpty(ctx, c, s.Account, s.Mailbox)
	}
	boxes, err := c.ListMailboxes(ctx, s.Account, "*")
	for name := range boxes {
		if err == nil {
			err = mustBeEmpty(ctx, c, s.Account, name)
		}
	}
	return err
}

// messagesOf is how many messages a mailbox has; -1: it is not told.
func messagesOf(info dataformat.Dict) int {
	n, err := strconv.Atoi(fmt.Sprint(info["Messages"]))
	if err != nil {
		return -1
	}
	return n
}

// mustBeEmpty refuses to delete a mailbox in which something is.
func mustBeEmpty(ctx context.Context, c *cli.Conn, account, mailbox string) error {
	info, err := c.MailboxInfo(ctx, account, mailbox)
	if err != nil {
		return err
	}
	if messagesOf(info) != 0 {
		return fmt.Errorf("the mailbox %s of %s: %w", mailbox, account, ErrHolds)
	}
	return nil
}

// unset is how a step says that a setting is to be that of the defaults.
const unset = "-"

func orDefault(v dataformat.Value) dataformat.Value {
	if v == nil || v == unset {
		return "default"
	}
	return v
}

func defaults(d dataformat.Dict) dataformat.Dict {
	out := dataformat.Dict{}
	for k, v := range d {
		out[k] = orDefault(v)
	}
	return out
}

// keysOf are the values before, of the keys that a step changes.
func keysOf(changed, before dataformat.Dict) dataformat.Dict {
	out := dataformat.Dict{}
	for k := range changed {
		if v, ok := before[k]; ok {
			out[k] = v
		} else {
			out[k] = unset
		}
	}
	return out
}

func text(v dataformat.Value) string {
	if v == nil {
		return ""
	}
	s, err := dataformat.Text(v)
	if err != nil {
		return ""
	}
	return s
}

// classOf reads the class out of the list of mailboxes: a mailbox is a
// dictionary, one that has mailboxes below it an array with the dictionary.
func classOf(v dataformat.Value) (class string, there bool) {
	if list, ok := v.(dataformat.Array); ok && len(list) == 1 {
		v = list[0]
	}
	d, ok := v.(dataformat.Dict)
	return d.String("Class"), ok
}

// save stores a step that was taken.
func (d *Doctor) save(ctx context.Context, t tenant.ID, s Done) error {
	j, err := json.Marshal(s)
	if err == nil {
		err = d.DB.For(t).SaveStep(ctx, store.Step{Run: s.Run, Number: s.Number, At: s.At, Text: string(j)})
	}
	return err
}

// ErrNoRun is the error of a run that is not known.
var ErrNoRun = errors.New("there is no such run of repairs")

func (d *Doctor) steps(ctx context.Context, t tenant.ID, run string) ([]Done, error) {
	list, err := d.DB.For(t).Steps(ctx, run)
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, ErrNoRun
	}
	out := make([]Done, len(list))
	for i, s := range list {
		if err := json.Unmarshal([]byte(s.Text), &out[i]); err != nil {
			return nil, fmt.Errorf("a stored step: %w", err)
		}
		out[i].Undone = s.Undone
	}
	return out, nil
}
