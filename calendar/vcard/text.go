package vcard

import (
	"bufio"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"mime/quotedprintable"
	"strings"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/htmlindex"

	"rmp/calendar/contentline"
)

// Limits bounds what ParseText reads. A zero field takes the default.
type Limits struct {
	Bytes      int // default 10 MB
	Lines      int // default 500,000
	Cards      int // default 50,000
	Properties int // of one card; default 1,000
}

// ErrLimit is wrapped by the error of data that is beyond the limits.
var ErrLimit = contentline.ErrLimit

// File is what one file of vCards holds.
type File struct {
	Cards  []*Card
	Groups []*Group
}

// ParseText reads a file of vCards. An error tells the line.
func ParseText(data []byte, l Limits) (*File, error) {
	for _, d := range []struct {
		n     *int
		value int
	}{{&l.Bytes, 10 << 20}, {&l.Lines, 500_000}, {&l.Cards, 50_000}, {&l.Properties, 1000}} {
		if *d.n == 0 {
			*d.n = d.value
		}
	}
	if len(data) > l.Bytes {
		return nil, fmt.Errorf("vCard: %w: more than %d bytes", ErrLimit, l.Bytes)
	}
	r := contentline.NewReader(data, l.Lines)
	f := &File{}
	var (
		open  bool
		began int
		props []contentline.Property
	)
	for {
		p, num, ok, err := r.Next()
		if err != nil {
			return nil, fmt.Errorf("vCard: %w", err)
		}
		if !ok {
			break
		}
		if i := strings.LastIndexByte(p.Name, '.'); i >= 0 { // item1.EMAIL
			p.Name = p.Name[i+1:]
		}
		fail := func(text string) error {
			return fmt.Errorf("vCard: %w", &contentline.Error{Line: num, Property: p.Name, Err: errors.New(text)})
		}
		isCard := strings.EqualFold(strings.TrimSpace(p.Value), "VCARD")
		switch {
		case p.Name == "BEGIN" && isCard && !open:
			open, began, props = true, num, nil
			if len(f.Cards)+len(f.Groups) >= l.Cards {
				return nil, fmt.Errorf("vCard: %w: more than %d cards", ErrLimit, l.Cards)
			}
		case p.Name == "END" && isCard && open:
			open = false
			f.add(props)
		case p.Name == "BEGIN" || p.Name == "END":
			return nil, fail("is not expected here")
		case !open:
			return nil, fail("stands outside of a VCARD")
		default:
			if len(props) >= l.Properties {
				return nil, fmt.Errorf("vCard: %w: line %d: more than %d properties", ErrLimit, num, l.Properties)
			}
			if p, err = decode(p, r); err != nil {
				return nil, fail(err.Error())
			}
			props = append(props, p)
		}
	}
	if open {
		return nil, fmt.Errorf("vCard: line %d: the card has no end", began)
	}
	return f, nil
}

// decode resolves the encoding of vCard 2.1.
func decode(p contentline.Property, r *contentline.Reader) (contentline.Property, error) {
	quoted, charset := false, ""
	kept := p.Params[:0]
	for _, a := range p.Params {
		name, value := a.Name, a.Value
		if value == "" && !isParam(name) { // a bare type, or encoding
			value, name = name, "TYPE"
			if strings.EqualFold(value, "QUOTED-PRINTABLE") || strings.EqualFold(value, "BASE64") {
				name = "ENCODING"
			}
		}
		if name == "ENCODING" && strings.EqualFold(value, "QUOTED-PRINTABLE") {
			quoted = true
			continue
		}
		if name == "CHARSET" {
			charset = value
			continue
		}
		kept = append(kept, contentline.Param{Name: name, Value: value})
	}
	p.Params = kept
	var set encoding.Encoding
	if charset != "" && !strings.EqualFold(charset, "UTF-8") && !strings.EqualFold(charset, "US-ASCII") {
		var err error
		if set, err = htmlindex.Get(charset); err != nil || !quoted { // only quoted bytes come through unharmed
			return p, fmt.Errorf("the character set %q is not supported", contentline.Clip(charset))
		}
	}
	if !quoted {
		return p, nil
	}
	var joined strings.Builder
	piece := p.Value
	for strings.HasSuffix(piece, "=") {
		more, ok := r.Continue()
		if !ok {
			break
		}
		joined.WriteString(strings.TrimSuffix(piece, "="))
		piece = more
	}
	joined.WriteString(piece)
	// The decoder takes lines that fit its buffer; a joined one is as long as
	// the value.
	sized := bufio.NewReaderSize(strings.NewReader(joined.String()), joined.Len()+16)
	raw, err := io.ReadAll(quotedprintable.NewReader(sized))
	if err != nil {
		return p, errors.New("is not quoted-printable")
	}
	if set != nil {
		if raw, err = set.NewDecoder().Bytes(raw); err != nil {
			return p, fmt.Errorf("is not of the character set %q", contentline.Clip(charset))
		}
	}
	// From here on it is like a value of version 3.0, whose line breaks are
	// escaped.
	value := strings.NewReplacer("\r\n", `\n`, "\n", `\n`, "\r", `\n`).Replace(strings.ToValidUTF8(string(raw), "\ufffd"))
	p.Value = value
	return p, nil
}

// isParam reports whether the name is one of a parameter, not of a type that
// vCard 2.1 writes bare.
func isParam(name string) bool {
	switch name {
	case "TYPE", "VALUE", "LANGUAGE", "PREF", "ALTID", "PID", "MEDIATYPE", "CALSCALE", "SORT-AS", "LABEL", "GEO", "TZ", "ENCODING", "CHARSET":
		return true
	}
	return strings.HasPrefix(name, "X-")
}

func (f *File) add(props []contentline.Property) {
	for _, p := range props {
		if (p.Name == "KIND" || p.Name == "X-ADDRESSBOOKSERVER-KIND") && strings.EqualFold(strings.TrimSpace(p.Value), "group") {
			f.Groups = append(f.Groups, groupOf(props))
			return
		}
	}
	c := &Card{}
	for _, p := range props {
		c.set(p)
	}
	f.Cards = append(f.Cards, c)
}

func groupOf(props []contentline.Property) *Group {
	g := &Group{}
	for _, p := range props {
		text := contentline.Unescape(p.Value)
		switch p.Name {
		case "FN", "NAME":
			g.Name = text
		case "NOTE":
			g.Note = text
		case "UID":
			g.UID = text
		case "MEMBER", "X-ADDRESSBOOKSERVER-MEMBER":
			if text = memberAddress(text); text != "" {
				g.Members = append(g.Members, Member{Name: p.Param("X-CN"), Address: text})
			}
		}
	}
	return g
}

func types(p contentline.Property) (out []string) {
	for _, a := range p.Params {
		if a.Name != "TYPE" {
			continue
		}
		for t := range strings.SplitSeq(a.Value, ",") {
			out = addType(out, t)
		}
	}
	return out
}

// structured splits a value at its semicolons.
func structured(s string) []string {
	var out []string
	start := 0
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case ';':
			out = append(out, contentline.Unescape(s[start:i]))
			start = i + 1
		}
	}
	return append(out, contentline.Unescape(s[start:]))
}

func fill(fields []*string, values []string) {
	for i, f := range fields {
		if i < len(values) {
			*f = values[i]
		}
	}
}

// set takes one property over into the card.
func (c *Card) set(p contentline.Property) {
	text := contentline.Unescape(p.Value)
	if p.Name == "GEO" {
		text = readGeo(text)
	}
	if f := c.field(p.Name); f != nil {
		if *f == "" { // of several, the first
			*f = text
		} else {
			c.Extra = append(c.Extra, p)
		}
		return
	}
	switch {
	case p.Name == "N" && c.Name != (Name{}), p.Name == "ORG" && c.hasOrg(), p.Name == "PHOTO" && c.Photo != nil:
		c.Extra = append(c.Extra, p) // of several, the first
		return
	}
	switch p.Name {
	case "VERSION", "PRODID":
	case "N":
		fill(c.Name.parts(), structured(p.Value))
	case "ORG":
		parts := structured(p.Value)
		c.Company, c.Units = parts[0], nil
		for _, u := range parts[1:] {
			if u != "" {
				c.Units = append(c.Units, u)
			}
		}
	case "EMAIL":
		if text != "" {
			c.Emails = append(c.Emails, Address{text, types(p)})
		}
	case "TEL":
		if text = strings.TrimPrefix(text, "tel:"); text != "" {
			c.Phones = append(c.Phones, Address{text, types(p)})
		}
	case "ADR":
		place := Place{Types: types(p)}
		fill(place.parts(), structured(p.Value))
		c.Places = append(c.Places, place)
	case "URL":
		if text != "" {
			c.URLs = append(c.URLs, text)
		}
	case "CATEGORIES":
		for _, s := range contentline.SplitText(p.Value) {
			if s != "" {
				c.Categories = append(c.Categories, s)
			}
		}
	case "PHOTO":
		c.photo(p, text)
	default:
		c.Extra = append(c.Extra, p)
	}
}

func (c *Card) photo(p contentline.Property, text string) {
	photo := &Photo{}
	if list := types(p); len(list) > 0 {
		photo.Type = list[0]
	}
	encoding := p.Param("ENCODING")
	switch {
	case strings.EqualFold(encoding, "B"), strings.EqualFold(encoding, "BASE64"):
	case strings.HasPrefix(strings.ToLower(text), "data:"):
		head, data, _ := strings.Cut(text[5:], ",")
		media, isBase64 := strings.CutSuffix(head, ";base64")
		if !isBase64 {
			photo.URI = text
			c.Photo = photo
			return
		}
		if kind, sub, ok := strings.Cut(media, "/"); ok && strings.EqualFold(kind, "image") && isType(sub) {
			photo.Type = strings.ToUpper(sub)
		}
		text = data
	default:
		if photo.URI = text; text != "" {
			c.Photo = photo
		}
		return
	}
	data, err := decodeBase64(text)
	if err != nil || len(data) == 0 {
		c.Extra = append(c.Extra, p)
		return
	}
	photo.Data = data
	c.Photo = photo
}

func decodeBase64(s string) ([]byte, error) {
	s = strings.Map(func(r rune) rune {
		if r == ' ' || r == '\t' || r == '\r' || r == '\n' || r == '=' {
			return -1
		}
		return r
	}, s)
	return base64.RawStdEncoding.DecodeString(s)
}

// Version is a version of vCard.
type Version string

// The versions that are written.
const (
	V3 Version = "3.0"
	V4 Version = "4.0"
)

// AppendText appends the card as text.
func (c *Card) AppendText(b []byte, v Version) []byte {
	w := contentline.NewWriter(b)
	w.Write("BEGIN", nil, "VCARD")
	w.Write("VERSION", nil, string(v))
	full := *c
	if full.FullName == "" { // both versions demand one
		full.FullName = c.DisplayName()
	}
	for _, s := range full.simple() {
		switch {
		case s.name == "GEO" && *s.field != "":
			w.Write(s.name, nil, geoText(*s.field, v))
		case *s.field != "" || s.name == "FN":
			w.Write(s.name, nil, contentline.Escape(*s.field))
		}
	}
	if c.Name != (Name{}) || v == V3 {
		name := c.Name
		w.Write("N", nil, join(name.parts()))
	}
	if c.hasOrg() {
		fields := []*string{&c.Company}
		for i := range c.Units {
			fields = append(fields, &c.Units[i])
		}
		w.Write("ORG", nil, join(fields))
	}
	for _, a := range c.Emails {
		w.Write("EMAIL", typeParams(a.Types), contentline.Escape(a.Value))
	}
	for _, a := range c.Phones {
		w.Write("TEL", typeParams(a.Types), contentline.Escape(a.Value))
	}
	for _, p := range c.Places {
		w.Write("ADR", typeParams(p.Types), join(p.parts()))
	}
	for _, u := range c.URLs {
		w.Write("URL", nil, escapeURI(u))
	}
	if len(c.Categories) > 0 {
		list := make([]string, len(c.Categories))
		for i, s := range c.Categories {
			list[i] = contentline.Escape(s)
		}
		w.Write("CATEGORIES", nil, strings.Join(list, ","))
	}
	c.writePhoto(w, v)
	for _, p := range c.Extra {
		switch name := strings.ToUpper(p.Name); {
		case !contentline.Token(name), strings.Contains(name, "."), name == "BEGIN", name == "END", name == "VERSION":
		default:
			w.Write(name, p.Params, p.Value)
		}
	}
	w.Write("END", nil, "VCARD")
	return w.Bytes()
}

func (c *Card) writePhoto(w *contentline.Writer, v Version) {
	p := c.Photo
	switch {
	case p == nil:
	case len(p.Data) == 0:
		if p.URI != "" {
			w.Write("PHOTO", []contentline.Param{{Name: "VALUE", Value: "uri"}}, escapeURI(p.URI))
		}
	case v == V4:
		media := "application/octet-stream"
		if p.Type != "" {
			media = "image/" + strings.ToLower(p.Type)
		}
		w.Write("PHOTO", nil, "data:"+media+";base64,"+base64.StdEncoding.EncodeToString(p.Data))
	default:
		params := []contentline.Param{{Name: "ENCODING", Value: "b"}}
		if p.Type != "" {
			params = append(params, contentline.Param{Name: "TYPE", Value: p.Type})
		}
		w.Write("PHOTO", params, base64.StdEncoding.EncodeToString(p.Data))
	}
}

// AppendText appends the group as text of version 4.0, the first that has
// groups.
func (g *Group) AppendText(b []byte) []byte {
	w := contentline.NewWriter(b)
	w.Write("BEGIN", nil, "VCARD")
	w.Write("VERSION", nil, string(V4))
	w.Write("KIND", nil, "group")
	w.Write("FN", nil, contentline.Escape(g.Name))
	if g.Note != "" {
		w.Write("NOTE", nil, contentline.Escape(g.Note))
	}
	if g.UID != "" {
		w.Write("UID", nil, contentline.Escape(g.UID))
	}
	for _, m := range g.Members {
		var params []contentline.Param
		if m.Name != "" {
			params = []contentline.Param{{Name: "X-CN", Value: m.Name}}
		}
		w.Write("MEMBER", params, memberURI(m.Address))
	}
	w.Write("END", nil, "VCARD")
	return w.Bytes()
}

func join(fields []*string) string {
	parts := make([]string, len(fields))
	for i, f := range fields {
		parts[i] = contentline.Escape(*f)
	}
	return strings.Join(parts, ";")
}

func typeParams(types []string) (out []contentline.Param) {
	for _, t := range types {
		out = append(out, contentline.Param{Name: "TYPE", Value: t})
	}
	return out
}
