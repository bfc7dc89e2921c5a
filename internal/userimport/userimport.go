// Package userimport reads users from where they were before: a CSV file, or
// the INSERT statements of a table gatekeeper_users in a dump of MySQL,
// PostgreSQL or SQLite.
//
// The columns are found by name: email, name (or real_name), role, domain (or
// cgp_domain, cgpro_domain), password_hash (or password, if it is a hash),
// cgp_password (or cgpro_password), active. Others are left out and named. Of
// users who are there already only what is filled is changed.
package userimport

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"rmp/internal/gatekeeper"
	"rmp/internal/secret"
	"rmp/internal/tenant"
)

// Row is one user, and where it came from.
type Row struct {
	Line   int // of the file, from 1
	Person gatekeeper.Person

	given map[string]bool // the fields that the file fills
}

// Onto is a user who is there already as the row would have it: what the file
// has no column for, or leaves empty, stays.
func (r Row) Onto(u gatekeeper.User) gatekeeper.Person {
	n := r.Person
	if !r.given["name"] {
		n.Name = u.Name
	}
	if !r.given["role"] {
		n.Role = u.Role
	}
	if !r.given["domain"] {
		n.CGPDomain = u.CGPDomain
	}
	if !r.given["active"] {
		n.Active = u.Active
	}
	return n
}

// Result is what was read.
type Result struct {
	Rows    []Row
	Ignored []string // columns
}

// mostBytes bounds a file.
const mostBytes = 64 << 20

var errTooLarge = fmt.Errorf("is larger than %d bytes", mostBytes)

// names of columns, each with what it is for.
var names = map[string]string{
	"email": "email", "name": "name", "real_name": "name", "realname": "name", "full_name": "name", "role": "role",
	"domain": "domain", "cgp_domain": "domain", "cgpro_domain": "domain",
	"password_hash": "hash", "hash": "hash", "password": "hash",
	"cgp_password": "cgp", "cgpro_password": "cgp", "active": "active", "is_active": "active", "enabled": "active",
}

type columns struct {
	at      map[string]int
	ignored []string
}

func columnsOf(list []string) (columns, error) {
	c := columns{at: map[string]int{}}
	for i, raw := range list {
		n := strings.ToLower(strings.TrimSpace(strings.TrimPrefix(raw, "\ufeff")))
		use, ok := names[n]
		if _, twice := c.at[use]; !ok || twice {
			c.ignored = append(c.ignored, n)
			continue
		}
		c.at[use] = i
	}
	if _, ok := c.at["email"]; !ok {
		return c, errors.New("has no column email")
	}
	return c, nil
}

func (c columns) row(line int, values []string) (Row, error) {
	get := func(use string) string {
		if i, ok := c.at[use]; ok && i < len(values) {
			return strings.TrimSpace(values[i])
		}
		return ""
	}
	p := gatekeeper.Person{Email: get("email"), Name: get("name"), Role: tenant.Role(strings.ToLower(get("role"))), CGPDomain: get("domain"), Hash: get("hash"), Active: true}
	if p.Name == "" {
		p.Name, _, _ = strings.Cut(p.Email, "@")
	}
	if p.Role == "" {
		p.Role = tenant.User
	}
	if s := get("cgp"); s != "" {
		t := secret.Text(s)
		p.CGPPassword = &t
	}
	switch strings.ToLower(get("active")) {
	case "", "1", "t", "true", "yes", "y", "active":
	case "0", "f", "false", "no", "n", "inactive":
		p.Active = false
	default:
		return Row{}, fmt.Errorf("line %d: active is neither yes nor no", line)
	}
	given := map[string]bool{}
	for use := range c.at {
		given[use] = get(use) != ""
	}
	return Row{line, p, given}, nil
}

func all(r io.Reader) (string, error) {
	b, err := io.ReadAll(io.LimitReader(r, mostBytes+1))
	if err == nil && len(b) > mostBytes {
		err = errTooLarge
	}
	return string(b), err
}

// CSV reads a file with a line of column names, separated by commas or
// semicolons.
func CSV(r io.Reader) (Result, error) {
	text, err := all(r)
	if err != nil {
		return Result{}, err
	}
	head, _, _ := strings.Cut(text, "\n")
	in := csv.NewReader(strings.NewReader(text))
	if strings.Count(head, ";") > strings.Count(head, ",") {
		in.Comma = ';'
	}
	list, err := in.Read()
	if errors.Is(err, io.EOF) {
		return Result{}, errors.New("is empty")
	}
	if err != nil {
		return Result{}, err
	}
	c, err := columnsOf(list)
	if err != nil {
		return Result{}, err
	}
	out := Result{Ignored: c.ignored}
	for {
		values, err := in.Read()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return Result{}, err
		}
		line, _ := in.FieldPos(0)
		row, err := c.row(line, values)
		if err != nil {
			return Result{}, err
		}
		out.Rows = append(out.Rows, row)
	}
}

// Table is the table whose rows SQL reads.
const Table = "gatekeeper_users"

// SQL reads the INSERT statements of the table; everything else of the file
// is passed over. Nothing of it is run.
func SQL(r io.Reader) (Result, error) {
	text, err := all(r)
	if err != nil {
		return Result{}, err
	}
	l := &lexer{text: text, line: 1}
	var out Result
	for {
		t, err := l.next()
		if err != nil {
			return Result{}, err
		}
		if t.kind == end {
			break
		}
		if !t.is("insert") {
			continue
		}
		rows, ignored, err := insert(l)
		if err != nil {
			return Result{}, err
		}
		out.Rows = append(out.Rows, rows...)
		for _, i := range ignored {
			if !slices.Contains(out.Ignored, i) {
				out.Ignored = append(out.Ignored, i)
			}
		}
	}
	if len(out.Rows) == 0 {
		return out, fmt.Errorf("has no INSERT INTO %s (columns…) VALUES (…)", Table)
	}
	return out, nil
}

// insert reads a statement from behind INSERT; one of another table it leaves
// to the caller.
func insert(l *lexer) ([]Row, []string, error) {
	t, err := l.next()
	for err == nil && (t.is("ignore") || t.is("into")) {
		t, err = l.next()
	}
	for err == nil && t.kind == word { // schema.table
		var dot token
		if dot, err = l.peek(); err != nil || dot.text != "." {
			break
		}
		_, _ = l.next()
		t, err = l.next()
	}
	if err != nil || !strings.EqualFold(t.text, Table) || t.kind != word {
		return nil, nil, err
	}
	list, err := l.list()
	if err != nil {
		return nil, nil, err
	}
	names := make([]string, len(list))
	for i, v := range list {
		names[i] = v.text
	}
	c, err := columnsOf(names)
	if err != nil {
		return nil, nil, fmt.Errorf("line %d: INSERT INTO %s %w", t.line, Table, err)
	}
	if v, err := l.next(); err != nil || !v.is("values") {
		return nil, nil, errors.Join(err, fmt.Errorf("line %d: VALUES is missing", t.line))
	}
	var rows []Row
	for {
		at, err := l.peek()
		if err != nil {
			return nil, nil, err
		}
		list, err := l.list()
		if err != nil {
			return nil, nil, err
		}
		if len(list) != len(names) {
			return nil, nil, fmt.Errorf("line %d: %d values for %d columns", at.line, len(list), len(names))
		}
		values := make([]string, len(list))
		for i, v := range list {
			if values[i] = v.text; v.is("null") {
				values[i] = ""
			}
		}
		row, err := c.row(at.line, values)
		if err != nil {
			return nil, nil, err
		}
		rows = append(rows, row)
		if sep, err := l.peek(); err != nil || sep.text != "," || sep.kind != sign {
			return rows, c.ignored, err
		}
		_, _ = l.next()
	}
}

type kind int

const (
	end    kind = iota
	word        // a name, a number, a keyword
	quoted      // a text
	sign        // one other character
)

type token struct {
	kind kind
	text string
	line int
}

func (t token) is(keyword string) bool { return t.kind == word && strings.EqualFold(t.text, keyword) }

// lexer reads the tokens of SQL that INSERT statements need.
type lexer struct {
	text string
	at   int
	line int
	kept *token
}

func (l *lexer) peek() (token, error) {
	if l.kept == nil {
		t, err := l.next()
		if err != nil {
			return t, err
		}
		l.kept = &t
	}
	return *l.kept, nil
}

func (l *lexer) next() (token, error) {
	if l.kept != nil {
		t := *l.kept
		l.kept = nil
		return t, nil
	}
	l.space()
	t := token{line: l.line}
	if l.at >= len(l.text) {
		return t, nil
	}
	c := l.text[l.at]
	switch {
	case c == '\'':
		t.kind = quoted
	case c == '`' || c == '"':
		t.kind = word
	case letter(c), number(l.text[l.at:]):
		start := l.at
		more := ""
		if number(l.text[l.at:]) {
			more = "."
		}
		for l.at++; l.at < len(l.text) && (letter(l.text[l.at]) || strings.IndexByte(more, l.text[l.at]) >= 0); {
			l.at++
		}
		t.kind, t.text = word, l.text[start:l.at]
		if (t.text == "E" || t.text == "e" || t.text == "N") && l.at < len(l.text) && l.text[l.at] == '\'' {
			return l.next() // a prefix of a text
		}
		return t, nil
	default:
		l.at++
		t.kind, t.text = sign, string(c)
		return t, nil
	}
	text, err := l.quoted(c)
	t.text = text
	return t, err
}

func letter(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c >= 0x80
}

func number(s string) bool {
	s = strings.TrimLeft(s[:min(len(s), 2)], "+-")
	return s != "" && s[0] >= '0' && s[0] <= '9'
}

func (l *lexer) space() {
	for l.at < len(l.text) {
		rest := l.text[l.at:]
		switch {
		case rest[0] == '\n':
			l.line++
			l.at++
		case strings.IndexByte(" \t\r", rest[0]) >= 0:
			l.at++
		case strings.HasPrefix(rest, "--") || rest[0] == '#':
			n := strings.IndexByte(rest, '\n')
			if n < 0 {
				n = len(rest)
			}
			l.at += n
		case strings.HasPrefix(rest, "/*"):
			n := strings.Index(rest, "*/")
			if n < 0 {
				n = len(rest) - 2
			}
			l.line += strings.Count(rest[:n], "\n")
			l.at += n + 2
		default:
			return
		}
	}
}

// quoted reads from one quotation mark to the next; a doubled one stands for
// itself, and so does what follows a backslash, as MySQL writes it.
func (l *lexer) quoted(q byte) (string, error) {
	started := l.line
	var b strings.Builder
	for l.at++; l.at < len(l.text); l.at++ {
		switch c := l.text[l.at]; {
		case c == q && l.at+1 < len(l.text) && l.text[l.at+1] == q:
			l.at++
			b.WriteByte(q)
		case c == q:
			l.at++
			return b.String(), nil
		case c == '\\' && q == '\'' && l.at+1 < len(l.text):
			l.at++
			switch e := l.text[l.at]; e {
			case 'n':
				b.WriteByte('\n')
			case 'r':
				b.WriteByte('\r')
			case 't':
				b.WriteByte('\t')
			case '0':
				b.WriteByte(0)
			default:
				b.WriteByte(e)
			}
		default:
			if c == '\n' {
				l.line++
			}
			b.WriteByte(c)
		}
	}
	return "", fmt.Errorf("line %s: a text does not end", strconv.Itoa(started))
}

// list reads (a, b, c).
func (l *lexer) list() ([]token, error) {
	t, err := l.next()
	if err != nil {
		return nil, err
	}
	if t.text != "(" || t.kind != sign {
		return nil, fmt.Errorf("line %d: a list in parentheses is missing; the columns must be named", t.line)
	}
	var out []token
	for {
		v, err := l.next()
		if err != nil {
			return nil, err
		}
		if v.kind == end || v.kind == sign {
			return nil, fmt.Errorf("line %d: not a list of values", v.line)
		}
		out = append(out, v)
		sep, err := l.next()
		if err != nil {
			return nil, err
		}
		switch {
		case sep.kind == sign && sep.text == ")":
			return out, nil
		case sep.kind == sign && sep.text == ",":
		default:
			return nil, fmt.Errorf("line %d: not a list of plain values", sep.line)
		}
	}
}
