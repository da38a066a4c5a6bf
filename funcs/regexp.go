package funcs

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
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
	r, err := e.compile(re, s)
	if err != nil {
		return false, err
	}
	return r.MatchString(s), nil
}

// regexReplaceAll replaces each match of re in s by repl, where $1 and ${name}
// stand for what the groups have matched.
func (e *Env) regexReplaceAll(re, repl, s string) (string, error) {
	r, err := e.compile(re, s)
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

// maxSteps bounds what a match may take, in instructions of the expression times
// bytes of the text: a minute or so at worst, and far less nearly always. It
// cannot be broken off.
const maxSteps = 1 << 31

var errTooComplex = errors.New("the expression is too complex")

// A matcher is a compiled expression.
type matcher struct {
	*regexp.Regexp
	size int // in instructions
}

// compile returns the compiled re, from the last executions where possible, to
// be used on s.
func (e *Env) compile(re, s string) (*regexp.Regexp, error) {
	m, ok := e.kept.regexps[re]
	if !ok {
		var err error
		if m, err = newMatcher(re); err != nil {
			return nil, err
		}
		e.keepRegexp(re, m)
	}
	if m.size > maxSteps/(len(s)+1) {
		return nil, fmt.Errorf("%w for a text of %d bytes", errTooComplex, len(s))
	}
	return m.Regexp, nil
}

func newMatcher(re string) (matcher, error) {
	r, err := regexp.Compile(re)
	if err != nil {
		return matcher{}, err
	}
	parsed, err := syntax.Parse(re, syntax.Perl)
	if err != nil {
		return matcher{}, err
	}
	program, err := syntax.Compile(parsed.Simplify())
	if err != nil {
		return matcher{}, err
	}
	return matcher{r, len(program.Inst)}, nil
}

func (e *Env) keepRegexp(re string, m matcher) {
	if e.kept.regexps == nil {
		e.kept.regexps = make(map[string]matcher)
	}
	if len(e.kept.regexps) >= maxRegexps {
		e.dropRegexp()
	}
	e.kept.regexps[re] = m
}

// dropRegexp forgets any one expression.
func (e *Env) dropRegexp() {
	for re := range e.kept.regexps {
		delete(e.kept.regexps, re)
		return
	}
}
