package config

import (
	"fmt"
	"io"
	"strings"
)

// helpWidth is how wide the text of -help is.
const helpWidth = 78

// WriteHelp writes the flags, grouped by subject.
func WriteHelp(w io.Writer) error {
	var b strings.Builder
	b.WriteString("Usage: restencil [flags]\n       restencil history|rollback|accept [flags] [BUNDLE …]\n\nKeeps files in step with live data: renders templates, puts the files in\nplace and runs commands, again and again as the data changes.\n")
	group := ""
	for _, s := range inHelpOrder(newConfig(nil).settings()) {
		if s.group != group {
			group = s.group
			fmt.Fprintf(&b, "\n%s:\n", group)
		}
		b.WriteString("\n" + s.helpText())
	}
	b.WriteString("\nDurations are written like 250ms, 30s or 1h30m. What a flag says wins over\nfiles, and files over environment variables.\n")
	_, err := io.WriteString(w, b.String())
	return err
}

// inHelpOrder returns the settings that have a flag, group by group in the
// order in which the groups first come.
func inHelpOrder(settings []setting) []setting {
	var order []string
	groups := make(map[string][]setting)
	for _, s := range settings {
		if s.flag == "" {
			continue
		}
		if groups[s.group] == nil {
			order = append(order, s.group)
		}
		groups[s.group] = append(groups[s.group], s)
	}
	var sorted []setting
	for _, group := range order {
		sorted = append(sorted, groups[group]...)
	}
	return sorted
}

// helpText returns a flag with its value, what it does, its default and its
// environment variables.
func (s setting) helpText() string {
	names := make([]string, 0, 2)
	for _, name := range s.flags() {
		names = append(names, "-"+name)
	}
	head := "  " + strings.Join(names, ", ")
	if p := either(s.arg, s.value.placeholder()); p != "" {
		head += " " + p
	}
	return head + "\n" + indent(s.help+s.helpNotes(), "      ")
}

func (s setting) helpNotes() string {
	var notes []string
	if d := s.value.defaultText(); d != "" {
		notes = append(notes, "default "+d)
	}
	if s.env != "" {
		notes = append(notes, "environment "+strings.Join(strings.Fields(strings.ReplaceAll(s.env, "!", "")), ", "))
	}
	if notes == nil {
		return ""
	}
	return " (" + strings.Join(notes, "; ") + ")"
}

// indent breaks a text into lines of at most helpWidth.
func indent(text, prefix string) string {
	var b strings.Builder
	line := prefix
	for _, word := range strings.Fields(text) {
		if len(line)+1+len(word) > helpWidth && line != prefix {
			b.WriteString(line + "\n")
			line = prefix
		}
		if line != prefix {
			line += " "
		}
		line += word
	}
	return b.String() + line + "\n"
}
