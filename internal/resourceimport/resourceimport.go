// Package resourceimport reads resources from a CSV file: what a person has
// in a spreadsheet. It decides what each row means and what is wrong with it;
// making the resources is the business of others.
//
// The first row names the columns, in any order and case: name is needed;
// email (the address, or what stands before its @), type, site, floor,
// capacity, units, features (separated by semicolons), timeZone, description
// and active may be there. Commas or semicolons separate, as the first row
// has them; a byte order mark in front does not matter.
package resourceimport

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"rmp/calendar/zone"
	"rmp/internal/directory"
	"rmp/internal/fault"
	"rmp/internal/tenant"
)

// Limits of a file.
const (
	MostBytes = 4 << 20
	MostRows  = 10_000

	mostCapacity = 100_000
)

// Row is one row of the file.
type Row struct {
	Line     int // in the file, from 1
	Resource directory.Resource
	Problems []string // what is wrong with it; empty: nothing

	says func(column string) (value string, there bool)
}

// Onto is a resource that is there already as the row would have it: what the
// file has no column for stays, and so do the time zone, the units and whether
// it can be booked where the field is empty.
func (r Row) Onto(old directory.Resource) directory.Resource {
	next := r.Resource
	for column, set := range map[string]func(){
		"name": func() { old.Name = next.Name }, "description": func() { old.Description = next.Description },
		"site": func() { old.Site = next.Site }, "floor": func() { old.Floor = next.Floor },
		"capacity": func() { old.Capacity = next.Capacity }, "features": func() { old.Features = next.Features },
	} {
		if _, there := r.says(column); there {
			set()
		}
	}
	for column, set := range map[string]func(){
		"units": func() { old.Units = next.Units }, "timezone": func() { old.TimeZone = next.TimeZone }, "active": func() { old.Active = next.Active },
	} {
		if value, _ := r.says(column); value != "" {
			set()
		}
	}
	return old
}

var (
	columns   = []string{"email", "name", "type", "site", "floor", "capacity", "units", "features", "timezone", "description", "active"}
	localPart = regexp.MustCompile(`^[a-z0-9]([a-z0-9._-]{0,62}[a-z0-9])?$`)
	notLocal  = regexp.MustCompile(`[^a-z0-9]+`)
)

// Read reads a file. An error is about the file as a whole; what is wrong
// with a row stands with it.
func Read(data []byte, t tenant.Tenant) ([]Row, error) {
	if len(data) > MostBytes {
		return nil, fault.New(fault.TooLarge, "the file has more than %d MB", MostBytes>>20)
	}
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	if !utf8.Valid(data) {
		return nil, fault.InvalidField("body", "is not UTF-8; save the file as CSV in UTF-8")
	}
	first, _, _ := bytes.Cut(data, []byte("\n"))
	r := csv.NewReader(bytes.NewReader(data))
	if bytes.Count(first, []byte(";")) > bytes.Count(first, []byte(",")) {
		r.Comma = ';'
	}
	r.FieldsPerRecord, r.TrimLeadingSpace = -1, true
	head, err := r.Read()
	if errors.Is(err, io.EOF) {
		return nil, fault.InvalidField("body", "is empty; the first row names the columns")
	}
	if err != nil {
		return nil, fault.InvalidField("body", "is not CSV: %s", err.Error())
	}
	at := map[string]int{}
	for i, name := range head {
		key := strings.ReplaceAll(strings.ToLower(strings.TrimSpace(name)), " ", "")
		if !slices.Contains(columns, key) {
			return nil, fault.InvalidField("body", "line 1: %q is not a column; there are %s", clip(name), strings.Join(columns, ", "))
		}
		if _, twice := at[key]; twice {
			return nil, fault.InvalidField("body", "line 1: the column %s is there twice", key)
		}
		at[key] = i
	}
	if _, ok := at["name"]; !ok {
		return nil, fault.InvalidField("body", "line 1: the column name is missing")
	}
	var out []Row
	seen := map[string]int{}
	for {
		fields, err := r.Read()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, fault.InvalidField("body", "is not CSV: %s", err.Error())
		}
		line, _ := r.FieldPos(0)
		if len(out) == MostRows {
			return nil, fault.New(fault.TooLarge, "the file has more than %d rows", MostRows)
		}
		row := read(t, line, func(column string) (string, bool) {
			i, ok := at[column]
			if !ok || i >= len(fields) {
				return "", false
			}
			return strings.TrimSpace(fields[i]), true
		})
		if len(fields) > len(head) {
			row.Problems = append(row.Problems, fmt.Sprintf("has %d fields, and there are %d columns", len(fields), len(head)))
		}
		if before, twice := seen[row.Resource.Email]; twice && len(row.Problems) == 0 {
			row.Problems = append(row.Problems, fmt.Sprintf("email: %s is in line %d already", row.Resource.Email, before))
		}
		seen[row.Resource.Email] = line
		out = append(out, row)
	}
}

// read takes one row.
func read(t tenant.Tenant, line int, says func(column string) (value string, there bool)) Row {
	row := Row{Line: line, says: says}
	of := func(column string) string {
		value, _ := says(column)
		return value
	}
	bad := func(format string, args ...any) { row.Problems = append(row.Problems, fmt.Sprintf(format, args...)) }
	r := &row.Resource
	r.Name, r.Description, r.Site, r.Floor = of("name"), of("description"), of("site"), of("floor")
	r.Active, r.Units, r.TimeZone = true, 1, t.TimeZone
	address(t, of("email"), of("type"), r, bad)
	number := func(column string, least, most int, to *int) {
		if text := of(column); text != "" {
			n, err := strconv.Atoi(text)
			if err != nil || n < least || n > most {
				bad("%s: %q is not a number from %d to %d", column, clip(text), least, most)
				return
			}
			*to = n
		}
	}
	number("capacity", 0, mostCapacity, &r.Capacity)
	number("units", 1, 1000, &r.Units)
	for f := range strings.SplitSeq(of("features"), ";") {
		if f = strings.TrimSpace(f); f != "" && !slices.Contains(r.Features, f) {
			r.Features = append(r.Features, f)
		}
	}
	if name := of("timezone"); name != "" {
		if _, err := zone.LoadIANA(name); err != nil {
			bad("timeZone: %q is not the name of a time zone such as Europe/Berlin", clip(name))
		} else {
			r.TimeZone = name
		}
	}
	switch strings.ToLower(of("active")) {
	case "", "yes", "true", "1", "ja":
	case "no", "false", "0", "nein":
		r.Active = false
	default:
		bad("active: %q is neither yes nor no", clip(of("active")))
	}
	Check(*r, bad)
	return row
}

// Check says what is wrong with a resource's own fields.
func Check(r directory.Resource, bad func(format string, args ...any)) {
	for _, x := range []struct {
		column, value string
		most          int
	}{{"name", r.Name, 200}, {"description", r.Description, 5000}, {"site", r.Site, 200}, {"floor", r.Floor, 100}} {
		if utf8.RuneCountInString(x.value) > x.most {
			bad("%s: has more than %d characters", x.column, x.most)
		}
		if x.column != "description" && strings.ContainsFunc(x.value, func(c rune) bool { return c < ' ' || c == 0x7f }) {
			bad("%s: has a control character", x.column)
		}
	}
	if strings.TrimSpace(r.Name) == "" {
		bad("name: is missing")
	}
	if r.Capacity < 0 || r.Capacity > mostCapacity {
		bad("%s: %q is not a number from %d to %d", "capacity", strconv.Itoa(r.Capacity), 0, mostCapacity)
	}
	if len(r.Features) > 100 {
		bad("features: are more than 100")
	}
}

// address finds the account and the type, each of which may follow from the
// other, and the account from the name.
func address(t tenant.Tenant, email, kind string, r *directory.Resource, bad func(format string, args ...any)) {
	email = strings.ToLower(email)
	if email == "" {
		email = strings.Trim(notLocal.ReplaceAllString(strings.ToLower(r.Name), "-"), "-")
	}
	local, domain, full := strings.Cut(email, "@")
	if !localPart.MatchString(local) {
		bad("email: %q must begin and end with a letter or digit before the @, and have only those, dots, - and _ between", clip(local))
		return
	}
	if full {
		of, ok := directory.TypeOf(t, email)
		switch {
		case !ok:
			bad("email: %s is not a sub-domain for resources, such as %s", clip(domain), directory.Types[0].Domain(t.Domain))
		case kind != "" && !named(of, kind):
			bad("type: %q is not that of %s, which is %s", clip(kind), domain, of.Name)
		}
		r.Email, r.Type = email, of.Name
		return
	}
	if kind == "" {
		kind = directory.Types[0].Name
	}
	types := directory.TypesOf(t)
	i := slices.IndexFunc(types, func(x directory.Type) bool { return named(x, kind) })
	if i < 0 {
		var names []string
		for _, x := range types {
			names = append(names, x.Name)
		}
		bad("type: %q is none of %s", clip(kind), strings.Join(names, ", "))
		return
	}
	r.Email, r.Type = local+"@"+types[i].Domain(t.Domain), types[i].Name
}

func named(t directory.Type, as string) bool {
	return strings.EqualFold(t.Name, as) || strings.EqualFold(t.Label, as)
}

func clip(s string) string {
	const most = 60
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "…"
	}
	return s
}
