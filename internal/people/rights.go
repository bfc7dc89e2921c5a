package people

import (
	"context"
	"slices"
	"strings"

	"rmp/internal/fault"
	"rmp/internal/tenant"
)

// Level is what somebody may do with a calendar, in a word.
type Level string

// The levels, each including those before it. The letters are those of
// RFC 4314, which CommuniGate Pro's mailbox ACLs use.
const (
	None   Level = "none"
	See    Level = "see"    // that there are events, and when
	Read   Level = "read"   // what they are about
	Write  Level = "write"  // make, change and remove them
	Manage Level = "manage" // and say who may do what
	Custom Level = "custom" // other letters
)

var levels = []struct {
	level   Level
	letters string
}{{See, "l"}, {Read, "lrs"}, {Write, "lrswite"}, {Manage, "lrswipkxtea"}}

// letters that are known, in their order.
const known = "lrswipkxtea"

// Letters are those that a level grants.
func (l Level) Letters() (string, bool) {
	for _, x := range levels {
		if x.level == l {
			return x.letters, true
		}
	}
	return "", false
}

// LevelOf is the highest level that letters reach.
func LevelOf(letters string) Level {
	out := None
	for _, x := range levels {
		if Has(letters, x.letters) {
			out = x.level
		}
	}
	if out == None && letters != "" {
		out = Custom
	}
	return out
}

// Has reports whether the letters include all that are wanted; d and c are
// the older letters of RFC 2086.
func Has(letters, want string) bool {
	for _, r := range want {
		if strings.ContainsRune(letters, r) || (r == 't' || r == 'e') && strings.Contains(letters, "d") || r == 'k' && strings.Contains(letters, "c") {
			continue
		}
		return false
	}
	return true
}

// Words are what letters mean, one for each.
func Words(letters string) []string {
	names := map[rune]string{'l': "sees the calendar", 'r': "reads events", 's': "keeps what they have read", 'w': "marks events", 'i': "makes events", 'p': "sends to it",
		'k': "makes calendars below it", 'x': "removes the calendar", 't': "removes events", 'e': "clears what was removed", 'a': "says who may do what", 'd': "removes events", 'c': "makes calendars below it"}
	var out []string
	for _, r := range letters {
		if w := names[r]; w != "" && !slices.Contains(out, w) {
			out = append(out, w)
		}
	}
	return out
}

// Delegate is somebody with rights to a calendar.
type Delegate struct {
	Email   string // or anyone, anyone@ for the identifiers of groups of people
	Letters string
}

// Delegates answers who may do what with an account's calendar, to its owner,
// to who manages it, and to administrators.
func (s *Service) Delegates(ctx context.Context, p tenant.Principal, email string) ([]Delegate, error) {
	t, email, err := s.managed(ctx, p, email)
	if err != nil {
		return nil, err
	}
	acl, err := s.Mail.ACL(ctx, t, email)
	if err != nil {
		return nil, err
	}
	var out []Delegate
	for id, letters := range acl {
		out = append(out, Delegate{id, letters})
	}
	slices.SortFunc(out, func(a, b Delegate) int { return strings.Compare(a.Email, b.Email) })
	return out, nil
}

// managed checks that the person may say who may do what with a calendar.
func (s *Service) managed(ctx context.Context, p tenant.Principal, email string) (tenant.Tenant, string, error) {
	t, err := s.Tenants.Tenant(ctx, p.Tenant)
	if err != nil {
		return t, "", err
	}
	if email, err = account(t, email); err != nil {
		return t, "", err
	}
	if strings.EqualFold(email, p.Email) || p.Runs(email) {
		return t, email, nil
	}
	letters, err := s.Mail.Rights(ctx, t, email, p.Email)
	if err != nil {
		return t, "", err
	}
	switch {
	case letters == "":
		return t, "", fault.New(fault.NotFound, "there is no such calendar, or not for you")
	case !Has(letters, "a"):
		return t, "", fault.New(fault.Forbidden, "only the owner, who manages it, or an administrator may say who may do what with this calendar")
	}
	return t, email, nil
}

// SetDelegate gives somebody a level, or letters.
func (s *Service) SetDelegate(ctx context.Context, p tenant.Principal, email, delegate string, level Level, letters string) (Delegate, error) {
	t, email, err := s.managed(ctx, p, email)
	if err != nil {
		return Delegate{}, err
	}
	delegate = strings.ToLower(strings.TrimSpace(delegate))
	var bad fault.Fields
	if !t.Owns(delegate) && delegate != "anyone" && delegate != "anyone@" {
		bad.Add("path.delegate", "is not an address of %s, nor anyone (everybody) or anyone@ (everybody of the domain)", t.Domain)
	}
	switch {
	case delegate == email:
		bad.Add("path.delegate", "is the owner")
	case delegate == t.ServiceAccount():
		bad.Add("path.delegate", "is the account by which bookings are written; its rights are kept by RMP")
	}
	if level != "" {
		granted, ok := level.Letters()
		if !ok {
			bad.Add("/level", "is not one of see, read, write, manage")
		}
		letters = granted
	}
	for _, r := range letters {
		if !strings.ContainsRune(known, r) {
			bad.Add("/rights", "%q is not one of the letters %s", string(r), known)
			break
		}
	}
	if letters == "" && bad == nil {
		bad.Add("/level", "is missing; to take rights back, delete the delegate")
	}
	if err := bad.Err(); err != nil {
		return Delegate{}, err
	}
	// In one order, and each once.
	sorted := ""
	for _, r := range known {
		if strings.ContainsRune(letters, r) {
			sorted += string(r)
		}
	}
	return Delegate{delegate, sorted}, s.Mail.SetACL(ctx, t, email, delegate, sorted)
}

// RemoveDelegate takes somebody's rights back.
func (s *Service) RemoveDelegate(ctx context.Context, p tenant.Principal, email, delegate string) error {
	t, email, err := s.managed(ctx, p, email)
	if err != nil {
		return err
	}
	delegate = strings.ToLower(strings.TrimSpace(delegate))
	if delegate == t.ServiceAccount() {
		return fault.New(fault.Forbidden, "the rights of %s are kept by RMP, which writes bookings with them", delegate)
	}
	acl, err := s.Mail.ACL(ctx, t, email)
	if err != nil {
		return err
	}
	if _, ok := acl[delegate]; !ok {
		return fault.New(fault.NotFound, "%s has no rights of their own to this calendar", short(delegate))
	}
	return s.Mail.SetACL(ctx, t, email, delegate, "")
}

func short(s string) string {
	if len(s) > 80 {
		return strings.ToValidUTF8(s[:80], "") + "…"
	}
	return s
}
