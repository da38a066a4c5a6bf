// Package setting is the machine of the configuration: from a table of settings
// it makes the flags, the help, the reading of files and of the environment, the
// defaults, and the printed configuration.
//
// A [Setting] is one line of the table, and all there is to say about one thing
// that can be configured. It points at the variable that holds the value, so
// tables are made anew for each configuration, and for each block of those that
// may stand several times.
package setting

import (
	"cmp"
	"fmt"
	"iter"
	"slices"
	"strings"

	"restencil/cmd/restencil/config/hcl1"
)

// A Setting is one thing that can be configured, or a block of them.
type Setting struct {
	// Key is its name in its block of a file, in [All] that with the names of
	// the blocks around it. "" where no file can set it.
	Key string

	// To is where the value is kept: a pointer to a string, bool, int, int64,
	// float64, duration, file mode, signal, list of strings, or map of numbers;
	// or a [Value] where the type does not say how it is written. A block has
	// none, unless a value may stand in place of the block.
	To any

	// Default is the value that New gives, as a flag would have it. Without it
	// the variable keeps what it has.
	Default string

	// Flag sets it, without its dash; "" where none does. One that begins with a
	// dash goes on from the Flag of the block, and is none where that has none;
	// "-" is the same as the block's.
	Flag string

	Alias []string // other spellings of Flag
	Env   string   // variables that are asked where nobody set it, the first that is not empty counts; "!" before one inverts a bool
	Group string   // heading of the flag in the help; "" in a block: the block's
	Arg   string   // what stands for the value in the help, where the kind of value does not say it best
	Help  string   // what it does, in sentences

	Sets       []string // keys that the value counts for, from where Key is; nil: Key
	Deprecated string   // what to write instead, Nothing, or ""; see moved
	Secret     bool     // it is never printed
	WhenSet    bool     // it, or the block, is printed only where it is written, because writing the default means something

	Block []Setting // what can stand in it
	Each  *Repeated // of a block that may stand several times, in place of Block
}

// moved reports whether s, which has neither To nor Block then, is an old spelling of
// another setting: Deprecated is the whole key that Key is called now, or without a
// Key the flag that Flag is.
func (s Setting) moved() bool { return s.To == nil && s.Block == nil && s.Each == nil }

// Nothing is what to write instead of what has no effect any more.
const Nothing = "nothing in its place: it has no effect any more"

// Repeated is a block that may stand several times.
type Repeated struct {
	// Labelled says that the block has one label, its name.
	Labelled bool

	// Short is the key of a setting in it whose value may stand in place of the
	// whole block; "" where none may.
	Short string

	add func() Instance
	all func() []Instance
}

// An Instance is one block of those that may stand several times.
type Instance struct {
	Label    *string // where its label is kept, nil where it has none
	Settings []Setting
	Written  *Written
}

// Each returns the block whose instances are kept in a list; instance returns
// the settings of one.
func Each[T any](list *[]T, instance func(*T) Instance) *Repeated {
	return &Repeated{
		add: func() Instance { return instance(Add(list, instance)) },
		all: func() []Instance {
			var all []Instance
			for i := range *list {
				all = append(all, instance(&(*list)[i]))
			}
			return all
		},
	}
}

// Add adds an instance with every setting at its default.
func Add[T any](list *[]T, instance func(*T) Instance) *T {
	var zero T
	*list = append(*list, zero)
	added := &(*list)[len(*list)-1]
	Init(instance(added).Settings)
	return added
}

// In puts settings under a heading of the help.
func In(group string, settings ...Setting) []Setting {
	for i := range settings {
		settings[i].Group = group
	}
	return settings
}

// All returns the settings that have a value, with those in blocks. Each has its
// whole key and flag, and the group of its block where it has none.
func All(settings []Setting) iter.Seq[Setting] {
	return func(yield func(Setting) bool) { each(Setting{}, settings, yield) }
}

// each yields the settings of a block, and tells whether to go on.
func each(block Setting, settings []Setting, yield func(Setting) bool) bool {
	prefix := ""
	if block.Key != "" {
		prefix = block.Key + "."
	}
	for _, s := range settings {
		if s.Sets == nil && s.Key != "" {
			s.Sets = []string{s.Key}
		}
		s.Sets = slices.Clone(s.Sets)
		for i := range s.Sets {
			s.Sets[i] = prefix + s.Sets[i]
		}
		if s.Key != "" {
			s.Key = prefix + s.Key
		}
		if name, more := strings.CutPrefix(s.Flag, "-"); more {
			s.Flag = ""
			if block.Flag != "" {
				s.Flag = strings.TrimSuffix(block.Flag+"-"+name, "-")
			}
		}
		s.Group = cmp.Or(s.Group, block.Group)
		if s.To != nil && !yield(s) {
			return false
		}
		s.Flag = cmp.Or(s.Flag, block.Flag)
		if !each(s, s.Block, yield) {
			return false
		}
	}
	return true
}

// Show returns the value as a file would have it, "" for what no file can say.
func (s Setting) Show() string { return s.value().Show() }

// Init gives every setting its default. It panics where a default cannot be
// read, which is a mistake in the table.
func Init(settings []Setting) {
	for s := range All(settings) {
		if s.Default == "" {
			continue
		}
		if err := s.value().Set(s.Default); err != nil {
			panic(fmt.Sprintf("default of %s: %v", s.Key, err))
		}
	}
}

// An Origin says where a setting was given its value. The zero Origin is the
// default.
type Origin struct {
	hcl1.Position        // in a file, or none
	Flag          string // the flag with its dash, or ""
	Env           string // the environment variable, or ""
}

// LocalConfig is the variable that holds configuration text (COMPAT 1.8), and the
// file name that its text goes by in messages.
const LocalConfig = "CT_LOCAL_CONFIG"

// FromCommandLine reports whether a value came from a flag or from LocalConfig,
// which COMPAT 2.3 counts with them.
func (o Origin) FromCommandLine() bool { return o.Flag != "" || o.File == LocalConfig }

// String returns the flag, the variable or the place, "default" for none.
func (o Origin) String() string {
	switch {
	case o.Flag != "":
		return o.Flag
	case o.Env != "":
		return o.Env
	case o.Line > 0:
		return o.Position.String()
	}
	return "default"
}

// Wrong makes an error about what was written there.
func (o Origin) Wrong(message, hint string) error {
	if o.Flag != "" {
		message = "flag " + o.Flag + ": " + message
	}
	return hcl1.Diagnostic{Position: o.Position, Message: message, Hint: hint}
}

// Written says where a block and the settings in it were written. It is embedded
// in what holds their values.
type Written struct {
	// At is where the block was written.
	At Origin

	origins map[string]Origin // by key
}

// Origin returns where the setting of a key, such as "exec.command", was
// written; the zero Origin where it was left at its default.
func (w *Written) Origin(key string) Origin { return w.origins[key] }

// IsSet reports whether the setting or block of a key was written.
func (w *Written) IsSet(key string) bool {
	_, ok := w.origins[key]
	return ok
}

// Set notes that keys were written at a place.
func (w *Written) Set(at Origin, keys ...string) {
	if w.origins == nil {
		w.origins = make(map[string]Origin)
	}
	for _, key := range keys {
		w.origins[key] = at
	}
}

// Unset takes back what Set noted.
func (w *Written) Unset(key string) { delete(w.origins, key) }

// Drop takes back the value of a setting that the environment gave.
func (w *Written) Drop(key string, value *string) {
	if w.Origin(key).Env != "" {
		*value = ""
		w.Unset(key)
	}
}
