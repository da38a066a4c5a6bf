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
			p.nested(head+" { # "+i.Origins.At.String(), "", i.Settings, i.Origins)
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

// Help returns the help for the flags of settings, by group, in the order of the
// first flag of each group. Flags of a group with the same Help are listed together.
// The variables of settings must have their defaults.
func Help(settings []Setting) string {
	var b strings.Builder
	var order []string
	groups := make(map[string][]Setting)
	for s := range All(settings) {
		if s.Flag == "" || s.Deprecated != "" {
			continue
		}
		if groups[s.Group] == nil {
			order = append(order, s.Group)
		}
		groups[s.Group] = append(groups[s.Group], s)
	}
	for _, group := range order {
		fmt.Fprintf(&b, "\n%s:\n", group)
		for i, s := range groups[group] {
			if first := slices.IndexFunc(groups[group], func(other Setting) bool { return other.Help == s.Help }); first < i {
				continue // listed already
			}
			for _, other := range groups[group][i+1:] {
				if other.Help == s.Help {
					s.Alias = append(s.Alias, other.Flag)
				}
			}
			b.WriteString("\n" + s.help())
		}
	}
	return b.String()
}

func (s Setting) help() string {
	head := "  -" + strings.Join(append([]string{s.Flag}, s.Alias...), ", -")
	if arg := cmp.Or(s.Arg, s.value().Arg()); arg != "" {
		head += " " + arg
	}
	if len(head) > helpWidth {
		head = strings.ReplaceAll(head, ", ", ",\n  ")
	}
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
	const indent = "      "
	text = wordwrap.WrapString(text, uint(helpWidth-len(indent)))
	return head + "\n" + indent + strings.ReplaceAll(text, "\n", "\n"+indent) + "\n"
}
