package main

import (
	"errors"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// fileSuffix makes the name of a variable that of one which names a file with
// the value: RMP_DB_FILE for RMP_DB. So secrets come from files that only
// this program may read, as service managers and containers hand them over.
const fileSuffix = "_FILE"

// variableFiles reads the flags whose variable names a file.
type variableFiles struct{}

func (variableFiles) Validate(*kong.Application) error { return nil }

func (variableFiles) Resolve(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	for _, name := range flag.Envs {
		path := os.Getenv(name + fileSuffix)
		if path == "" {
			continue
		}
		if os.Getenv(name) != "" {
			return nil, fmt.Errorf("%s and %s are both set", name, name+fileSuffix)
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name+fileSuffix, err)
		}
		text := strings.TrimRight(string(b), "\r\n")
		if text == "" {
			return nil, fmt.Errorf("%s: %w", name+fileSuffix, errors.New(path+" is empty"))
		}
		if flag.Target.Kind() == reflect.Slice { // one a line
			text = strings.Join(strings.Fields(text), ",")
		}
		return text, nil
	}
	return nil, nil
}

// inEnvironment reports whether a variable says what the flag is: then the
// configuration file does not.
func inEnvironment(flag *kong.Flag) bool {
	for _, name := range flag.Envs {
		if _, set := os.LookupEnv(name); set || os.Getenv(name+fileSuffix) != "" {
			return true
		}
	}
	return false
}

// unknownVariables are those of the environment that look like RMP's, and are
// not: a mistyped one would be passed over. Those of tests are left alone.
func unknownVariables(program *kong.Node, environ []string) (out []string) {
	known := map[string]bool{"RMP_CONFIG": true, "RMP_CI": true}
	var visit func(n *kong.Node)
	visit = func(n *kong.Node) {
		for _, f := range n.Flags {
			for _, name := range f.Envs {
				known[name], known[name+fileSuffix] = true, true
			}
		}
		for _, c := range n.Children {
			visit(c)
		}
	}
	visit(program)
	for _, e := range environ {
		name, _, _ := strings.Cut(e, "=")
		if strings.HasPrefix(name, "RMP_") && !strings.HasPrefix(name, "RMP_TEST_") && !strings.HasPrefix(name, "RMP_E2E") && !known[name] {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}
