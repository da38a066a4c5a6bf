package funcs

import (
	"regexp"
	"strings"
	"text/template"
)

// regexpFuncs returns the functions of regular expressions, which are RE2's
// (COMPAT 3.9).
func (e *Env) regexpFuncs() template.FuncMap {
	return template.FuncMap{
		"regexMatch":      e.regexMatch,
		"regexReplaceAll": e.regexReplaceAll,
	}
}

// regexMatch tells whether re matches anywhere in s.
func (e *Env) regexMatch(re, s string) (bool, error) {
	r, err := e.compile(re)
	if err != nil {
		return false, err
	}
	return r.MatchString(s), nil
}

// regexReplaceAll replaces each match of re in s by repl, where $1 and ${name}
// stand for what the groups have matched.
func (e *Env) regexReplaceAll(re, repl, s string) (string, error) {
	r, err := e.compile(re)
	if err != nil {
		return "", err
	}
	if err := fitsExpanded("regexReplaceAll", r, repl, s); err != nil {
		return "", err
	}
	return r.ReplaceAllString(s, repl), nil
}

// fitsExpanded tells whether s fits with each match replaced by repl, where
// each $ may stand for all that has matched. It counts only where there might
// be too much.
func fitsExpanded(function string, r *regexp.Regexp, repl, s string) error {
	groups := strings.Count(repl, "$") + 1
	if fits(function, groups+len(repl), len(s)+1) == nil {
		return nil
	}
	matches := 0
	r.ReplaceAllStringFunc(s, func(string) string { matches++; return "" })
	if err := fits(function, len(repl), matches); err != nil {
		return err
	}
	return fits(function, groups, len(s))
}

// maxRegexps is how many expressions a template keeps compiled. More come only
// from templates that make expressions out of data.
const maxRegexps = 128

// compile returns the compiled re, from the last executions where possible.
func (e *Env) compile(re string) (*regexp.Regexp, error) {
	if r, ok := e.kept.regexps[re]; ok {
		return r, nil
	}
	r, err := regexp.Compile(re)
	if err != nil {
		return nil, err
	}
	if e.kept.regexps == nil {
		e.kept.regexps = make(map[string]*regexp.Regexp)
	}
	if len(e.kept.regexps) >= maxRegexps {
		e.dropRegexp()
	}
	e.kept.regexps[re] = r
	return r, nil
}

// dropRegexp forgets any one expression.
func (e *Env) dropRegexp() {
	for re := range e.kept.regexps {
		delete(e.kept.regexps, re)
		return
	}
}
