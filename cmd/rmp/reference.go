package main

import (
	"fmt"
	"io"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/alecthomas/kong"
)

// leaves are the commands that do something, with their full names.
func leaves(n *kong.Node) (out []*kong.Node) {
	for _, c := range n.Children {
		if len(c.Children) == 0 {
			out = append(out, c)
		} else {
			out = append(out, leaves(c)...)
		}
	}
	return out
}

func shownFlags(n *kong.Node) (out []*kong.Flag) {
	for _, group := range n.AllFlags(true) {
		for _, f := range group {
			if f.Name != "help" && f.Name != "config" {
				out = append(out, f)
			}
		}
	}
	return out
}

type referenceCommand struct{}

// Run prints docs/commands.md.
func (referenceCommand) Run(k *kong.Kong, out io.Writer) error {
	var b strings.Builder
	b.WriteString("# Commands\n\nWritten by `make gen` from the program. `rmp COMMAND --help` says the same. Each flag is also a key of the configuration file; the variable stands with it.\n")
	for _, n := range leaves(k.Model.Node) {
		if n.Hidden {
			continue
		}
		text, example, _ := strings.Cut(n.Help, " Example: ")
		fmt.Fprintf(&b, "\n## %s\n\n%s\n\n    %s\n", strings.TrimPrefix(n.FullPath(), ""), text, example)
		if len(n.Positional) > 0 {
			b.WriteString("\n")
			for _, p := range n.Positional {
				fmt.Fprintf(&b, "- `%s`: %s\n", p.Summary(), p.Help)
			}
		}
		var rows []string
		for _, f := range shownFlags(n) {
			if f.Hidden {
				continue
			}
			rows = append(rows, fmt.Sprintf("| `--%s` | %s | %s | %s |\n", f.Name, code(strings.Join(f.Envs, " ")), code(f.Default), strings.ReplaceAll(f.Help, "|", "\\|")))
		}
		if len(rows) > 0 {
			b.WriteString("\n| Flag | Variable | Default | |\n|---|---|---|---|\n" + strings.Join(rows, ""))
		}
	}
	_, err := io.WriteString(out, b.String())
	return err
}

func code(s string) string {
	if s == "" {
		return ""
	}
	return "`" + s + "`"
}

type completionCommand struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"bash, zsh or fish."`
}

// Run prints a script that knows the commands and flags of this version.
func (c *completionCommand) Run(k *kong.Kong, out io.Writer) error {
	words := map[string][]string{} // what may follow a command, by its name
	var walk func(n *kong.Node, path string)
	walk = func(n *kong.Node, path string) {
		for _, child := range n.Children {
			if child.Hidden {
				continue
			}
			words[path] = append(words[path], child.Name)
			walk(child, strings.TrimSpace(path+" "+child.Name))
		}
		for _, f := range shownFlags(n) {
			if !f.Hidden {
				words[path] = append(words[path], "--"+f.Name)
			}
		}
		words[path] = append(words[path], "--help", "--config")
	}
	walk(k.Model.Node, "")
	paths := make([]string, 0, len(words))
	for p := range words {
		paths = append(paths, p)
	}
	slices.Sort(paths)
	var b strings.Builder
	switch c.Shell {
	case "fish":
		for _, p := range paths {
			condition := "__fish_use_subcommand"
			if p != "" {
				condition = "string match -q -r '^rmp " + p + "( |$)' (commandline -pc)"
			}
			for _, w := range words[p] {
				if flag, ok := strings.CutPrefix(w, "--"); ok {
					fmt.Fprintf(&b, "complete -c rmp -n \"%s\" -l %s\n", condition, flag)
				} else {
					fmt.Fprintf(&b, "complete -c rmp -f -n \"%s\" -a %s\n", condition, w)
				}
			}
		}
	default:
		if c.Shell == "zsh" {
			b.WriteString("autoload -U +X bashcompinit && bashcompinit\n")
		}
		b.WriteString("_rmp() {\n  local path=\"\" word i\n  for ((i = 1; i < COMP_CWORD; i++)); do\n    word=\"${COMP_WORDS[i]}\"\n    case \"$word\" in -*) ;; *) path=\"${path:+$path }$word\" ;; esac\n  done\n  local words=\"\"\n  while :; do\n    case \"$path\" in\n")
		for _, p := range paths {
			fmt.Fprintf(&b, "      %q) words=%q; break ;;\n", p, strings.Join(words[p], " "))
		}
		b.WriteString("    esac\n    if [ -z \"$path\" ]; then break; fi\n    case \"$path\" in *' '*) path=\"${path% *}\" ;; *) path=\"\" ;; esac\n  done\n  COMPREPLY=($(compgen -W \"$words\" -- \"${COMP_WORDS[COMP_CWORD]}\"))\n  if [ ${#COMPREPLY[@]} -eq 0 ]; then COMPREPLY=($(compgen -f -- \"${COMP_WORDS[COMP_CWORD]}\")); fi\n  return 0\n}\ncomplete -F _rmp rmp\n")
	}
	_, err := io.WriteString(out, b.String())
	return err
}

// configShow has all flags of rmp serve, so that they are read as it reads
// them.
type configShow struct{ serveCommand }

// Run prints each value and where it comes from.
func (c *configShow) Run(ctx *kong.Context, out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "KEY\tVALUE\tFROM")
	for _, f := range shownFlags(ctx.Selected()) {
		value := fmt.Sprint(f.Target.Interface())
		if strings.Contains(f.Target.Type().String(), "secret.Text") {
			value = "not set"
			if !f.Target.IsZero() && f.Target.Len() > 0 {
				value = "set"
			}
		} else {
			value = withoutPasswords(value)
		}
		_, _ = fmt.Fprintf(w, "%s\t%s\t%s\n", f.Name, value, source(ctx, f))
	}
	return w.Flush()
}

var passwordIn = regexp.MustCompile(`(?i)(password\s*=\s*)('(?:[^'\\]|\\.)*'|[^\s&]+)`)

// withoutPasswords masks what an address of a database may hold, in each of
// the forms that PostgreSQL takes.
func withoutPasswords(value string) string {
	if at, err := url.Parse(value); err == nil && at.User != nil {
		value = at.Redacted()
	}
	return passwordIn.ReplaceAllString(value, "${1}xxxxx")
}

func source(ctx *kong.Context, f *kong.Flag) string {
	for _, p := range ctx.Path {
		if p.Flag == f && !p.Resolved {
			return "flag"
		}
	}
	if inEnvironment(f) {
		return "environment"
	}
	for _, p := range ctx.Path {
		if p.Flag == f {
			return "file"
		}
	}
	if !f.HasDefault && f.Target.IsZero() {
		return ""
	}
	return "default"
}
