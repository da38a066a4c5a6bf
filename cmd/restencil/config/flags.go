package config

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
)

// A given flag is one as it stood on the command line.
type given struct {
	setting int // its place in Config.settings
	name    string
	text    string
}

// flagValue is one flag while the command line is parsed: it checks the value
// and notes that it was given.
type flagValue struct {
	setting
	name  string
	index int
	to    *[]given
}

func (f flagValue) String() string   { return "" }
func (f flagValue) IsBoolFlag() bool { return f.value != nil && f.value.placeholder() == "" }

func (f flagValue) Set(text string) error {
	if err := f.value.fromText(text); err != nil {
		return err
	}
	*f.to = append(*f.to, given{setting: f.index, name: f.name, text: text})
	return nil
}

// parseFlags reads the command line. Its values land in a Config of their own,
// which shows that they are right; they are laid over the files later.
func parseFlags(args []string) (*Config, []given, error) {
	scratch := newConfig(nil)
	var all []given
	flags := flag.NewFlagSet("restencil", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.Usage = func() {}
	for i, s := range scratch.settings() {
		for _, name := range s.flags() {
			flags.Var(flagValue{setting: s, name: name, index: i, to: &all}, name, "")
		}
	}
	err := flags.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		scratch.Action = ShowHelp
		return scratch, nil, nil
	}
	if err != nil {
		return nil, nil, explainFlag(err, flags)
	}
	if flags.NArg() > 0 {
		return nil, nil, fmt.Errorf("cli: extra args: %q", flags.Args())
	}
	return scratch, all, nil
}

// explainFlag adds the nearest flag to the complaint about an unknown one.
func explainFlag(err error, flags *flag.FlagSet) error {
	name, unknown := strings.CutPrefix(err.Error(), "flag provided but not defined: -")
	if !unknown {
		return err
	}
	var names []string
	flags.VisitAll(func(f *flag.Flag) { names = append(names, f.Name) })
	if hint := suggest(name, names); hint != "" {
		return fmt.Errorf("%w (%s)", err, strings.Replace(hint, "mean ", "mean -", 1))
	}
	return err
}

// apply lays the flags of the command line over c, in their order.
func (c *Config) apply(flags []given) error {
	settings := c.settings()
	for _, f := range flags {
		s := settings[f.setting]
		if err := s.value.fromText(f.text); err != nil {
			return fmt.Errorf("flag -%s: %w", f.name, err)
		}
		for _, key := range s.keys() {
			c.origins[key] = Origin{Flag: "-" + f.name}
		}
	}
	return nil
}
