package ximssserver

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"rmp/communigate/standin/backend"
	"rmp/xmlnode"
)

// A folder is an open, sorted view of a mailbox. The view stays as it was
// until the client synchronizes it: then it is told, one message after the
// other, what was removed, added and changed.

var folderOperations = []operation{
	{"folderOpen", false, (*call).folderOpen}, {"folderReopen", false, (*call).folderReopen}, {"folderBrowse", false, (*call).folderBrowse},
	{"folderSync", false, (*call).folderSync}, {"folderRead", false, (*call).folderRead}, {"folderSearch", false, (*call).folderSearch},
	{"folderExpunge", true, (*call).folderExpunge}, {"folderClose", false, (*call).folderClose},
	{"messageMark", true, (*call).messageMark}, {"messageRemove", true, (*call).messageRemove}, {"messageCopy", true, (*call).messageCopy},
	{"messageMove", true, (*call).messageMove}, {"messageAppend", true, (*call).messageAppend}, {"messageSubmit", true, (*call).messageSubmit},
}

type folder struct {
	path                       string
	watch                      watch
	sortField, filter, byField string
	descending                 bool
	fields                     []string
	view                       []viewed
}

type viewed struct {
	uid   int64
	flags string
}

// folderOf is the folder of the request's handle, and its mailbox with the
// rights checked anew.
func (c *call) folderOf(rights string) (*folder, backend.Mailbox, error) {
	f := c.folders[c.in.Attr("folder")]
	if f == nil {
		return nil, backend.Mailbox{}, &backend.Error{Num: 524, Text: "folder has not been opened"}
	}
	m, err := c.mailbox(f.path, rights)
	return f, m, err
}

func (c *call) folderOpen() error {
	handle := c.in.Attr("folder")
	if handle == "" {
		return illegal("folder name")
	}
	if c.folders[handle] != nil {
		return &backend.Error{Num: 524, Text: "folder has already been opened"}
	}
	if len(c.calendars)+len(c.folders) >= maxHandles {
		return &backend.Error{Num: 524, Text: "too many open folders"}
	}
	path := c.in.Attr("mailbox")
	if path == "" {
		path = handle
	}
	m, err := c.openBox(path, "lr")
	if err != nil {
		return err
	}
	f := &folder{path: path, watch: watch{m.ID, "folderReport", handle}}
	if err := c.arrange(f, m); err != nil {
		return err
	}
	c.folders[handle] = f
	c.outbox.watch(f.watch)
	return nil
}

func (c *call) folderReopen() error {
	f, m, err := c.folderOf("lr")
	if err != nil {
		return err
	}
	return c.arrange(f, m)
}

// arrange takes over how the view is to be sorted and reports what it is.
func (c *call) arrange(f *folder, m backend.Mailbox) error {
	f.sortField, f.descending = c.in.Attr("sortField"), strings.EqualFold(c.in.Attr("sortOrder"), "desc")
	f.filter, f.byField = c.in.Attr("filter"), c.in.Attr("filterField")
	var fields []string
	for _, n := range c.in.Children {
		if n.Is("field") && xmlName(strings.TrimSpace(n.Text)) {
			fields = append(fields, strings.TrimSpace(n.Text))
		}
	}
	if len(fields) > 0 || f.fields == nil {
		f.fields = fields
	}
	list, err := c.sorted(f, m)
	if err != nil {
		return err
	}
	f.view = f.view[:0]
	unseen := 0
	for _, msg := range list {
		f.view = append(f.view, viewed{msg.UID, strings.Join(msg.Flags, ",")})
		if !slices.Contains(msg.Flags, "Seen") {
			unseen++
		}
	}
	i := func(v int64) string { return strconv.FormatInt(v, 10) }
	c.data(xmlnode.New("folderReport", "folder", c.in.Attr("folder"), "mode", "init", "messages", strconv.Itoa(len(list)),
		"UIDValidity", i(m.UIDValidity), "UIDNext", i(m.UIDNext), "unseen", strconv.Itoa(unseen), "rights", m.Rights(c.account)))
	return nil
}

func (c *call) sorted(f *folder, m backend.Mailbox) ([]backend.Message, error) {
	list, err := c.tx.Messages(m)
	if err != nil {
		return nil, err
	}
	if f.filter != "" {
		list = slices.DeleteFunc(list, func(msg backend.Message) bool { return !matches(msg, f.byField, f.filter) })
	}
	if f.sortField != "" && !strings.EqualFold(f.sortField, "UID") {
		slices.SortStableFunc(list, func(a, b backend.Message) int {
			if strings.EqualFold(f.sortField, "INTERNALDATE") || strings.EqualFold(f.sortField, "Date") {
				return a.Received.Compare(b.Received)
			}
			return cmp.Compare(strings.ToLower(sortKey(a, f.sortField)), strings.ToLower(sortKey(b, f.sortField)))
		})
	}
	if f.descending {
		slices.Reverse(list)
	}
	return list, nil
}

func matches(m backend.Message, field, text string) bool {
	keys := []string{field}
	if field == "" {
		keys = []string{"Subject", "From", "To"}
	}
	return slices.ContainsFunc(keys, func(k string) bool {
		return strings.Contains(strings.ToLower(sortKey(m, k)), strings.ToLower(text))
	})
}

// folderBrowse answers the fields of messages, by index or by UID. An upper
// bound beyond the last is taken for the last.
func (c *call) folderBrowse() error {
	f, m, err := c.folderOf("lr")
	if err != nil {
		return err
	}
	for _, n := range c.in.Children {
		number := func(name string) (int64, error) {
			v, err := strconv.ParseInt(strings.TrimSpace(n.Attr(name)), 10, 64)
			if err != nil || v < 0 {
				return 0, illegal("%s attribute", name)
			}
			return v, nil
		}
		var lo, hi int64
		switch {
		case n.Is("index"), n.Is("UID") && n.Attr("from") != "":
			if lo, err = number("from"); err != nil {
				return err
			}
			if hi, err = number("till"); err != nil {
				return err
			}
		case n.Is("UID"):
			if lo, err = strconv.ParseInt(strings.TrimSpace(n.Text), 10, 64); err != nil {
				return illegal("UID")
			}
			hi = lo
		default:
			continue
		}
		for i, v := range f.view {
			key := int64(i)
			if n.Is("UID") {
				key = v.uid
			}
			if key < lo || key > hi {
				continue
			}
			if err := c.reportMessage(f, m, i, v.uid, ""); err != nil {
				return err
			}
		}
	}
	return nil
}

// reportMessage tells of one message of the view; one that is gone since is
// passed over.
func (c *call) reportMessage(f *folder, m backend.Mailbox, index int, uid int64, mode string) error {
	msg, err := c.tx.Message(m, uid)
	if err == backend.ErrNoMessage { //nolint:errorlint // made by the backend, never wrapped
		return nil
	}
	if err != nil {
		return err
	}
	n := xmlnode.New("folderReport", "folder", c.in.Attr("folder"))
	if mode != "" {
		n.Set("mode", mode)
	}
	n.Set("index", strconv.Itoa(index)).Set("UID", strconv.FormatInt(uid, 10))
	if mode != "" {
		n.Set("messages", strconv.Itoa(len(f.view)))
	}
	for _, field := range f.fields {
		n.Add(c.field(msg, field)...)
	}
	c.data(n)
	return nil
}

// folderSync brings the view up to date and tells what changed.
func (c *call) folderSync() error {
	f, m, err := c.folderOf("lr")
	if err != nil {
		return err
	}
	limit := 1 << 30
	if s := c.in.Attr("limit"); s != "" {
		if limit, err = strconv.Atoi(s); err != nil || limit < 0 {
			return illegal("limit attribute")
		}
	}
	list, err := c.sorted(f, m)
	if err != nil {
		return err
	}
	there := make(map[int64]int, len(list))
	for i, msg := range list {
		there[msg.UID] = i
	}
	told := 0
	for i := 0; i < len(f.view) && told < limit; {
		if _, ok := there[f.view[i].uid]; ok {
			i++
			continue
		}
		uid := f.view[i].uid
		f.view = slices.Delete(f.view, i, i+1)
		told++
		c.data(xmlnode.New("folderReport", "folder", c.in.Attr("folder"), "mode", "removed", "index", strconv.Itoa(i),
			"UID", strconv.FormatInt(uid, 10), "messages", strconv.Itoa(len(f.view))))
	}
	had := make(map[int64]bool, len(f.view))
	for _, v := range f.view {
		had[v.uid] = true
	}
	for i, msg := range list {
		if had[msg.UID] {
			continue
		}
		if told >= limit {
			return nil // the client is told again when it asks again
		}
		at := min(i, len(f.view))
		f.view = slices.Insert(f.view, at, viewed{msg.UID, strings.Join(msg.Flags, ",")})
		told++
		if err := c.reportMessage(f, m, at, msg.UID, "added"); err != nil {
			return err
		}
	}
	for i, v := range f.view {
		at, ok := there[v.uid]
		if !ok {
			continue
		}
		if flags := strings.Join(list[at].Flags, ","); flags != v.flags && told < limit {
			f.view[i].flags = flags
			told++
			if err := c.reportMessage(f, m, i, v.uid, "attrsUpdated"); err != nil {
				return err
			}
		}
	}
	c.outbox.looked(f.watch)
	return nil
}

func (c *call) folderRead() error {
	_, m, err := c.folderOf("lr")
	if err != nil {
		return err
	}
	uid, err := strconv.ParseInt(c.in.Attr("UID"), 10, 64)
	if err != nil {
		return illegal("UID attribute")
	}
	msg, err := c.tx.Message(m, uid)
	if err != nil {
		return err
	}
	n := xmlnode.New("folderMessage", "folder", c.in.Attr("folder"), "UID", c.in.Attr("UID"))
	if mode := c.in.Attr("mode"); mode != "" {
		n.Set("mode", mode)
	}
	mail, err := email(msg)
	if err != nil {
		return err
	}
	c.data(n.Add(mail))
	return nil
}

// folderSearch answers the UIDs of the messages that hold a text.
func (c *call) folderSearch() error {
	f, m, err := c.folderOf("lr")
	if err != nil {
		return err
	}
	list, err := c.sorted(&folder{sortField: f.sortField, descending: f.descending, filter: c.in.Attr("filter")}, m)
	if err != nil {
		return err
	}
	out := xmlnode.New("folderSearch", "folder", c.in.Attr("folder"))
	for _, msg := range list {
		out.Add(xmlnode.New("UID").WithText(strconv.FormatInt(msg.UID, 10)))
	}
	c.data(out)
	return nil
}

func (c *call) folderExpunge() error {
	_, m, err := c.folderOf("e")
	if err != nil {
		return err
	}
	return c.tx.Expunge(m)
}

func (c *call) folderClose() error {
	f := c.folders[c.in.Attr("folder")]
	if f == nil {
		return &backend.Error{Num: 524, Text: "folder has not been opened"}
	}
	c.outbox.unwatch(f.watch)
	delete(c.folders, c.in.Attr("folder"))
	return nil
}

// uids reads the UID children of the request.
func (c *call) uids() ([]int64, error) {
	var out []int64
	for _, n := range c.in.Children {
		if !n.Is("UID") {
			continue
		}
		v, err := strconv.ParseInt(strings.TrimSpace(n.Text), 10, 64)
		if err != nil {
			return nil, illegal("UID")
		}
		out = append(out, v)
	}
	if len(out) == 0 {
		return nil, illegal("UID: none is given")
	}
	return out, nil
}

func (c *call) messageMark() error {
	uids, err := c.uids()
	if err != nil {
		return err
	}
	rights := ""
	flags := strings.Split(c.in.Attr("flags"), ",")
	for _, f := range flags {
		switch strings.ToLower(strings.TrimPrefix(strings.ToLower(strings.TrimSpace(f)), "un")) {
		case "seen", "read":
			rights += "s"
		case "deleted":
			rights += "t"
		default:
			rights += "w"
		}
	}
	_, m, err := c.folderOf(rights)
	if err != nil {
		return err
	}
	return c.tx.SetFlags(m, uids, flags)
}

func (c *call) messageRemove() error {
	uids, err := c.uids()
	if err != nil {
		return err
	}
	_, m, err := c.folderOf("te")
	if err != nil {
		return err
	}
	return c.tx.Remove(m, uids...)
}

func (c *call) transfer() (backend.Mailbox, []int64, error) {
	uids, err := c.uids()
	if err != nil {
		return backend.Mailbox{}, nil, err
	}
	_, m, err := c.folderOf("r")
	if err != nil {
		return m, nil, err
	}
	target, err := c.openBox(c.in.Attr("targetMailbox"), "i")
	if err != nil {
		return m, nil, err
	}
	_, err = c.tx.Copy(m, target, uids)
	return m, uids, err
}

func (c *call) messageCopy() error {
	_, _, err := c.transfer()
	return err
}

func (c *call) messageMove() error {
	m, uids, err := c.transfer()
	if err != nil {
		return err
	}
	if err := m.Need(c.account, "te"); err != nil {
		return err
	}
	return c.tx.Remove(m, uids...)
}
