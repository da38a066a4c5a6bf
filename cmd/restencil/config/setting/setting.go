// Package setting implements configuration from a table of settings: flags, help,
// files, environment variables, defaults and the printed configuration.
//
// A [Setting] is one line of the table and describes one thing that can be configured.
// It points at the variable that holds the value, so each configuration has its own
// tables, and so has each block of those that can be repeated.
package setting

import (
	"cmp"
	"fmt"
	"iter"
	"slices"
	"strings"
)

// A Setting is one thing that can be configured, or a block of them.
type Setting struct {
	// Key is its name in its block of a file, and in [All] the path of names from
	// the file, such as exec.env.custom. "" if files cannot set it.
	Key string

	// To holds the value: a pointer to a string, bool, int, int64, float64,
	// duration, file mode, signal, list of strings, or map of numbers; or a [Value]
	// for any other format. A block has one only if a value may replace the block.
	To any

	// Default is the value that Init sets, in the format of a flag. If it is "", the
	// variable keeps its value.
	Default string

	// Flag is the name of its flag, "" for none. A name that begins with a dash is
	// appended to the Flag of the block, and is none if the block has none; "-" is
	// the block's Flag itself.
	Flag string

	Env   string // environment variables, the first that is not empty counts; "!" before one inverts a bool
	Group string // heading of the flag in the help; "" in a block: that of the block
	Arg   string // placeholder for the value in the help, such as <path> or <text|json>; "": that of its Value
	Help  string // what it does, in sentences

	Sets       []string // keys that setting it sets, relative to its block; nil: Key
	Deprecated string   // what to write instead, Nothing, or ""; see moved
	Secret     bool     // it is never printed
	WhenSet    bool     // it is printed only if it is set, because setting the default has an effect

	Block []Setting  // the settings of a block
	Each  *BlockList // in place of Block, for a block that can be repeated
}

// moved reports whether s is an old name of another setting: Deprecated is then the
// new path of Key or, without a Key, the new name of Flag.
func (s Setting) moved() bool { return s.To == nil && s.Block == nil && s.Each == nil }

// sets returns the keys that setting s sets.
func (s Setting) sets() []string {
	if s.Sets == nil && s.Key != "" {
		return []string{s.Key}
	}
	return s.Sets
}

// Nothing is the Deprecated of a setting that has no effect any more.
const Nothing = "nothing in its place: it has no effect any more"

// A BlockList is a block that can be repeated.
type BlockList struct {
	// Labelled reports whether the block has one label, its name.
	Labelled bool

	// Beside has the settings of the block of the same Key without a label, where
	// there may be that, too. What is one of its keys is no label.
	Beside []Setting

	// Short is the key of a setting whose value may replace the whole block; "" for
	// none.
	Short string

	add func() Instance
	all func() []Instance
}

// An Instance is one block of a BlockList.
type Instance struct {
	Label    *string // holds its label, nil if it has none
	Settings []Setting
	Origins  *Origins
	Prefix   string // of the keys in Origins
}

// Each returns a BlockList whose instances are the elements of a list. instance
// returns the settings of one.
func Each[T any](list *[]*T, instance func(*T) Instance) *BlockList {
	return &BlockList{
		add: func() Instance {
			_, made := add(list, instance)
			return made
		},
		all: func() (all []Instance) {
			for _, one := range *list {
				all = append(all, instance(one))
			}
			return all
		},
	}
}

// Add adds an instance with every setting at its default.
func Add[T any](list *[]*T, instance func(*T) Instance) *T {
	added, _ := add(list, instance)
	return added
}

// add is Add. It also returns the instance's settings, of which to make others takes time.
func add[T any](list *[]*T, instance func(*T) Instance) (*T, Instance) {
	added := new(T)
	*list = append(*list, added)
	made := instance(added)
	Init(made.Settings)
	return added, made
}

// In sets the Group of settings and returns them.
func In(group string, settings ...Setting) []Setting {
	for i := range settings {
		settings[i].Group = group
	}
	return settings
}

// All returns the settings that have a value, including those in blocks but not in
// BlockLists. Each has its whole key and flag, and its group.
func All(settings []Setting) iter.Seq[Setting] {
	return func(yield func(Setting) bool) { each(Setting{}, settings, yield) }
}

// each yields the settings of a block, and reports whether to go on.
func each(block Setting, settings []Setting, yield func(Setting) bool) bool {
	prefix := ""
	if block.Key != "" {
		prefix = block.Key + "."
	}
	for _, s := range settings {
		s.Sets = s.sets()
		if prefix != "" {
			s.Sets = slices.Clone(s.Sets)
			for i := range s.Sets {
				s.Sets[i] = prefix + s.Sets[i]
			}
			if s.Key != "" {
				s.Key = prefix + s.Key
			}
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

// Show formats the value as in a file. It is "" where no file can set it.
func (s Setting) Show() string { return s.value().Show() }

// Init sets every setting to its default. It panics if a default is invalid.
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
