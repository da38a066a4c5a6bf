package setting

import (
	"fmt"
	"slices"
	"strings"

	"restencil/cmd/restencil/config/hcl1"
)

// masked stands for a secret that is set.
const masked = `"***"`

// Print returns settings as a file would have them, each with the place where it
// was written, and secrets masked.
func Print(settings []Setting, written *Written) string {
	p := &printer{}
	p.block("", settings, written)
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

// block writes the settings right in a block, then the blocks in it, and last
// those that there may be several of.
func (p *printer) block(key string, settings []Setting, written *Written) {
	for _, s := range settings {
		isSet := written.IsSet(key + s.Key)
		if s.To == nil || s.Key == "" || s.Sets != nil || s.Deprecated != "" || s.WhenSet && !isSet {
			continue
		}
		text := s.Show()
		if text == "" {
			continue
		}
		if v, ok := s.value().(partlySecret); ok {
			text = v.printed()
		}
		if s.Secret && text != `""` {
			text = masked
		}
		if isSet {
			text += " # " + written.Origin(key+s.Key).String()
		}
		p.line(s.Key + " = " + text)
	}
	for _, s := range settings {
		if s.Block == nil || s.WhenSet && !written.IsSet(key+s.Key) {
			continue
		}
		p.nested(s.Key+" {", key+s.Key+".", s.Block, written)
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
			p.nested(head+" { # "+i.Written.At.String(), "", i.Settings, i.Written)
		}
	}
}

func (p *printer) nested(head, key string, settings []Setting, written *Written) {
	p.line("")
	p.line(head)
	p.depth++
	p.block(key, settings, written)
	p.depth--
	p.line("}")
}

const (
	helpWidth  = 78 // how wide the text of Help is at most
	helpIndent = "      "
)

// Help returns what the flags of settings do, which have their defaults, group by
// group in the order in which the groups first come. Flags of a group that do the
// same, as for several stores, stand together.
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
			alike := func(other Setting) bool { return other.Help == s.Help }
			if slices.ContainsFunc(groups[group][:i], alike) {
				continue
			}
			for _, other := range groups[group][i+1:] {
				if alike(other) {
					s.Alias = append(s.Alias, other.Flag)
				}
			}
			b.WriteString("\n" + s.help())
		}
	}
	return b.String()
}

// help returns a flag with its value, what it does, its default and its
// environment variables.
func (s Setting) help() string {
	head := "  -" + strings.Join(append([]string{s.Flag}, s.Alias...), ", -")
	if s.Arg == "" {
		s.Arg = s.value().Arg()
	}
	if s.Arg != "" {
		head += " " + s.Arg
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
	var b strings.Builder
	line := helpIndent
	for _, word := range strings.Fields(text) {
		if len(line)+1+len(word) > helpWidth && line != helpIndent {
			b.WriteString(line + "\n")
			line = helpIndent
		}
		if line != helpIndent {
			line += " "
		}
		line += word
	}
	return head + "\n" + b.String() + line + "\n"
}
