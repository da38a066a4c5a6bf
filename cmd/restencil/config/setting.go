package config

import (
	"slices"
	"strings"
)

// A setting is the one place that says everything about one thing that can be
// configured. Flags, help, files, environment variables, defaults and the
// printed configuration are all made from the settings of [Config.settings]
// and [Template.settings].
type setting struct {
	key   string // in files, blocks joined by dots; "" where no file can set it
	flag  string // without its dash, "" where no flag sets it
	env   string // variables that are asked where nobody set it, the first that is not empty counts; "!" before one inverts a bool
	help  string // one sentence for -help
	value value

	alias      string   // other spellings of the flag, joined by spaces
	deprecated string   // what to write instead, or ""
	sets       []string // keys that the value counts for; none: its own
	secret     bool     // never printed
	arg        string   // what stands for the value in -help, where the kind of value does not say it best
	whenSet    bool     // printed only where it is written, because writing the default means something
	optional   bool     // printed only where somebody wrote the block, which means something by being there
	shorthand  bool     // the key is that of a block, and value takes a string in its place
	group      string   // heading in -help
}

// name returns the key, or the flag with its dash where no file can set it.
func (s setting) name() string {
	if s.key == "" {
		return "-" + s.flag
	}
	return s.key
}

// keys returns what setting s decides about: keys, or its name.
func (s setting) keys() []string {
	if s.sets != nil {
		return s.sets
	}
	return []string{s.name()}
}

// adds reports whether the values of setting s add up.
func (s setting) adds() bool {
	list, ok := s.value.(bound[[]string])
	return ok && list.add
}

// flags returns all spellings of the flag, the main one first.
func (s setting) flags() []string {
	if s.flag == "" {
		return nil
	}
	return append([]string{s.flag}, strings.Fields(s.alias)...)
}

// in puts settings under a heading of -help.
func in(group string, settings ...setting) []setting {
	for i := range settings {
		settings[i].group = group
	}
	return settings
}

// flagOfBlock is the flag of a setting whose flag is named as its block.
const flagOfBlock = "="

// under puts settings of a block under the block's key. Their flags, where
// they have one, get flagPrefix; without flagPrefix the block has no flags.
func under(block, flagPrefix string, settings []setting) []setting {
	for i := range settings {
		s := &settings[i]
		s.key = block + "." + s.key
		s.sets = slices.Clone(s.sets)
		for j := range s.sets {
			s.sets[j] = block + "." + s.sets[j]
		}
		switch {
		case flagPrefix == "":
			s.flag = ""
		case s.flag == flagOfBlock:
			s.flag = flagPrefix
		case s.flag != "":
			s.flag = flagPrefix + s.flag
		}
	}
	return settings
}

// optional is like under, for a block without flags that need not be there.
func optional(block string, settings []setting) []setting {
	for i := range settings {
		settings[i].optional = true
	}
	return under(block, "", settings)
}

// reset gives every setting its default.
func reset(settings []setting) {
	for _, s := range settings {
		s.value.reset()
	}
}

// A schema knows the settings of a file or of a template by their keys.
type schema struct {
	byKey    map[string]int      // places in the settings
	children map[string][]string // names within a block, by its key; "" is the top
}

func newSchema(settings []setting) *schema {
	s := &schema{byKey: make(map[string]int), children: make(map[string][]string)}
	for i, setting := range settings {
		if setting.key != "" {
			s.byKey[setting.key] = i
			s.addPath(setting.key)
		}
	}
	return s
}

// addPath makes a key and its blocks known by their names.
func (s *schema) addPath(key string) {
	for key != "" {
		block, name := "", key
		if i := strings.LastIndexByte(key, '.'); i >= 0 {
			block, name = key[:i], key[i+1:]
		}
		if !slices.Contains(s.children[block], name) {
			s.children[block] = append(s.children[block], name)
		}
		key = block
	}
}

// isBlock reports whether a key is that of a block.
func (s *schema) isBlock(key string) bool { return s.children[key] != nil }
