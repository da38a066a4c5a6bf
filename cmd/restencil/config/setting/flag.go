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

// ParseFlags sets the variables of settings from a command line. Warnings are about
// deprecated flags. The error is [flag.ErrHelp] for -help.
func ParseFlags(args []string, settings []Setting, origins *Origins) (warnings []string, err error) {
	var names []string
	flags := flag.NewFlagSet("restencil", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.Usage = func() {}
	add := func(s *Setting, name, instead string) {
		set := func(text string) error {
			if instead != "" {
				if w := fmt.Sprintf("flag -%s is deprecated: write %s", name, instead); !slices.Contains(warnings, w) {
					warnings = append(warnings, w)
				}
				if by := origins.Origin(s.Sets[0]).Flag; by != "" && by != "-"+name {
					return nil // the new name wins
				}
			}
			origins.Set(Origin{Flag: "-" + name}, s.Sets...)
			return s.value().Set(text)
		}
		if s.value().Arg() == "" {
			flags.BoolFunc(name, "", set)
		} else {
			flags.Func(name, "", set)
		}
	}
	known := make(map[string]*Setting) // by flag
	for s := range All(settings) {
		if s.Flag == "" {
			continue
		}
		if s.Sets == nil {
			s.Sets = []string{"-" + s.Flag}
		}
		known[s.Flag] = &s
		add(&s, s.Flag, s.Deprecated)
		if s.Deprecated == "" {
			names = append(names, s.Flag)
		}
	}
	for _, s := range settings {
		if s.moved() && s.Flag != "" {
			add(known[s.Deprecated], s.Flag, "-"+s.Deprecated)
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

// Fill sets the settings that are not set yet from their environment variables. An empty
// variable counts as unset, and so does an invalid one, with a warning.
func Fill(settings []Setting, origins *Origins, environ Environment) (warnings []string) {
	for s := range All(settings) {
		if s.Env == "" || origins.IsSet(s.Key) {
			continue
		}
		for _, name := range strings.Fields(s.Env) {
			name, invert := strings.CutPrefix(name, "!")
			text := environ.Get(name)
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
			origins.Set(Origin{Env: name}, s.Key)
			break
		}
	}
	return warnings
}
