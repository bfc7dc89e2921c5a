package ximss

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
	"time"

	"rmp/calendar/vcard"
	"rmp/xmlnode"
)

// FileInfo is a file of an account's storage.
type FileInfo struct {
	Name      string
	Directory bool
	Size      int64 // bytes
	Modified  time.Time
}

// ListFiles asks for the files whose names match: * stands for any part of a
// name that has no slash.
func ListFiles(pattern string) *Request {
	return NewRequest(xmlnode.New("fileList", "fileName", pattern))
}

// ReadFile asks for a file as a whole. One of another account is
// ~account@domain/name.
func ReadFile(name string) *Request {
	return NewRequest(xmlnode.New("fileRead", "fileName", name))
}

// ReadCardFile asks for a file that holds a vCard, such as profile.vcf.
func ReadCardFile(name string) *Request {
	return NewRequest(xmlnode.New("fileRead", "fileName", name, "type", "vcard"))
}

// WriteFile stores a file as a whole.
func WriteFile(name string, data []byte) *Request {
	body := xmlnode.New("base64").WithText(base64.StdEncoding.EncodeToString(data))
	return NewRequest(xmlnode.New("fileWrite", "fileName", name).Add(body))
}

// WriteCardFile stores a card as a file.
func WriteCardFile(name string, c *vcard.Card) *Request {
	return NewRequest(xmlnode.New("fileWrite", "fileName", name, "type", "vcard").Add(c.XML()))
}

// RemoveFile removes a file.
func RemoveFile(name string) *Request {
	return NewRequest(xmlnode.New("fileRemove", "fileName", name))
}

// Files decodes the reply to ListFiles.
func (r *Reply) Files() ([]FileInfo, error) {
	if r.Err != nil {
		return nil, r.Err
	}
	out := []FileInfo{}
	for _, n := range r.Data {
		if !n.Is("fileInfo") {
			continue
		}
		f := FileInfo{Name: n.Attr("fileName"), Directory: strings.EqualFold(n.Attr("directory"), "yes")}
		f.Size, _ = strconv.ParseInt(n.Attr("size"), 10, 64) // for information
		f.Modified, _ = r.parseTime(n.Attr("timeModified"))
		out = append(out, f)
	}
	return out, nil
}

func (r *Reply) file() (*xmlnode.Node, error) {
	if r.Err != nil {
		return nil, r.Err
	}
	for _, n := range r.Data {
		if n.Is("fileData") {
			return n, nil
		}
	}
	return nil, fmt.Errorf("%w: no file in the reply", ErrProtocol)
}

// File decodes the reply to ReadFile.
func (r *Reply) File() ([]byte, error) {
	n, err := r.file()
	if err != nil {
		return nil, err
	}
	if b := n.Child("base64"); b != nil {
		data, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(b.Text), ""))
		if err != nil {
			return nil, fmt.Errorf("%w: a file that is not base64", ErrProtocol)
		}
		return data, nil
	}
	return []byte(n.Text), nil
}

// CardFile decodes the reply to ReadCardFile.
func (r *Reply) CardFile() (*vcard.Card, error) {
	n, err := r.file()
	if err != nil {
		return nil, err
	}
	if c := n.Find("vCard"); c != nil {
		return vcard.FromXML(c)
	}
	return nil, fmt.Errorf("%w: the file holds no card", ErrProtocol)
}
