package setting

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"restencil/watch/suggest"
)

// flagValue is one flag of the command line.
type flagValue struct {
	Value
	name    string
	sets    []string
	written *Written

	// Of an old spelling: what to write instead, and where that is told.
	instead  string
	warnings *[]string
}

func (f flagValue) String() string   { return "" }
func (f flagValue) IsBoolFlag() bool { return f.Value != nil && f.Arg() == "" }

func (f flagValue) Set(text string) error {
	if f.instead != "" {
		if w := fmt.Sprintf("flag -%s is deprecated: write %s", f.name, f.instead); !slices.Contains(*f.warnings, w) {
			*f.warnings = append(*f.warnings, w)
		}
		if by := f.written.Origin(f.sets[0]).Flag; by != "" && by != "-"+f.name {
			return nil // the new spelling wins
		}
	}
	f.written.Set(Origin{Flag: "-" + f.name}, f.sets...)
	return f.Value.Set(text)
}

// ParseFlags lays a command line over the variables of settings. Warnings tell
// which old spellings it has. The error is [flag.ErrHelp] where the help was asked
// for.
func ParseFlags(args []string, settings []Setting, written *Written) (warnings []string, err error) {
	var names []string
	flags := flag.NewFlagSet("restencil", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.Usage = func() {}
	known := make(map[string]flagValue)
	for s := range All(settings) {
		if s.Flag == "" {
			continue
		}
		if s.Sets == nil {
			s.Sets = []string{"-" + s.Flag}
		}
		v := flagValue{Value: s.value(), sets: s.Sets, written: written, instead: s.Deprecated, warnings: &warnings}
		for _, v.name = range append([]string{s.Flag}, s.Alias...) {
			known[v.name] = v
			flags.Var(v, v.name, "")
			if v.instead == "" {
				names = append(names, v.name)
			}
		}
	}
	for _, s := range settings {
		if s.moved() && s.Flag != "" {
			v := known[s.Deprecated]
			v.name, v.instead = s.Flag, "-"+s.Deprecated
			flags.Var(v, v.name, "")
		}
	}
	err = flags.Parse(args)
	if err == nil && flags.NArg() > 0 {
		err = fmt.Errorf("cli: extra args: %q", flags.Args())
	}
	if err != nil {
		name, unknown := strings.CutPrefix(err.Error(), "flag provided but not defined: -")
		if near := suggest.Nearest(name, names); unknown && near != "" {
			err = fmt.Errorf("%w (did you mean -%s?)", err, near)
		}
	}
	return warnings, err
}

// Fill gives the settings that nobody wrote the values of their environment
// variables, which get returns without white space around them. An empty
// variable counts as unset, and so does one that cannot be read, with a warning.
func Fill(settings []Setting, written *Written, get func(name string) string) (warnings []string) {
	for s := range All(settings) {
		if s.Env == "" || written.IsSet(s.Key) {
			continue
		}
		for _, name := range strings.Fields(s.Env) {
			name, invert := strings.CutPrefix(name, "!")
			text := get(name)
			if text == "" {
				continue
			}
			if b, err := strconv.ParseBool(text); invert && err == nil {
				text = strconv.FormatBool(!b)
			}
			err := s.value().Set(text)
			if n := (*strconv.NumError)(nil); errors.As(err, &n) {
				err = n.Err
			}
			if err != nil {
				warnings = append(warnings, fmt.Sprintf("environment variable %s is ignored: %v", name, err))
				continue
			}
			written.Set(Origin{Env: name}, s.Key)
			break
		}
	}
	return warnings
}
