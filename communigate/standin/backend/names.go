package backend

import (
	"database/sql"
	"slices"
	"strings"

	"rmp/communigate/dataformat"
)

// Besides accounts a domain has other names: aliases of accounts, groups, and
// forwarders. All share one space of names. A domain may have aliases too.

const namesSchema = `
CREATE TABLE IF NOT EXISTS names (
	domain TEXT NOT NULL, name TEXT NOT NULL, kind TEXT NOT NULL, data TEXT NOT NULL, PRIMARY KEY (domain, name)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS domain_aliases (
	name TEXT PRIMARY KEY, domain TEXT NOT NULL REFERENCES domains(name) ON DELETE CASCADE ON UPDATE CASCADE) WITHOUT ROWID;
`

const (
	aliasName     = "alias"     // data: name of the account
	groupName     = "group"     // data: dictionary
	forwarderName = "forwarder" // data: address
)

// The refusals of names.
var (
	ErrNoGroup     = &Error{517, "group is not found"}
	ErrNoForwarder = &Error{518, "forwarder is not found"}
)

// domain finds the domain that a name or an alias of one stands for.
func (tx *Tx) domain(name string) (string, error) {
	name = strings.ToLower(name)
	var found string
	ok, err := tx.row(`SELECT name FROM domains WHERE name=? UNION ALL SELECT domain FROM domain_aliases WHERE name=? LIMIT 1`, []any{name, name}, &found)
	if err == nil && !ok {
		err = ErrNoDomain
	}
	return found, err
}

// lookup finds a name that is not an account's.
func (tx *Tx) lookup(address, kind string) (domain, name, data string, ok bool, err error) {
	name, domain = tx.split(address)
	if domain, err = tx.domain(domain); err != nil {
		return
	}
	ok, err = tx.row(`SELECT data FROM names WHERE domain=? AND name=? AND kind=?`, []any{domain, name, kind}, &data)
	return
}

// taken reports whether a domain has the name already.
func (tx *Tx) taken(domain, name string) (bool, error) {
	var n int
	_, err := tx.row(`SELECT (SELECT COUNT(*) FROM accounts WHERE domain=? AND name=?) + (SELECT COUNT(*) FROM names WHERE domain=? AND name=?)`,
		[]any{domain, name, domain, name}, &n)
	return n > 0, err
}

func (tx *Tx) addName(address, kind, data string) error {
	name, domain := tx.split(address)
	if !validName(name) {
		return &Error{501, "illegal " + kind + " name"}
	}
	domain, err := tx.domain(domain)
	if err != nil {
		return err
	}
	if taken, err := tx.taken(domain, name); err != nil || taken {
		if err == nil {
			err = &Error{520, kind + " with this name already exists"}
		}
		return err
	}
	_, err = tx.exec(`INSERT INTO names (domain, name, kind, data) VALUES (?,?,?,?)`, domain, name, kind, data)
	return err
}

// named answers the names of a kind in a domain, with their data.
func (tx *Tx) named(domain, kind string) (names, data []string, err error) {
	if domain, err = tx.domain(domain); err != nil {
		return nil, nil, err
	}
	err = tx.rows(func(r *sql.Rows) error {
		var n, d string
		err := r.Scan(&n, &d)
		names, data = append(names, n), append(data, d)
		return err
	}, `SELECT name, data FROM names WHERE domain=? AND kind=? ORDER BY name`, domain, kind)
	return names, data, err
}

// changeName removes a name, or gives it another one.
func (tx *Tx) changeName(address, kind, into string, missing *Error) error {
	domain, name, data, ok, err := tx.lookup(address, kind)
	if err != nil {
		return err
	}
	if !ok {
		return missing
	}
	if _, err := tx.exec(`DELETE FROM names WHERE domain=? AND name=?`, domain, name); err != nil || into == "" {
		return err
	}
	if !strings.Contains(into, "@") {
		into += "@" + domain
	}
	return tx.addName(into, kind, data)
}

// DomainAliases answers the other names of a domain.
func (tx *Tx) DomainAliases(domain string) ([]string, error) {
	domain, err := tx.domain(domain)
	if err != nil {
		return nil, err
	}
	out := []string{}
	err = tx.rows(func(r *sql.Rows) error {
		var n string
		err := r.Scan(&n)
		out = append(out, n)
		return err
	}, `SELECT name FROM domain_aliases WHERE domain=? ORDER BY name`, domain)
	return out, err
}

// SetDomainAliases replaces the other names of a domain.
func (tx *Tx) SetDomainAliases(domain string, aliases []string) error {
	domain, err := tx.domain(domain)
	if err != nil {
		return err
	}
	if _, err := tx.exec(`DELETE FROM domain_aliases WHERE domain=?`, domain); err != nil {
		return err
	}
	for _, a := range aliases {
		a = strings.ToLower(a)
		if !validName(a) {
			return &Error{501, "illegal domain name"}
		}
		if _, err := tx.domain(a); err == nil {
			return ErrDomainExists
		}
		if _, err := tx.exec(`INSERT INTO domain_aliases (name, domain) VALUES (?,?)`, a, domain); err != nil {
			return err
		}
	}
	return nil
}

// Aliases answers the other names of an account.
func (tx *Tx) Aliases(a Account) ([]string, error) {
	names, owners, err := tx.named(a.Domain, aliasName)
	out := []string{}
	for i, n := range names {
		if owners[i] == a.Name {
			out = append(out, n)
		}
	}
	return out, err
}

// DomainNames answers the aliases, and the forwarders, of a domain, each with
// what it stands for.
func (tx *Tx) DomainNames(domain string) (aliases, forwarders map[string]string, err error) {
	read := func(kind string) (map[string]string, error) {
		names, data, err := tx.named(domain, kind)
		out := map[string]string{}
		for i, n := range names {
			out[n] = data[i]
		}
		return out, err
	}
	if aliases, err = read(aliasName); err != nil {
		return nil, nil, err
	}
	forwarders, err = read(forwarderName)
	return aliases, forwarders, err
}

// SetAliases replaces the other names of an account.
func (tx *Tx) SetAliases(a Account, aliases []string) error {
	if _, err := tx.exec(`DELETE FROM names WHERE domain=? AND kind=? AND data=?`, a.Domain, aliasName, a.Name); err != nil {
		return err
	}
	for _, n := range aliases {
		if err := tx.addName(strings.ToLower(n)+"@"+a.Domain, aliasName, a.Name); err != nil {
			return err
		}
	}
	return nil
}

// Groups answers the names of a domain's groups.
func (tx *Tx) Groups(domain string) ([]string, error) {
	names, _, err := tx.named(domain, groupName)
	return names, err
}

// Group answers the settings of a group; its members are under Members.
func (tx *Tx) Group(address string) (dataformat.Dict, error) {
	_, _, data, ok, err := tx.lookup(address, groupName)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, ErrNoGroup
	}
	return parseDict(data)
}

// CreateGroup makes a group.
func (tx *Tx) CreateGroup(address string, settings dataformat.Dict) error {
	text, err := dataformat.Text(orEmpty(settings))
	if err != nil {
		return &Error{501, "illegal settings"}
	}
	return tx.addName(address, groupName, text)
}

// SetGroup replaces the settings of a group.
func (tx *Tx) SetGroup(address string, settings dataformat.Dict) error {
	domain, name, _, ok, err := tx.lookup(address, groupName)
	if err != nil {
		return err
	}
	if !ok {
		return ErrNoGroup
	}
	text, err := dataformat.Text(orEmpty(settings))
	if err != nil {
		return &Error{501, "illegal settings"}
	}
	_, err = tx.exec(`UPDATE names SET data=? WHERE domain=? AND name=?`, text, domain, name)
	return err
}

// ChangeGroup removes a group, or renames it when into is not empty.
func (tx *Tx) ChangeGroup(address, into string) error {
	return tx.changeName(address, groupName, into, ErrNoGroup)
}

// Forwarders answers the names of a domain's forwarders.
func (tx *Tx) Forwarders(domain string) ([]string, error) {
	names, _, err := tx.named(domain, forwarderName)
	return names, err
}

// Forwarder answers where a forwarder sends to.
func (tx *Tx) Forwarder(address string) (string, error) {
	_, _, data, ok, err := tx.lookup(address, forwarderName)
	if err == nil && !ok {
		err = ErrNoForwarder
	}
	return data, err
}

// CreateForwarder makes a forwarder.
func (tx *Tx) CreateForwarder(address, to string) error {
	if to == "" {
		return &Error{501, "illegal forwarder address"}
	}
	return tx.addName(address, forwarderName, to)
}

// ChangeForwarder removes a forwarder, or renames it when into is not empty.
func (tx *Tx) ChangeForwarder(address, into string) error {
	return tx.changeName(address, forwarderName, into, ErrNoForwarder)
}

// groupsOf answers the addresses of the groups that an account is in, in the
// account's own domain and in others.
func (tx *Tx) groupsOf(a Account) ([]string, error) {
	var out []string
	err := tx.rows(func(r *sql.Rows) error {
		var domain, name, data string
		if err := r.Scan(&domain, &name, &data); err != nil {
			return err
		}
		d, err := parseDict(data)
		if err != nil {
			return err
		}
		for _, m := range d.Array("Members").Strings() {
			if m = strings.ToLower(m); !strings.Contains(m, "@") {
				m += "@" + domain
			}
			if m == a.Address() {
				out = append(out, name+"@"+domain)
			}
		}
		return nil
	}, `SELECT domain, name, data FROM names WHERE kind=? AND instr(lower(data), ?) > 0`, groupName, a.Name)
	return out, err
}

// Recipients answers the accounts of this server that an address stands for,
// through aliases, groups and forwarders; none for one that is unknown here.
func (tx *Tx) Recipients(address string) ([]Account, error) {
	var out []Account
	seen := map[string]bool{}
	var expand func(address string, depth int) error
	expand = func(address string, depth int) error {
		address = strings.ToLower(strings.TrimSpace(address))
		if seen[address] || depth > maxHops || len(seen) > 10_000 {
			return nil
		}
		seen[address] = true
		a, err := tx.Account(address)
		if err == nil {
			if !slices.ContainsFunc(out, func(o Account) bool { return o.ID == a.ID }) {
				out = append(out, a)
			}
			return nil
		}
		if err != ErrNoAccount { //nolint:errorlint // made by this package, never wrapped
			if err == ErrNoDomain { //nolint:errorlint // made by this package, never wrapped
				return nil
			}
			return err
		}
		domain, _, data, ok, err := tx.lookup(address, groupName)
		if err != nil {
			return err
		}
		if ok {
			d, err := parseDict(data)
			if err != nil {
				return err
			}
			for _, m := range d.Array("Members").Strings() {
				if !strings.Contains(m, "@") {
					m += "@" + domain
				}
				if err := expand(m, depth+1); err != nil {
					return err
				}
			}
			return nil
		}
		if _, _, data, ok, err = tx.lookup(address, forwarderName); err != nil || !ok {
			return err
		}
		return expand(data, depth+1)
	}
	err := expand(address, 0)
	return out, err
}
