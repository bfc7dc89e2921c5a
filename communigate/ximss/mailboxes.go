package ximss

import (
	"strconv"

	"rmp/xmlnode"
)

// Mailbox is one mailbox in a list.
type Mailbox struct {
	Name        string // with ~account/ in front when it is another's
	Class       string // IPF.Appointment, …; "" for mail or if the server does not say
	UIDValidity int64
	UIDNext     int64
	Messages    int64
	Unseen      int64
	Size        int64 // bytes
}

// ListMailboxes asks for the mailboxes that match a pattern of IMAP LIST (*
// is anything, % anything but /). Without a class a server may leave out
// those that hold no mail; ask for each class that is wanted.
func ListMailboxes(filter, class string) *Request {
	n := xmlnode.New("mailboxList", "filter", filter)
	if class != "" {
		n.Set("mailboxClass", class)
	}
	return NewRequest(n)
}

// Mailboxes decodes the reply to ListMailboxes.
func (r *Reply) Mailboxes() ([]Mailbox, error) {
	if r.Err != nil {
		return nil, r.Err
	}
	out := []Mailbox{}
	for _, n := range r.Data {
		if !n.Is("mailbox") {
			continue
		}
		i := func(name string) int64 {
			v, _ := strconv.ParseInt(n.Attr(name), 10, 64) // counters are for information
			return v
		}
		out = append(out, Mailbox{Name: n.Attr("mailbox", "name"), Class: n.Attr("Class", "mailboxClass"), UIDValidity: i("UIDValidity"), UIDNext: i("UIDNext"),
			Messages: i("Messages"), Unseen: i("Unseen"), Size: i("Size")})
	}
	return out, nil
}

// CreateMailbox makes a mailbox, of a class unless that is empty.
func CreateMailbox(mailbox, class string) *Request {
	n := xmlnode.New("mailboxCreate", "mailbox", mailbox)
	if class != "" {
		n.Set("mailboxClass", class)
	}
	return NewRequest(n)
}

// RenameMailbox gives a mailbox another name.
func RenameMailbox(mailbox, newName string) *Request {
	return NewRequest(xmlnode.New("mailboxRename", "mailbox", mailbox, "newName", newName))
}

// RemoveMailbox removes a mailbox.
func RemoveMailbox(mailbox string) *Request {
	return NewRequest(xmlnode.New("mailboxRemove", "mailbox", mailbox))
}

// MailboxRights asks what the session's account may do with a mailbox.
func MailboxRights(mailbox string) *Request {
	return NewRequest(xmlnode.New("mailboxRightsGet", "mailbox", mailbox))
}

// Rights decodes the reply to MailboxRights: letters.
func (r *Reply) Rights() (string, error) {
	if r.Err != nil {
		return "", r.Err
	}
	for _, n := range r.Data {
		if n.Is("mailboxRights") {
			if rights, ok := n.LookupAttr("rights"); ok {
				return rights, nil
			}
			return n.Text, nil
		}
	}
	return "", ErrProtocol
}

// ExecuteCLI runs a command of CLI through the session. The line must come
// from an encoder that quotes.
func ExecuteCLI(line string) *Request {
	return NewRequest(xmlnode.New("cliExecute").WithText(line))
}

// MailboxACL asks for the rights of all with a mailbox; SetMailboxACL changes
// those of one identifier. Their forms are known weakly: CLI's commands of
// the same purpose are the certain way.
func MailboxACL(mailbox string) *Request {
	return NewRequest(xmlnode.New("mailboxACLGet", "mailbox", mailbox))
}

// SetMailboxACL sets the letters of one identifier.
func SetMailboxACL(mailbox, identifier, rights string) *Request {
	return NewRequest(xmlnode.New("mailboxACLUpdate", "mailbox", mailbox).Add(xmlnode.New("aclElem", "name", identifier, "rights", rights)))
}

// ACL decodes the reply to MailboxACL: identifier to letters.
func (r *Reply) ACL() (map[string]string, error) {
	if r.Err != nil {
		return nil, r.Err
	}
	for _, n := range r.Data {
		if n.Is("mailboxACL") {
			out := map[string]string{}
			for _, c := range n.Children {
				out[c.Attr("name", "identifier")] = c.Attr("rights")
			}
			return out, nil
		}
	}
	return nil, ErrProtocol
}

// SetMailboxClass sets the class of a mailbox.
func SetMailboxClass(mailbox, class string) *Request {
	return NewRequest(xmlnode.New("mailboxClassSet", "mailbox", mailbox, "mailboxClass", class))
}
