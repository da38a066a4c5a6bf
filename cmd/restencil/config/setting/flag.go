package setting

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"strconv"
	"strings"

	"restencil/watch/suggest"
)

// A Given is a flag as it stood on the command line.
type Given struct {
	index      int // of its setting in All
	name, text string
}

// flags returns all spellings of the flag, the main one first.
func (s Setting) flags() []string {
	if s.Flag == "" {
		return nil
	}
	return append([]string{s.Flag}, s.Alias...)
}

// flagValue is one flag while the command line is read: it checks the value, and
// notes that it was given.
type flagValue struct {
	Value
	given Given
	to    *[]Given
}

func (f flagValue) String() string   { return "" }
func (f flagValue) IsBoolFlag() bool { return f.Value != nil && f.Arg() == "" }

func (f flagValue) Set(text string) error {
	if err := f.Value.Set(text); err != nil {
		return err
	}
	f.given.text = text
	*f.to = append(*f.to, f.given)
	return nil
}

// ParseFlags lays a command line over the variables of settings, and returns
// what was given, in its order. The error is [flag.ErrHelp] where the help was
// asked for.
func ParseFlags(args []string, settings []Setting) ([]Given, error) {
	var all []Given
	var names []string
	flags := flag.NewFlagSet("restencil", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.Usage = func() {}
	for i, s := range All(settings) {
		for _, name := range s.flags() {
			flags.Var(flagValue{Value: s.value(), given: Given{index: i, name: name}, to: &all}, name, "")
			names = append(names, name)
		}
	}
	err := flags.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return nil, err
	case err != nil:
		name, unknown := strings.CutPrefix(err.Error(), "flag provided but not defined: -")
		if near := suggest.Nearest(name, names); unknown && near != "" {
			err = fmt.Errorf("%w (did you mean -%s?)", err, near)
		}
		return nil, err
	case flags.NArg() > 0:
		return nil, fmt.Errorf("cli: extra args: %q", flags.Args())
	}
	return all, nil
}

// Apply lays the flags of a command line over the variables of the same settings
// as those of ParseFlags, of another configuration.
func Apply(given []Given, settings []Setting, written *Written) error {
	all := All(settings)
	for _, g := range given {
		s := all[g.index]
		if err := s.value().Set(g.text); err != nil {
			return fmt.Errorf("flag -%s: %w", g.name, err)
		}
		at := Origin{Flag: "-" + g.name}
		if s.Sets == nil {
			s.Sets = []string{at.Flag}
		}
		written.Set(at, s.Sets...)
	}
	return nil
}

// Fill gives the settings that nobody wrote the values of their environment
// variables, which get returns without white space around them. An empty
// variable counts as unset, and so does one that cannot be read, with a warning.
func Fill(settings []Setting, written *Written, get func(name string) string) (warnings []string) {
	for _, s := range All(settings) {
		if s.Env == "" || written.IsSet(s.Sets[0]) {
			continue
		}
		for _, name := range strings.Fields(s.Env) {
			text := get(name)
			if text == "" {
				continue
			}
			err := s.value().Set(text)
			if n := (*strconv.NumError)(nil); errors.As(err, &n) {
				err = n.Err
			}
			if err != nil {
				warnings = append(warnings, fmt.Sprintf("environment variable %s is ignored: %v", name, err))
				continue
			}
			written.Set(Origin{Env: name}, s.Sets...)
			break
		}
	}
	return warnings
}
