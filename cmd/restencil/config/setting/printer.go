package setting

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/mitchellh/go-wordwrap"

	"restencil/cmd/restencil/config/hcl1"
)

// Print formats settings as a file, each with the place where it was written, and
// secrets masked.
func Print(settings []Setting, origins *Origins) string {
	p := &printer{}
	p.block("", settings, origins)
	return p.String()
}

// A printer writes nested blocks.
type printer struct {
	strings.Builder
	depth int
}

func (p *printer) line(text string) {
	if text != "" {
		text = strings.Repeat("  ", p.depth) + text
	}
	p.WriteString(text + "\n")
}

// block writes the settings of a block, then its inner blocks, and last the repeated
// ones.
func (p *printer) block(key string, settings []Setting, origins *Origins) {
	for _, s := range settings {
		isSet := origins.IsSet(key + s.Key)
		if s.To == nil || s.Key == "" || s.Sets != nil || s.Deprecated != "" || s.WhenSet && !isSet {
			continue
		}
		text := s.value().masked()
		if text == "" {
			continue
		}
		if s.Secret && text != `""` {
			text = `"***"`
		}
		if isSet {
			text += " # " + origins.Origin(key+s.Key).String()
		}
		p.line(s.Key + " = " + text)
	}
	for _, s := range settings {
		if s.Block == nil || s.WhenSet && !origins.IsSet(key+s.Key) {
			continue
		}
		p.nested(s.Key+" {", key+s.Key+".", s.Block, origins)
	}
	for _, s := range settings {
		if s.Each == nil {
			continue
		}
		for _, i := range s.Each.all() {
			head := s.Key
			if i.Label != nil {
				head += " " + hcl1.Quote(*i.Label)
			}
			p.nested(head+" { # "+i.Origins.At.String(), i.Prefix, i.Settings, i.Origins)
		}
	}
}

func (p *printer) nested(head, key string, settings []Setting, origins *Origins) {
	p.line("")
	p.line(head)
	p.depth++
	p.block(key, settings, origins)
	p.depth--
	p.line("}")
}

const helpWidth = 78 // in characters

// A Group is flags with a heading in common.
type Group struct {
	Name  string
	Flags []Flag
}

// A Flag is what is said of flags that do the same.
type Flag struct {
	Names []string // without the dash
	Arg   string   // placeholder for the value, "" for a switch
	Help  string   // with the default and the environment variables

	help string // as in Setting
}

// Choices returns the words that the value can be, nil where it is no word of a list.
func (f Flag) Choices() []string {
	if !strings.Contains(f.Arg, "|") {
		return nil
	}
	return strings.Split(strings.Trim(f.Arg, "<>"), "|")
}

// Groups returns the flags of settings by group, in the order of the first flag of each
// group. Flags of a group with the same Help are one Flag. The variables of settings
// must have their defaults.
func Groups(settings []Setting) []Group {
	var groups []Group
	for s := range All(settings) {
		if s.Flag == "" || s.Deprecated != "" {
			continue
		}
		i := slices.IndexFunc(groups, func(g Group) bool { return g.Name == s.Group })
		if i < 0 {
			i, groups = len(groups), append(groups, Group{Name: s.Group})
		}
		if same := slices.IndexFunc(groups[i].Flags, func(f Flag) bool { return f.help == s.Help }); same >= 0 {
			groups[i].Flags[same].Names = append(groups[i].Flags[same].Names, s.Flag)
			continue
		}
		groups[i].Flags = append(groups[i].Flags, Flag{
			Names: []string{s.Flag}, Arg: cmp.Or(s.Arg, s.value().Arg()), Help: s.described(), help: s.Help,
		})
	}
	return groups
}

// Help returns the help for the flags of settings: all of Groups.
func Help(settings []Setting) string {
	var b strings.Builder
	for _, g := range Groups(settings) {
		fmt.Fprintf(&b, "\n%s:\n", g.Name)
		for _, f := range g.Flags {
			b.WriteString("\n" + f.text())
		}
	}
	return b.String()
}

func (f Flag) text() string {
	head := "  -" + strings.Join(f.Names, ", -")
	if f.Arg != "" {
		head += " " + f.Arg
	}
	if len(head) > helpWidth {
		head = strings.ReplaceAll(head, ", ", ",\n  ")
	}
	const indent = "      "
	text := wordwrap.WrapString(f.Help, uint(helpWidth-len(indent)))
	return head + "\n" + indent + strings.ReplaceAll(text, "\n", "\n"+indent) + "\n"
}

// described returns the Help of s with the default and the environment variables.
func (s Setting) described() string {
	var notes []string
	switch d := strings.Trim(s.Show(), `"`); d {
	case "", "0", "0s", "false", "[]":
	default:
		notes = append(notes, "default "+d)
	}
	if s.Env != "" {
		notes = append(notes, "environment "+strings.Join(strings.Fields(strings.ReplaceAll(s.Env, "!", "")), ", "))
	}
	text := s.Help
	if notes != nil {
		text += " (" + strings.Join(notes, "; ") + ")"
	}
	return text
}

// Described returns the Help of every key that files can set, with default and
// environment variables, in the order of the settings: keys of blocks with the names of
// the blocks before them.
func Described(settings []Setting) (keys []Flag) {
	for s := range All(settings) {
		if s.Key != "" && s.Deprecated == "" {
			keys = append(keys, Flag{Names: []string{s.Key}, Arg: cmp.Or(s.Arg, s.value().Arg(), "<bool>"), Help: s.described()})
		}
	}
	for _, s := range settings {
		if s.Each == nil || s.Each.Beside != nil {
			continue
		}
		for _, k := range Described(s.Each.add().Settings) {
			keys = append(keys, Flag{Names: []string{s.Key + "." + k.Names[0]}, Arg: k.Arg, Help: k.Help})
		}
	}
	return keys
}
