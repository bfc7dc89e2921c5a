package ximss

import (
	"fmt"
	"strconv"

	"rmp/calendar/vcard"
	"rmp/xmlnode"
)

// A folder is an open, sorted view of a mailbox. It stays as it was until it
// is synchronized.

// FolderView says how a folder is to be sorted and what is to be told of its
// messages.
type FolderView struct {
	Mailbox   string   // default: the handle
	Class     string   // made with this class if it is missing
	SortField string   // default INTERNALDATE
	Desc      bool     // newest, or last, first
	Filter    string   // only messages that have this text
	Field     string   // … in this field
	Fields    []string // Subject, E-From, FLAGS, …
}

// OpenFolder opens a mailbox as a folder under a handle.
func OpenFolder(handle string, v FolderView) *Request {
	n := xmlnode.New("folderOpen", "folder", handle)
	if v.Mailbox != "" {
		n.Set("mailbox", v.Mailbox)
	}
	if v.Class != "" {
		n.Set("mailboxClass", v.Class)
	}
	return NewRequest(v.arrange(n))
}

// ReopenFolder sorts and filters an open folder in another way. The mailbox
// and the class of the view are not looked at.
func ReopenFolder(handle string, v FolderView) *Request {
	return NewRequest(v.arrange(xmlnode.New("folderReopen", "folder", handle)))
}

func (v FolderView) arrange(n *xmlnode.Node) *xmlnode.Node {
	if v.SortField == "" {
		v.SortField = "INTERNALDATE"
	}
	n.Set("sortField", v.SortField)
	if v.Desc {
		n.Set("sortOrder", "desc")
	}
	if v.Filter != "" {
		n.Set("filter", v.Filter)
	}
	if v.Field != "" {
		n.Set("filterField", v.Field)
	}
	for _, f := range v.Fields {
		n.Add(xmlnode.New("field").WithText(f))
	}
	return n
}

// CloseFolder closes a handle.
func CloseFolder(handle string) *Request {
	return NewRequest(xmlnode.New("folderClose", "folder", handle))
}

// BrowseFolder asks for the messages from one index of the view to another,
// both included, from 0 on. An end beyond the last is the last.
func BrowseFolder(handle string, from, till int) *Request {
	return NewRequest(xmlnode.New("folderBrowse", "folder", handle).Add(xmlnode.New("index", "from", strconv.Itoa(from), "till", strconv.Itoa(till))))
}

// SyncFolder brings the view up to date, with at most limit changes if that
// is above 0.
func SyncFolder(handle string, limit int) *Request {
	n := xmlnode.New("folderSync", "folder", handle)
	if limit > 0 {
		n.Set("limit", strconv.Itoa(limit))
	}
	return NewRequest(n)
}

// ReadMessage asks for a message, cut at a total size in bytes.
func ReadMessage(handle string, uid, totalSizeLimit int64) *Request {
	return NewRequest(xmlnode.New("folderRead", "folder", handle, "UID", strconv.FormatInt(uid, 10), "totalSizeLimit", strconv.FormatInt(totalSizeLimit, 10)))
}

// MarkMessages sets flags (Seen) and resets them (Unseen).
func MarkMessages(handle, flags string, uids ...int64) *Request {
	return NewRequest(withUIDs(xmlnode.New("messageMark", "folder", handle, "flags", flags), uids))
}

// RemoveMessages removes messages at once.
func RemoveMessages(handle string, uids ...int64) *Request {
	return NewRequest(withUIDs(xmlnode.New("messageRemove", "folder", handle, "mode", "Immediately"), uids))
}

func withUIDs(n *xmlnode.Node, uids []int64) *xmlnode.Node {
	for _, u := range uids {
		n.Add(xmlnode.New("UID").WithText(strconv.FormatInt(u, 10)))
	}
	return n
}

// FolderReport is what a folder tells of itself or of a message.
type FolderReport struct {
	Mode     string // init, added, removed, updated, attrsUpdated, or "" for a browsed message
	Index    int
	UID      int64
	Messages int // in the view
	Rights   string
	Fields   []*xmlnode.Node
}

// FolderReports decodes the reply to OpenFolder, BrowseFolder and SyncFolder.
func (r *Reply) FolderReports() ([]FolderReport, error) {
	if r.Err != nil {
		return nil, r.Err
	}
	out := []FolderReport{}
	for _, n := range r.Data {
		if !n.Is("folderReport") {
			continue
		}
		f := FolderReport{Mode: n.Attr("mode"), Rights: n.Attr("rights"), Fields: n.Children}
		f.Index, _ = strconv.Atoi(n.Attr("index"))
		f.Messages, _ = strconv.Atoi(n.Attr("messages"))
		f.UID, _ = strconv.ParseInt(n.Attr("UID"), 10, 64)
		out = append(out, f)
	}
	return out, nil
}

// Field answers the text of the first of the message's fields of the name.
func (f FolderReport) Field(name string) string {
	for _, n := range f.Fields {
		if n.Is(name) {
			return n.Text
		}
	}
	return ""
}

// IsGroup reports whether a message of a contacts mailbox looks like a group;
// reading it confirms that.
func (f FolderReport) IsGroup() bool { return f.Field("E-To") == "GROUP" || f.Field("To") == "GROUP" }

// Message decodes the reply to ReadMessage: an EMail element.
func (r *Reply) Message() (*xmlnode.Node, error) {
	if r.Err != nil {
		return nil, r.Err
	}
	for _, n := range r.Data {
		if mail := n.Find("EMail"); mail != nil {
			return mail, nil
		}
	}
	return nil, fmt.Errorf("%w: no message in the reply", ErrProtocol)
}

// Contact decodes the reply to ReadMessage of a contacts mailbox: a card, or
// a group.
func (r *Reply) Contact() (*vcard.Card, *vcard.Group, error) {
	mail, err := r.Message()
	if err != nil {
		return nil, nil, err
	}
	if n := mail.Find("vCardGroup"); n != nil {
		g, err := vcard.GroupFromXML(n)
		return nil, g, err
	}
	if n := mail.Find("vCard"); n != nil {
		c, err := vcard.FromXML(n)
		return c, nil, err
	}
	return nil, nil, fmt.Errorf("%w: the message holds no contact", ErrProtocol)
}

// AppendContact stores a contact in an open folder, in the place of an old
// one unless replaces is 0. It asks for the new UID.
func AppendContact(handle string, c *vcard.Card, replaces int64) *Request {
	return appendContact(handle, c.XML(), replaces)
}

// AppendGroup stores a group in an open folder, as AppendContact does.
func AppendGroup(handle string, g *vcard.Group, replaces int64) *Request {
	return appendContact(handle, g.XML(), replaces)
}

func appendContact(handle string, body *xmlnode.Node, replaces int64) *Request {
	n := xmlnode.New("contactAppend", "folder", handle, "report", "uid")
	if replaces > 0 {
		n.Set("replacesUID", strconv.FormatInt(replaces, 10)).Set("checkOld", "yes")
	}
	return NewRequest(n.Add(body)).Once()
}

// ImportContacts stores contacts and groups in an open folder.
func ImportContacts(handle string, f *vcard.File) *Request {
	n := xmlnode.New("contactsImport", "folder", handle)
	for _, c := range f.Cards {
		n.Add(c.XML())
	}
	for _, g := range f.Groups {
		n.Add(g.XML())
	}
	return NewRequest(n).Once()
}

// UID decodes the reply to AppendContact: the UID of the message, or 0 if the
// server does not say.
func (r *Reply) UID() (int64, error) {
	if r.Err != nil {
		return 0, r.Err
	}
	for _, n := range r.Data {
		if uid, err := strconv.ParseInt(n.Attr("UID"), 10, 64); err == nil {
			return uid, nil
		}
	}
	return 0, nil
}

// FindContact asks for the contacts that have an address.
func FindContact(handle, peer string) *Request {
	return NewRequest(xmlnode.New("contactFind", "folder", handle, "peer", peer))
}

// SearchFolder asks for the UIDs of the messages that hold a text.
func SearchFolder(handle, text string) *Request {
	return NewRequest(xmlnode.New("folderSearch", "folder", handle, "filter", text))
}

// ExpungeFolder removes the messages that are flagged Deleted.
func ExpungeFolder(handle string) *Request {
	return NewRequest(xmlnode.New("folderExpunge", "folder", handle))
}

// CopyMessages puts copies into another mailbox.
func CopyMessages(handle, target string, uids ...int64) *Request {
	return NewRequest(withUIDs(xmlnode.New("messageCopy", "folder", handle, "targetMailbox", target), uids)).Once()
}

// MoveMessages moves messages into another mailbox.
func MoveMessages(handle, target string, uids ...int64) *Request {
	return NewRequest(withUIDs(xmlnode.New("messageMove", "folder", handle, "targetMailbox", target), uids))
}
