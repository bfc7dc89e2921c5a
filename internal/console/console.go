// Package console reads what an operator types for CommuniGate Pro, decides
// what changes something and so is asked about, and writes answers for people
// and for programs. It sends nothing itself.
//
// A command is read into its words and values and encoded anew by the CLI
// client: what is typed never becomes protocol by itself.
package console

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"rmp/communigate/cli"
	"rmp/communigate/dataformat"
	"rmp/xmlnode"
)

// Command is a CLI command: its name, then keywords (cli.Word) and values.
type Command struct {
	Name      cli.Word
	Arguments []any
}

var (
	commandName = regexp.MustCompile(`^[A-Z][A-Z0-9]*$`)
	keyword     = regexp.MustCompile(`^([A-Z]+|[0-9]{1,9})$`)
	bare        = regexp.MustCompile(`^[^\s"(){}\[\]#;=,]+`)
)

// Parse reads a line: a name in letters of any case, then keywords in
// capitals, numbers, bare or quoted strings, and objects in the textual
// format.
func Parse(line string) (Command, error) {
	line = strings.TrimSpace(line)
	if strings.ContainsAny(line, "\r\n\x00") {
		return Command{}, errors.New("a command is one line")
	}
	name, rest, _ := strings.Cut(line, " ")
	name = strings.ToUpper(name)
	if !commandName.MatchString(name) {
		return Command{}, fmt.Errorf("%q is not the name of a command, such as LISTDOMAINS", name)
	}
	c := Command{Name: cli.Word(name)}
	for {
		rest = strings.TrimLeft(rest, " \t")
		if rest == "" {
			return c, nil
		}
		if word := bare.FindString(rest); word != "" {
			rest = rest[len(word):]
			if keyword.MatchString(word) {
				c.Arguments = append(c.Arguments, cli.Word(word))
			} else {
				c.Arguments = append(c.Arguments, word)
			}
			continue
		}
		v, after, err := dataformat.ParsePrefix(rest)
		if err != nil {
			return Command{}, fmt.Errorf("at %q: %w", clip(rest), err)
		}
		if len(after) == len(rest) {
			return Command{}, fmt.Errorf("at %q: is no value", clip(rest))
		}
		c.Arguments = append(c.Arguments, v)
		rest = after
	}
}

func clip(s string) string {
	if r := []rune(s); len(r) > 40 {
		return string(r[:40]) + "…"
	}
	return s
}

// Danger says how a command is asked about.
type Danger int

// The degrees.
const (
	Reads    Danger = iota // it is not asked about
	Changes                // yes or no
	Destroys               // its name again
)

// reading are the beginnings of the names of commands that only read.
var reading = []string{"GET", "LIST", "FIND", "READ", "NOOP", "ECHO", "TEST", "VERIFY", "CHECK"}

// destroying are those that cannot be taken back.
var destroying = []string{"DELETE", "REMOVE", "SHUTDOWN", "KILL", "RESET", "SUSPEND", "SETSERVER", "SETCLUSTER"}

// DangerOf is the degree of a command of CLI.
func DangerOf(name cli.Word) Danger {
	begins := func(list []string) bool {
		return slices.ContainsFunc(list, func(p string) bool { return strings.HasPrefix(string(name), p) })
	}
	switch {
	case begins(reading), name == "MAINDOMAINNAME", name == "ROUTE", name == "HELP":
		return Reads
	case begins(destroying):
		return Destroys
	}
	return Changes
}

// ximssReading are requests of XIMSS that only read.
// The verb is at either end of the name: findEvents, mailboxList.
var ximssReading = struct{ begins, ends []string }{
	[]string{"find", "read", "get", "query", "retrieve"}, []string{"list", "read", "find", "get", "query", "check", "retrieve"},
}

// ximssOpening are others, and those that open and close what is read.
var ximssOpening = []string{"noop", "freebusyrequest", "calendarreaditem", "calendaropen", "calendarclose", "folderopen", "folderclose", "folderbrowse", "bye"}

// DangerOfXIMSS is the degree of a request of XIMSS.
func DangerOfXIMSS(n *xmlnode.Node) Danger {
	name := strings.ToLower(n.Name)
	if slices.Contains(ximssOpening, name) ||
		slices.ContainsFunc(ximssReading.begins, func(verb string) bool { return strings.HasPrefix(name, verb) }) ||
		slices.ContainsFunc(ximssReading.ends, func(verb string) bool { return strings.HasSuffix(name, verb) }) {
		return Reads
	}
	if strings.Contains(name, "delete") || strings.Contains(name, "remove") {
		return Destroys
	}
	return Changes
}

// secrets are words after which a value is not shown or kept.
var secrets = regexp.MustCompile(`(?i)(PASSWORD|PASS|password=|Password=)`)

// Secret reports whether a line may hold a password, and so is not kept.
func Secret(line string) bool { return secrets.MatchString(line) }

// Print writes a value for people: one entry of a dictionary or list a line.
func Print(w io.Writer, v dataformat.Value) error {
	_, err := io.WriteString(w, indent(v, "")+"\n")
	return err
}

func indent(v dataformat.Value, at string) string {
	switch x := v.(type) {
	case dataformat.Dict:
		if len(x) == 0 {
			return "{}"
		}
		var b strings.Builder
		b.WriteString("{\n")
		for _, k := range sortedKeys(x) {
			key, _ := dataformat.Text(k)
			b.WriteString(at + "  " + key + " = " + indent(x[k], at+"  ") + ";\n")
		}
		return b.String() + at + "}"
	case dataformat.Array:
		if len(x) == 0 {
			return "()"
		}
		var b strings.Builder
		b.WriteString("(\n")
		for i, e := range x {
			end := ",\n"
			if i == len(x)-1 {
				end = "\n"
			}
			b.WriteString(at + "  " + indent(e, at+"  ") + end)
		}
		return b.String() + at + ")"
	case nil:
		return "OK"
	}
	text, err := dataformat.Text(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return text
}

func sortedKeys(d dataformat.Dict) []string {
	keys := make([]string, 0, len(d))
	for k := range d {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// JSON writes a value as JSON: blocks of bytes in base64, times in RFC 3339.
func JSON(w io.Writer, v dataformat.Value) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(plain(v))
}

func plain(v dataformat.Value) any {
	switch x := v.(type) {
	case dataformat.Dict:
		out := map[string]any{}
		for k, e := range x {
			out[k] = plain(e)
		}
		return out
	case dataformat.Array:
		out := make([]any, len(x))
		for i, e := range x {
			out[i] = plain(e)
		}
		return out
	case dataformat.Datablock:
		return base64.StdEncoding.EncodeToString(x)
	case dataformat.Timestamp:
		if !x.Past && !x.Future {
			return x.Time
		}
	case string, int64, nil:
		return x
	}
	text, _ := dataformat.Text(v)
	return text
}

// PrintXML writes an element for people, each below its parent.
func PrintXML(w io.Writer, n *xmlnode.Node) error {
	_, err := io.WriteString(w, element(n, ""))
	return err
}

func element(n *xmlnode.Node, at string) string {
	alone := *n
	alone.Children = nil
	if len(n.Children) == 0 {
		return at + alone.String() + "\n"
	}
	open := xmlnode.New(n.Name)
	open.Attrs = n.Attrs
	head := strings.TrimSuffix(strings.TrimSuffix(open.String(), "/>"), "></"+n.Name+">")
	var b strings.Builder
	b.WriteString(at + head + ">\n")
	for _, c := range n.Children {
		b.WriteString(element(c, at+"  "))
	}
	return b.String() + at + "</" + n.Name + ">\n"
}

// XMLAsJSON is an element as JSON: name, attributes, text, children.
func XMLAsJSON(n *xmlnode.Node) any {
	out := map[string]any{"name": n.Name}
	if len(n.Attrs) > 0 {
		attrs := map[string]string{}
		for _, a := range n.Attrs {
			attrs[a.Name] = a.Value
		}
		out["attributes"] = attrs
	}
	if n.Text != "" {
		out["text"] = n.Text
	}
	if len(n.Children) > 0 {
		list := make([]any, len(n.Children))
		for i, c := range n.Children {
			list[i] = XMLAsJSON(c)
		}
		out["children"] = list
	}
	return out
}

// Allowed are the commands that an administrator of one organisation may
// send: each reads, and is about the account or domain that its first argument
// names.
var Allowed = []cli.Word{"LISTACCOUNTS", "LISTDOMAINOBJECTS", "GETDOMAINSETTINGS", "GETDOMAINEFFECTIVESETTINGS", "GETDOMAINALIASES", "GETACCOUNTSETTINGS", "GETACCOUNTEFFECTIVESETTINGS",
	"GETACCOUNTPREFS", "GETACCOUNTEFFECTIVEPREFS", "GETACCOUNTMAILRULES", "GETACCOUNTALIASES", "GETACCOUNTINFO", "GETACCOUNTLOCATION", "LISTMAILBOXES", "GETMAILBOXINFO", "GETMAILBOXACL", "GETMAILBOXRIGHTS"}

// plainName is an account's or a domain's name without what the server's
// router would take for another place.
var plainName = regexp.MustCompile(`^(?:[A-Za-z0-9._-]+@)?[A-Za-z0-9.-]+$`)

// About answers the domain that a command is about, in lower case; empty where
// it is none of those that are allowed, or does not name one plainly.
func (c Command) About() string {
	if !slices.Contains(Allowed, c.Name) || len(c.Arguments) == 0 {
		return ""
	}
	name, ok := c.Arguments[0].(string)
	if !ok || !plainName.MatchString(name) {
		return ""
	}
	ofDomain := strings.Contains(string(c.Name), "DOMAIN") || c.Name == "LISTACCOUNTS"
	_, domain, at := strings.Cut(name, "@")
	switch {
	case at == ofDomain:
		return ""
	case at:
		name = domain
	}
	return strings.ToLower(name)
}

// Plain is a value for JSON, without passwords.
func Plain(v dataformat.Value) any { return plain(withoutSecrets(v)) }

func withoutSecrets(v dataformat.Value) dataformat.Value {
	switch x := v.(type) {
	case dataformat.Dict:
		out := dataformat.Dict{}
		for k, e := range x {
			if !strings.Contains(strings.ToLower(k), "password") {
				out[k] = withoutSecrets(e)
			}
		}
		return out
	case dataformat.Array:
		out := make(dataformat.Array, len(x))
		for i, e := range x {
			out[i] = withoutSecrets(e)
		}
		return out
	}
	return v
}
