package main

import (
	"errors"
	"fmt"
	"os"
	"reflect"
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
