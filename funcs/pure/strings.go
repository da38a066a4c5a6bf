package pure

import (
	"errors"
	"regexp"
	"strings"
	"text/template"

	"golang.org/x/text/cases"
	"golang.org/x/text/language"
)

// stringFuncs returns the functions that cut, join and change text, and those
// of regular expressions, which are RE2's (COMPAT 3.9). The text is the last
// argument, so that it can be piped in.
func stringFuncs() template.FuncMap {
	return template.FuncMap{
		"indent":          indent,
		"join":            func(sep string, list []string) string { return strings.Join(list, sep) },
		"regexMatch":      regexp.MatchString,
		"regexReplaceAll": regexReplaceAll,
		"replaceAll":      func(from, to, s string) string { return strings.ReplaceAll(s, from, to) },
		"split":           split,
		"splitToMap":      splitToMap,
		"toLower":         strings.ToLower,
		"toTitle":         toTitle,
		"toUpper":         strings.ToUpper,
		"trim":            func(cutset, s string) string { return strings.Trim(s, cutset) },
		"trimPrefix":      func(prefix, s string) string { return strings.TrimPrefix(s, prefix) },
		"trimSpace":       strings.TrimSpace,
		"trimSuffix":      func(suffix, s string) string { return strings.TrimSuffix(s, suffix) },
	}
}

// indent puts so many spaces before each line that is not empty.
func indent(spaces int, s string) (string, error) {
	if spaces < 0 {
		return "", errors.New("indent value must be a positive integer")
	}
	pad := strings.Repeat(" ", spaces)
	var b strings.Builder
	for line := range strings.Lines(s) {
		if line != "\n" {
			b.WriteString(pad)
		}
		b.WriteString(line)
	}
	return b.String(), nil
}

// regexReplaceAll replaces each match of re in s by repl, where $1 and ${name}
// stand for what the groups have matched.
func regexReplaceAll(re, repl, s string) (string, error) {
	r, err := regexp.Compile(re)
	if err != nil {
		return "", err
	}
	return r.ReplaceAllString(s, repl), nil
}

// split cuts s, without the blanks around it, at each sep; an empty sep cuts
// between characters. Nothing is left of blank text.
func split(sep, s string) []string {
	s = strings.TrimSpace(s)
	if s == "" {
		return []string{}
	}
	return strings.Split(s, sep)
}

// splitToMap cuts s, without the blanks around it, at each itemSep, and each
// item at its first keySep into a key and a value. Items that have no keySep
// are left out; of several with one key the last stays.
func splitToMap(itemSep, keySep, s string) map[string]string {
	m := make(map[string]string)
	for _, item := range split(itemSep, s) {
		if key, value, ok := strings.Cut(item, keySep); ok {
			m[key] = value
		}
	}
	return m
}

// toTitle gives each word a capital first letter and leaves the others alone.
func toTitle(s string) string { return cases.Title(language.Und, cases.NoLower).String(s) }
