package config

import (
	"errors"
	"runtime"
	"strings"
)

// templates adds up the arguments of -template.
type templates struct {
	flagOnly
	to *[]Template
}

func (t templates) placeholder() string { return "<source[:destination[:command]]>" }

func (t templates) fromText(s string) error {
	words, err := splitTemplate(s, runtime.GOOS == "windows")
	if err != nil {
		return err
	}
	added := newTemplate(Origin{Flag: "-template " + s})
	set := func(key string) { added.origins[key] = added.At }
	added.Source = words[0]
	set("source")
	if len(words) > 1 {
		added.Destination = words[1]
		set("destination")
	}
	if len(words) > 2 {
		added.Command = words[2:]
		set("command")
	}
	*t.to = append(*t.to, *added)
	return nil
}

// splitTemplate cuts the argument of -template into source, destination and
// command (COMPAT 1.5). Colons in a row count as one, those at the ends for
// nothing, and later ones belong to the command.
//
// On Windows a letter and a colon before a path are its drive. consul-template
// sees drives everywhere (COMPAT Q38); elsewhere "a:out.txt" is a source and a
// destination here.
func splitTemplate(s string, windows bool) ([]string, error) {
	words := strings.FieldsFunc(s, func(r rune) bool { return r == ':' })
	if windows {
		words = joinDrives(s)
	}
	if strings.TrimSpace(s) == "" || len(words) == 0 {
		return nil, errors.New("template: cannot be empty")
	}
	if len(words) > 3 {
		words = append(words[:2], strings.Join(words[2:], ":"))
	}
	return words, nil
}

// joinDrives cuts at colons, but for those of drives.
func joinDrives(s string) []string {
	var words []string
	for s = strings.TrimLeft(s, ":"); s != ""; s = strings.TrimLeft(s, ":") {
		from := 0
		if len(s) > 2 && s[1] == ':' && s[2] != ':' && isLetter(rune(s[0])) && s[0] != '_' {
			from = 2
		}
		end := len(s)
		if i := strings.IndexByte(s[from:], ':'); i >= 0 {
			end = from + i
		}
		words = append(words, s[:end])
		s = s[end:]
	}
	return words
}
