package funcs

import (
	"errors"
	"regexp"
	"text/template"
)

// sprigRegexpFuncs returns sprig's functions of regular expressions, but for
// one thing the same: what they compile is kept. Those that return no error
// panic, with regexp's words, and the engine makes that an error.
func (e *Env) sprigRegexpFuncs() template.FuncMap {
	return template.FuncMap{
		"sprig_regexMatch":                 e.sprigRegexMatch,
		"sprig_mustRegexMatch":             e.regexMatch,
		"sprig_regexFind":                  e.sprigRegexFind,
		"sprig_mustRegexFind":              e.sprigMustRegexFind,
		"sprig_regexFindAll":               e.sprigRegexFindAll,
		"sprig_mustRegexFindAll":           e.sprigMustRegexFindAll,
		"sprig_regexReplaceAll":            e.sprigRegexReplaceAll,
		"sprig_mustRegexReplaceAll":        e.sprigMustRegexReplaceAll,
		"sprig_regexReplaceAllLiteral":     e.sprigRegexReplaceAllLiteral,
		"sprig_mustRegexReplaceAllLiteral": e.sprigMustRegexReplaceAllLiteral,
		"sprig_regexSplit":                 e.sprigRegexSplit,
		"sprig_mustRegexSplit":             e.sprigMustRegexSplit,
	}
}

// mustCompile is compile for those that return no error.
func (e *Env) mustCompile(re, s string) *regexp.Regexp {
	r, err := e.compile(re, s)
	if err != nil {
		regexp.MustCompile(re) // panics, with its own words, where re is invalid
		panic(err)
	}
	return r
}

// sprigRegexMatch tells whether re matches in s; an invalid one does not.
func (e *Env) sprigRegexMatch(re, s string) bool {
	match, err := e.regexMatch(re, s)
	if errors.Is(err, errTooComplex) {
		panic(err)
	}
	return match
}

// sprigRegexFind returns the first match.
func (e *Env) sprigRegexFind(re, s string) string { return e.mustCompile(re, s).FindString(s) }

func (e *Env) sprigMustRegexFind(re, s string) (string, error) {
	r, err := e.compile(re, s)
	if err != nil {
		return "", err
	}
	return r.FindString(s), nil
}

// sprigRegexFindAll returns the first n matches, all where n is negative.
func (e *Env) sprigRegexFindAll(re, s string, n int) []string {
	return e.mustCompile(re, s).FindAllString(s, n)
}

func (e *Env) sprigMustRegexFindAll(re, s string, n int) ([]string, error) {
	r, err := e.compile(re, s)
	if err != nil {
		return nil, err
	}
	return r.FindAllString(s, n), nil
}

// sprigRegexReplaceAll replaces each match by repl, where $1 and ${name} stand
// for what the groups have matched.
func (e *Env) sprigRegexReplaceAll(re, s, repl string) string {
	r := e.mustCompile(re, s)
	must(fitsExpanded("sprig_regexReplaceAll", r, repl, s))
	return r.ReplaceAllString(s, repl)
}

func (e *Env) sprigMustRegexReplaceAll(re, s, repl string) (string, error) {
	return e.regexReplaceAll(re, repl, s)
}

// sprigRegexReplaceAllLiteral replaces each match by repl as it stands.
func (e *Env) sprigRegexReplaceAllLiteral(re, s, repl string) string {
	r := e.mustCompile(re, s)
	must(fitsExpanded("sprig_regexReplaceAllLiteral", r, repl, s))
	return r.ReplaceAllLiteralString(s, repl)
}

func (e *Env) sprigMustRegexReplaceAllLiteral(re, s, repl string) (string, error) {
	r, err := e.compile(re, s)
	if err != nil {
		return "", err
	}
	if err := fitsExpanded("sprig_mustRegexReplaceAllLiteral", r, repl, s); err != nil {
		return "", err
	}
	return r.ReplaceAllLiteralString(s, repl), nil
}

// sprigRegexSplit cuts s at each match, into n pieces at most, or any number
// where n is negative.
func (e *Env) sprigRegexSplit(re, s string, n int) []string { return e.mustCompile(re, s).Split(s, n) }

func (e *Env) sprigMustRegexSplit(re, s string, n int) ([]string, error) {
	r, err := e.compile(re, s)
	if err != nil {
		return nil, err
	}
	return r.Split(s, n), nil
}
