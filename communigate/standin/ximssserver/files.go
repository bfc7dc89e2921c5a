package ximssserver

import (
	"encoding/base64"
	"path"
	"strconv"
	"strings"
	"unicode/utf8"

	"rmp/calendar/ical"
	"rmp/calendar/vcard"
	"rmp/communigate/standin/backend"
	"rmp/xmlnode"
)

// The files of an account's storage. Those of others may be read where the
// name begins with ~account@domain/ and the file is one that the server
// publishes: profile.vcf and freebusy.vfb.

var fileOperations = []operation{
	{"fileList", false, (*call).fileList}, {"fileRead", false, (*call).fileRead}, {"fileWrite", true, (*call).fileWrite},
	{"fileRemove", true, (*call).fileRemove}, {"fileDirInfo", false, (*call).fileDirInfo},
}

// published are the files that everybody may read.
var published = []string{"profile.vcf", "freebusy.vfb"}

// fileOwner is whose file the request names, and its name there.
func (c *call) fileOwner(write bool) (backend.Account, string, error) {
	name := c.in.Attr("fileName", "filename")
	if !strings.HasPrefix(name, "~") {
		return c.account, name, nil
	}
	owner, name, err := c.tx.Locate(c.account, name)
	if err != nil || owner.ID == c.account.ID {
		return owner, name, err
	}
	for _, p := range published {
		if !write && p == name {
			return owner, name, nil
		}
	}
	return owner, name, backend.ErrDenied
}

func (c *call) fileList() error {
	pattern := c.in.Attr("fileName", "filename")
	if pattern == "" {
		pattern = "*"
	}
	list, sizes, err := c.tx.Files(c.account, "")
	if err != nil {
		return err
	}
	for _, f := range list {
		switch ok, err := path.Match(pattern, f.Name); {
		case err != nil:
			return illegal("fileName attribute")
		case ok:
			c.data(xmlnode.New("fileInfo", "fileName", f.Name, "size", strconv.FormatInt(sizes[f.Name], 10), "timeModified", ical.At(f.Modified).String()))
		}
	}
	return nil
}

func (c *call) fileRead() error {
	owner, name, err := c.fileOwner(false)
	if err != nil {
		return err
	}
	f, err := c.tx.File(owner, name)
	if err != nil {
		return err
	}
	at, limit := 0, len(f.Data)
	for attr, n := range map[string]*int{"position": &at, "limit": &limit} {
		if s, ok := c.in.LookupAttr(attr); ok {
			if *n, err = strconv.Atoi(s); err != nil || *n < 0 {
				return illegal("%s attribute", attr)
			}
		}
	}
	at = min(at, len(f.Data))
	slice := f.Data[at:min(len(f.Data), at+min(limit, len(f.Data)))]
	n := xmlnode.New("fileData", "fileName", c.in.Attr("fileName", "filename"), "position", strconv.Itoa(at), "slice", strconv.Itoa(len(slice)),
		"size", strconv.Itoa(len(f.Data)), "timeModified", ical.At(f.Modified).String())
	switch kind := c.in.Attr("type"); {
	case strings.EqualFold(kind, "vcard"):
		file, err := vcard.ParseText(f.Data, vcard.Limits{Cards: 1})
		if err != nil || len(file.Cards) != 1 {
			return illegal("vCard data format")
		}
		n.Add(file.Cards[0].XML())
	case strings.EqualFold(kind, "text"):
		if !utf8.Valid(slice) {
			return illegal("text data format")
		}
		n.WithText(string(slice))
	case kind == "":
		n.Add(xmlnode.New("base64").WithText(base64.StdEncoding.EncodeToString(slice)))
	default:
		return illegal("type attribute")
	}
	c.data(n)
	return nil
}

func (c *call) fileWrite() error {
	owner, name, err := c.fileOwner(true)
	if err != nil {
		return err
	}
	var data []byte
	switch body := c.in.Child("base64"); {
	case body != nil:
		if data, err = base64.StdEncoding.DecodeString(strings.Join(strings.Fields(body.Text), "")); err != nil {
			return illegal("base64 data format")
		}
	case c.in.Find("vCard") != nil:
		card, err := vcard.FromXML(c.in.Find("vCard"))
		if err != nil {
			return illegal("vCard data format")
		}
		data = card.AppendText(nil, vcard.V3)
	default:
		data = []byte(c.in.Text)
	}
	return c.tx.WriteFile(owner, backend.File{Name: name, Data: data, Modified: c.now()})
}

func (c *call) fileRemove() error {
	owner, name, err := c.fileOwner(true)
	if err != nil {
		return err
	}
	return c.tx.RemoveFile(owner, name)
}

// fileDirInfo answers how many files a directory holds, and their size.
func (c *call) fileDirInfo() error {
	directory := c.in.Attr("directory")
	prefix := directory
	if prefix != "" {
		prefix += "/"
	}
	list, sizes, err := c.tx.Files(c.account, prefix)
	if err != nil {
		return err
	}
	total := int64(0)
	for _, size := range sizes {
		total += size
	}
	c.data(xmlnode.New("fileDirInfo", "directory", directory, "files", strconv.Itoa(len(list)), "size", strconv.FormatInt(total, 10)))
	return nil
}
