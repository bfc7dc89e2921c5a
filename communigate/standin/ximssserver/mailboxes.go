package ximssserver

import (
	"strconv"
	"strings"

	"rmp/communigate/dataformat"
	"rmp/communigate/standin/backend"
	"rmp/xmlnode"
)

var mailboxOperations = []operation{
	{"mailboxList", false, (*call).mailboxList}, {"mailboxCreate", true, (*call).mailboxCreate}, {"mailboxRename", true, (*call).mailboxRename},
	{"mailboxRemove", true, (*call).mailboxRemove}, {"mailboxRightsGet", false, (*call).mailboxRights},
	{"mailboxACLGet", false, (*call).mailboxACLGet}, {"mailboxACLUpdate", true, (*call).mailboxACLUpdate}, {"mailboxClassSet", true, (*call).mailboxClassSet},
}

// mailboxList lists mailboxes by a pattern of IMAP LIST. Without a class those
// with mail only are listed, as installations have observed.
func (c *call) mailboxList() error {
	filter, class := c.in.Attr("filter"), c.in.Attr("mailboxClass")
	owner, prefix := c.account, ""
	if rest, ok := strings.CutPrefix(filter, "~"); ok {
		who, pattern, _ := strings.Cut(rest, "/")
		a, _, err := c.tx.Locate(c.account, "~"+who+"/")
		if err != nil {
			return err
		}
		owner, prefix, filter = a, "~"+who+"/", pattern
	}
	boxes, err := c.tx.Mailboxes(owner)
	if err != nil {
		return err
	}
	for _, m := range boxes {
		mail := m.Class == "" || m.Class == "IPF.Note" || c.server.opts.Quirks.MailboxesOfAll
		if class == "" && !mail || class != "" && !strings.EqualFold(class, m.Class) || !strings.Contains(m.Rights(c.account), "l") || !backend.Wildcard(filter, m.Name) {
			continue
		}
		n := xmlnode.New("mailbox", "mailbox", prefix+m.Name)
		if m.Class != "" {
			n.Set("class", m.Class)
		}
		messages, unseen, size, err := c.tx.Totals(m)
		if err != nil {
			return err
		}
		i := func(v int64) string { return strconv.FormatInt(v, 10) }
		c.data(n.Set("UIDValidity", i(m.UIDValidity)).Set("UIDNext", i(m.UIDNext)).Set("Messages", i(messages)).Set("Unseen", i(unseen)).Set("Size", i(size)))
	}
	return nil
}

func (c *call) mailboxCreate() error {
	owner, name, err := c.tx.Locate(c.account, c.in.Attr("mailbox"))
	if err != nil {
		return err
	}
	if owner.ID != c.account.ID {
		// Below a mailbox of somebody else it takes the right to create there.
		i := strings.LastIndexByte(name, '/')
		if i <= 0 {
			return backend.ErrDenied
		}
		outer, err := c.tx.Mailbox(owner, name[:i])
		if err != nil {
			return err
		}
		if err := outer.Need(c.account, "k"); err != nil {
			return err
		}
	}
	return c.tx.CreateMailbox(owner, name, c.in.Attr("mailboxClass"))
}

func (c *call) mailboxRename() error {
	m, err := c.mailbox(c.in.Attr("mailbox"), "x")
	if err != nil {
		return err
	}
	owner, name, err := c.tx.Locate(c.account, c.in.Attr("newName"))
	if err != nil {
		return err
	}
	if owner.ID != m.Owner.ID {
		return backend.ErrDenied
	}
	return c.tx.RenameMailbox(m, name)
}

func (c *call) mailboxRemove() error {
	m, err := c.mailbox(c.in.Attr("mailbox"), "x")
	if err != nil {
		return err
	}
	return c.tx.DeleteMailbox(m)
}

func (c *call) mailboxRights() error {
	m, err := c.mailbox(c.in.Attr("mailbox"), "")
	if err != nil {
		return err
	}
	c.data(xmlnode.New("mailboxRights", "mailbox", c.in.Attr("mailbox"), "rights", m.Rights(c.account)))
	return nil
}

// mailboxACLGet lists the rights of all; it takes the right to administer.
func (c *call) mailboxACLGet() error {
	m, err := c.mailbox(c.in.Attr("mailbox"), "a")
	if err != nil {
		return err
	}
	out := xmlnode.New("mailboxACL", "mailbox", c.in.Attr("mailbox"))
	for _, who := range sortedKeys(m.ACL) {
		out.Add(xmlnode.New("aclElem", "name", who, "rights", m.ACL.String(who)))
	}
	c.data(out)
	return nil
}

func (c *call) mailboxACLUpdate() error {
	m, err := c.mailbox(c.in.Attr("mailbox"), "a")
	if err != nil {
		return err
	}
	change := dataformat.Dict{}
	for _, n := range c.in.Children {
		if who := n.Attr("name", "identifier"); who != "" {
			change[who] = n.Attr("rights")
		}
	}
	if len(change) == 0 {
		return illegal("access rights")
	}
	return c.tx.UpdateACL(m, change)
}

func (c *call) mailboxClassSet() error {
	m, err := c.mailbox(c.in.Attr("mailbox"), "a")
	if err != nil {
		return err
	}
	return c.tx.SetClass(m, c.in.Attr("mailboxClass", "class"))
}
