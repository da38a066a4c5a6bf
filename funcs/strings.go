package funcs

import (
	"errors"
	"strings"
	"text/template"

	"golang.org/x/text/cases"
	"golang.org/x/text/language"
)

// stringFuncs returns the functions that cut, join and change text
// (COMPAT 3.9). The text is the last argument, so that it can be piped in.
func (e *Env) stringFuncs() template.FuncMap {
	return template.FuncMap{
		"indent":     indent,
		"join":       join,
		"replaceAll": replaceAll,
		"split":      split,
		"splitToMap": splitToMap,
		"toLower":    strings.ToLower,
		"toTitle":    e.toTitle,
		"toUpper":    strings.ToUpper,
		"trim":       trim,
		"trimPrefix": trimPrefix,
		"trimSpace":  strings.TrimSpace,
		"trimSuffix": trimSuffix,
	}
}

// indent puts so many spaces before each line that is not empty.
func indent(spaces int, s string) (string, error) {
	if spaces < 0 {
		return "", errors.New("indent value must be a positive integer")
	}
	if err := fitsIndented("indent", spaces, s); err != nil {
		return "", err
	}
	pad := strings.Repeat(" ", spaces)
	var b strings.Builder
	b.Grow(len(s) + spaces)
	for line := range strings.Lines(s) {
		if line != "\n" {
			b.WriteString(pad)
		}
		b.WriteString(line)
	}
	return b.String(), nil
}

// join puts the elements of a list together with sep between them.
func join(sep string, list []string) (string, error) {
	if err := fits("join", len(sep), len(list)); err != nil {
		return "", err
	}
	if err := writable("join", list); err != nil {
		return "", err
	}
	return strings.Join(list, sep), nil
}

// replaceAll replaces each from in s by to.
func replaceAll(from, to, s string) (string, error) {
	if err := fitsReplaced("replaceAll", from, to, s); err != nil {
		return "", err
	}
	return strings.ReplaceAll(s, from, to), nil
}

// split cuts s, without the blanks around it, at each sep; an empty sep cuts
// between characters. Nothing is left of blank text.
func split(sep, s string) ([]string, error) {
	s = strings.TrimSpace(s)
	if s == "" {
		return []string{}, nil
	}
	if err := fitsSplit("split", elementSize, sep, s); err != nil {
		return nil, err
	}
	return strings.Split(s, sep), nil
}

// splitToMap cuts s, without the blanks around it, at each itemSep, and each
// item at its first keySep into a key and a value. Items that have no keySep
// are left out; of several with one key the last stays.
func splitToMap(itemSep, keySep, s string) (map[string]string, error) {
	items, err := split(itemSep, s)
	if err != nil {
		return nil, err
	}
	m := make(map[string]string, len(items))
	for _, item := range items {
		if key, value, ok := strings.Cut(item, keySep); ok {
			m[key] = value
		}
	}
	return m, nil
}

// trim takes the characters of cutset off both ends of s.
func trim(cutset, s string) string { return strings.Trim(s, cutset) }

// trimPrefix takes prefix off the start of s, once.
func trimPrefix(prefix, s string) string { return strings.TrimPrefix(s, prefix) }

// trimSuffix takes suffix off the end of s, once.
func trimSuffix(suffix, s string) string { return strings.TrimSuffix(s, suffix) }

// toTitle gives each word a capital first letter and leaves the others alone.
func (e *Env) toTitle(s string) string {
	if e.kept.titler == nil {
		c := cases.Title(language.Und, cases.NoLower)
		e.kept.titler = &c
	}
	return e.kept.titler.String(s)
}
