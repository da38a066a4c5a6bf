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

// A flagValue is one flag of the command line. It implements flag.Value.
type flagValue struct {
	Value
	name     string
	sets     []string
	origins  *Origins
	instead  string    // of a deprecated flag: what to write instead
	warnings *[]string // gets the warning about that
}

func (f flagValue) String() string   { return "" }
func (f flagValue) IsBoolFlag() bool { return f.Value != nil && f.Arg() == "" }

func (f flagValue) Set(text string) error {
	if f.instead != "" {
		if w := fmt.Sprintf("flag -%s is deprecated: write %s", f.name, f.instead); !slices.Contains(*f.warnings, w) {
			*f.warnings = append(*f.warnings, w)
		}
		if by := f.origins.Origin(f.sets[0]).Flag; by != "" && by != "-"+f.name {
			return nil // the new name wins
		}
	}
	f.origins.Set(Origin{Flag: "-" + f.name}, f.sets...)
	return f.Value.Set(text)
}

// ParseFlags sets the variables of settings from a command line. Warnings are about
// deprecated flags. The error is [flag.ErrHelp] for -help.
func ParseFlags(args []string, settings []Setting, origins *Origins) (warnings []string, err error) {
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
		v := flagValue{Value: s.value(), name: s.Flag, sets: s.Sets, origins: origins, instead: s.Deprecated, warnings: &warnings}
		known[s.Flag] = v
		flags.Var(v, s.Flag, "")
		if s.Deprecated == "" {
			names = append(names, s.Flag)
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
