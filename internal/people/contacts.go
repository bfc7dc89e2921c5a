package people

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"rmp/calendar/vcard"
	"rmp/internal/fault"
	"rmp/internal/tenant"
)

// EncodeID is the id of a contact for the outside: its folder and message.
func (c Contact) EncodeID() string {
	return base64.RawURLEncoding.EncodeToString([]byte(strconv.FormatInt(c.ID, 10) + " " + c.Folder))
}

func decodeID(id string) (folder string, message int64, err error) {
	b, err := base64.RawURLEncoding.DecodeString(id)
	number, folder, ok := strings.Cut(string(b), " ")
	if err == nil && ok {
		message, err = strconv.ParseInt(number, 10, 64)
	}
	if err != nil || !ok || message < 1 || !utf8.ValidString(folder) || checkFolder(folder) != nil {
		return "", 0, fault.New(fault.NotFound, "there is no such contact")
	}
	return folder, message, nil
}

// checkFolder bounds the name of a folder: a mailbox of the person's own.
func checkFolder(name string) error {
	if name == "" || utf8.RuneCountInString(name) > 100 || strings.HasPrefix(name, "~") || strings.HasPrefix(name, "/") || strings.HasSuffix(name, "/") ||
		strings.Contains(name, "..") || strings.ContainsAny(name, "*%\\") || strings.EqualFold(name, "INBOX") || strings.ContainsFunc(name, unicode.IsControl) || !utf8.ValidString(name) {
		return fault.InvalidField("/name", "is not a name for a folder of contacts: 1 to 100 characters, without * %% \\ and control characters, not INBOX")
	}
	return nil
}

// Folders answers the person's folders of contacts.
func (s *Service) Folders(ctx context.Context, p tenant.Principal) ([]Folder, error) {
	c, err := s.asPerson(ctx, p)
	if err != nil {
		return nil, err
	}
	return s.Mail.Folders(ctx, c)
}

// CreateFolder makes a folder of contacts.
func (s *Service) CreateFolder(ctx context.Context, p tenant.Principal, name string) error {
	c, err := s.asPerson(ctx, p)
	if err != nil {
		return err
	}
	if err := checkFolder(name); err != nil {
		return err
	}
	return s.Mail.CreateFolder(ctx, c, name)
}

// RemoveFolder removes a folder of contacts with all that is in it.
func (s *Service) RemoveFolder(ctx context.Context, p tenant.Principal, name string) error {
	c, err := s.asPerson(ctx, p)
	if err != nil {
		return err
	}
	list, err := s.Mail.Folders(ctx, c)
	if err != nil {
		return err
	}
	// Only what is a folder of contacts: never the mail.
	if !slices.ContainsFunc(list, func(f Folder) bool { return f.Name == name }) {
		return fault.New(fault.NotFound, "there is no such folder of contacts")
	}
	defer s.indexes.forget(contactsKey(c))
	return s.Mail.RemoveFolder(ctx, c, name)
}

// Contacts answers the contacts, or the groups, of a folder, or of all; q
// chooses those that have it in a name, an address or the company.
func (s *Service) Contacts(ctx context.Context, p tenant.Principal, folder, q string, groups bool) ([]Contact, error) {
	c, err := s.asPerson(ctx, p)
	if err != nil {
		return nil, err
	}
	list, err := s.all(ctx, c, folder)
	if err != nil {
		return nil, err
	}
	q = strings.ToLower(strings.TrimSpace(q))
	list = slices.DeleteFunc(list, func(x Contact) bool { return (x.Group != nil) != groups || !x.matches(q) })
	slices.SortStableFunc(list, func(a, b Contact) int { return strings.Compare(strings.ToLower(a.Name()), strings.ToLower(b.Name())) })
	return list, nil
}

func (c Contact) matches(q string) bool {
	text := []string{c.Name()}
	if c.Card != nil {
		text = append(text, c.Card.Company, c.Card.Nickname)
		for _, a := range c.Card.Emails {
			text = append(text, a.Value)
		}
	} else {
		for _, m := range c.Group.Members {
			text = append(text, m.Name, m.Address)
		}
	}
	return strings.Contains(strings.ToLower(strings.Join(text, "\n")), q)
}

// all reads the contacts of a folder, or of all.
func (s *Service) all(ctx context.Context, c Caller, folder string) ([]Contact, error) {
	folders := []Folder{{Name: folder}}
	if folder == "" {
		var err error
		if folders, err = s.Mail.Folders(ctx, c); err != nil {
			return nil, err
		}
	} else if err := checkFolder(folder); err != nil {
		return nil, fault.New(fault.NotFound, "there is no such folder of contacts")
	}
	var out []Contact
	for _, f := range folders {
		list, err := s.Mail.Contacts(ctx, c, f.Name)
		if err != nil {
			return nil, err
		}
		out = append(out, list...)
	}
	return out, nil
}

func (s *Service) contactEntries(ctx context.Context, c Caller) ([]Entry, error) {
	list, err := s.all(ctx, c, "")
	var out []Entry
	for _, x := range list {
		if x.Group != nil {
			out = append(out, Entry{Kind: "group", Name: x.Name(), ID: x.EncodeID(), Detail: x.Folder})
			continue
		}
		for _, a := range x.Card.Emails {
			out = append(out, Entry{Kind: "contact", Name: x.Name(), Email: strings.ToLower(a.Value), ID: x.EncodeID(), Detail: x.Card.Company})
		}
	}
	return out, err
}

// Contact answers one contact or group.
func (s *Service) Contact(ctx context.Context, p tenant.Principal, id string) (Contact, error) {
	c, err := s.asPerson(ctx, p)
	if err != nil {
		return Contact{}, err
	}
	folder, message, err := decodeID(id)
	if err != nil {
		return Contact{}, err
	}
	return s.Mail.Contact(ctx, c, folder, message)
}

// Save stores a new contact or group in a folder (the first one, which is
// made where there is none, if it is not named), or in the place of id.
// change is given what is there, and keeps of it what it does not set.
func (s *Service) Save(ctx context.Context, p tenant.Principal, folder, id string, group bool, change func(x *Contact) error) (Contact, error) {
	c, err := s.asPerson(ctx, p)
	if err != nil {
		return Contact{}, err
	}
	x := Contact{Folder: folder}
	switch {
	case id != "":
		var message int64
		if x.Folder, message, err = decodeID(id); err != nil {
			return x, err
		}
		if x, err = s.Mail.Contact(ctx, c, x.Folder, message); err != nil {
			return x, err
		}
		if (x.Group != nil) != group {
			return x, fault.New(fault.NotFound, "there is no such contact")
		}
	case folder == "":
		if x.Folder, err = s.firstFolder(ctx, c); err != nil {
			return x, err
		}
	default:
		if err := checkFolder(folder); err != nil {
			return x, err
		}
	}
	if id == "" {
		uid := rand.Text() + "@" + c.Tenant.Domain
		if group {
			x.Group = &vcard.Group{UID: uid}
		} else {
			x.Card = &vcard.Card{UID: uid}
		}
	}
	if err := change(&x); err != nil {
		return x, err
	}
	if x.ID, err = s.Mail.SaveContact(ctx, c, x); err != nil {
		return x, err
	}
	s.indexes.forget(contactsKey(c))
	return x, nil
}

func (s *Service) firstFolder(ctx context.Context, c Caller) (string, error) {
	list, err := s.Mail.Folders(ctx, c)
	if err != nil {
		return "", err
	}
	const usual = "Contacts"
	if len(list) == 0 {
		return usual, s.Mail.CreateFolder(ctx, c, usual)
	}
	if slices.ContainsFunc(list, func(f Folder) bool { return f.Name == usual }) {
		return usual, nil
	}
	return list[0].Name, nil
}

// Remove takes a contact or group away.
func (s *Service) RemoveContact(ctx context.Context, p tenant.Principal, id string) error {
	c, err := s.asPerson(ctx, p)
	if err != nil {
		return err
	}
	folder, message, err := decodeID(id)
	if err != nil {
		return err
	}
	if _, err := s.Mail.Contact(ctx, c, folder, message); err != nil {
		return err
	}
	defer s.indexes.forget(contactsKey(c))
	return s.Mail.RemoveContact(ctx, c, folder, message)
}

// mostMembers bounds what groups expand to.
const mostMembers = 1000

// Expand answers the people of groups, by their ids, those of groups within
// them included. A member is a group when its address is the UID of one; who
// is in several is answered once, and groups that hold each other end.
func (s *Service) Expand(ctx context.Context, p tenant.Principal, ids []string) ([]vcard.Member, error) {
	c, err := s.asPerson(ctx, p)
	if err != nil {
		return nil, err
	}
	var groups []*vcard.Group
	for _, id := range ids {
		folder, message, err := decodeID(id)
		if err != nil {
			return nil, fault.New(fault.NotFound, "there is no such group; it may have changed, which gives it another id")
		}
		x, err := s.Mail.Contact(ctx, c, folder, message)
		if err != nil {
			return nil, err
		}
		if x.Group == nil {
			return nil, fault.New(fault.Invalid, "%s is a contact, not a group", x.Name())
		}
		groups = append(groups, x.Group)
	}
	var known []Contact
	if slices.ContainsFunc(groups, func(g *vcard.Group) bool { return len(g.Members) > 0 }) {
		if known, err = s.all(ctx, c, ""); err != nil {
			return nil, err
		}
	}
	return expand(groups, known)
}

func expand(groups []*vcard.Group, known []Contact) ([]vcard.Member, error) {
	byUID := map[string]*vcard.Group{}
	for _, x := range known {
		if x.Group != nil && x.Group.UID != "" {
			byUID[strings.ToLower(x.Group.UID)] = x.Group
		}
	}
	var out []vcard.Member
	seen, entered := map[string]bool{}, map[*vcard.Group]bool{}
	for len(groups) > 0 {
		g := groups[0]
		groups = groups[1:]
		if entered[g] || g.UID != "" && entered[byUID[strings.ToLower(g.UID)]] {
			continue
		}
		entered[g] = true
		if twin := byUID[strings.ToLower(g.UID)]; twin != nil {
			entered[twin] = true
		}
		for _, m := range g.Members {
			address := strings.ToLower(strings.TrimSpace(m.Address))
			if within := byUID[address]; within != nil {
				groups = append(groups, within)
				continue
			}
			if !strings.Contains(address, "@") || seen[address] { // a telephone number cannot be invited
				continue
			}
			seen[address] = true
			if out = append(out, vcard.Member{Name: m.Name, Address: address}); len(out) > mostMembers {
				return nil, fault.New(fault.TooLarge, "the groups have more than %d people", mostMembers)
			}
		}
	}
	return out, nil
}
