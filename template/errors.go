package template

import (
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	tmpltext "text/template"

	"restencil/funcs"
	"restencil/watch"
	"restencil/watch/lazyregexp"
)

// A Position is a position in a template.
type Position struct {
	Name   string // of the template, as in Options
	Line   int    // from 1, 0 if unknown
	Column int    // from 1, in bytes, 0 if unknown
	Expr   string // the expression there, perhaps truncated, "" if unknown
}

// String returns name:line:column, as far as known.
func (p Position) String() string {
	s := p.Name
	for _, n := range []int{p.Line, p.Column} {
		if n == 0 {
			break
		}
		s += ":" + strconv.Itoa(n)
	}
	return s
}

// An Error is an error at a position in a template.
type Error struct {
	Position
	Err error // the reason, which wraps the error of a function

	function string // that returned the error, or ""
}

// Error returns one line: the position, the expression, the reason.
func (e *Error) Error() string {
	if e.Expr == "" {
		return fmt.Sprintf("%s: %v", e.Position, e.Err)
	}
	return fmt.Sprintf("%s: in {{ %s }}: %v", e.Position, e.Expr, e.Err)
}

// Unwrap returns the reason.
func (e *Error) Unwrap() error { return e.Err }

// engineText matches the errors of text/template, which have the position and the
// expression only as text.
var engineText = lazyregexp.New(`(?s)^template: .*?:(\d+)(?::(\d+))?: (?:executing ".*?" at <(.*?)>: )?(.*)$`)

// A reason is an error with another text.
type reason struct {
	text  string
	cause error
}

func (r *reason) Error() string { return r.text }
func (r *reason) Unwrap() error { return r.cause }

// newError returns an *Error for an error of text/template.
func newError(name string, err error) *Error {
	e := &Error{Position: Position{Name: name}, Err: err}
	m := engineText.Get().FindStringSubmatch(err.Error())
	if m == nil {
		return e
	}
	e.Line, _ = strconv.Atoi(m[1])
	if m[2] != "" {
		e.Column, _ = strconv.Atoi(m[2])
		e.Column++ // text/template counts from 0
	}
	e.Expr = strings.TrimSuffix(strings.TrimPrefix(m[3], "{{"), "}}") // {{template "x"}} has its own
	e.Err = &reason{text: m[4], cause: err}
	return e
}

// execError returns an *Error for an error of an execution, with the position in the
// innermost template.
func execError(name string, err error) *Error {
	var outer tmpltext.ExecError
	for at := err; errors.As(at, &outer); at = outer.Err {
		err = outer
	}
	e := newError(name, err)
	if r, ok := errors.AsType[*reason](e.Err); ok && e.Expr != "" {
		// "error calling key: " says what the expression says already.
		if rest, ok := strings.CutPrefix(r.text, "error calling "); ok {
			if name, why, ok := strings.Cut(rest, ": "); ok {
				r.text, e.function = why, name
			}
		}
		r.text = plain(r.text)
	}
	return e
}

// engineWords are errors of text/template and package runtime, and plainer ones.
var engineWords = []struct {
	engine *lazyregexp.Regexp
	plain  string
}{
	{lazyregexp.New(`^nil pointer evaluating .*\.(\w+)$`), "there is no value to take $1 from: test it first with {{ if }} or {{ with }}"},
	{lazyregexp.New(`^index of untyped nil$`), "there is no value to take an element from: test it first with {{ if }} or {{ with }}"},
	{lazyregexp.New(`^(?:reflect: slice )?index out of range.*$`), "the list has fewer elements"},
	{lazyregexp.New(`^runtime error: integer divide by zero$`), "division by zero"},
	{lazyregexp.New(`^template: (no template ".*") associated with template ".*"$`), "$1 is defined"},
	{lazyregexp.New(`^(template ".*") not defined$`), "no $1 is defined"},
	{lazyregexp.New(`^exceeded maximum template depth .*$`), "the template calls itself without end"},
	{lazyregexp.New(`^unexpected EOF$`), "an {{ if }}, {{ range }}, {{ with }} or {{ define }} has no {{ end }}"},
}

// plain returns a plainer text of an error of text/template.
func plain(text string) string {
	for _, w := range engineWords {
		if w.engine.Get().MatchString(text) {
			return w.engine.Get().ReplaceAllString(text, w.plain)
		}
	}
	return NoField(text)
}

var fieldless = lazyregexp.New(`^can't evaluate field (\w+) in type (\[\])?\*?(\S+)$`)

// NoField says in plain words that a value has no such field, and which one may be
// meant. Any other text it returns as it is.
func NoField(text string) string {
	m := fieldless.Get().FindStringSubmatch(text)
	if m == nil {
		return text
	}
	what, meant := "a value of type "+m[3], ""
	for _, v := range []struct {
		noun  string
		value any
	}{
		{"an instance of a service", watch.HealthService{}}, {"a service", watch.CatalogSnippet{}}, {"a node", watch.Node{}},
		{"the answer of node", watch.CatalogNode{}}, {"a service of a node", watch.CatalogNodeService{}}, {"a key with its value", watch.KeyPair{}},
		{"a secret", watch.Secret{}}, {"a certificate", watch.Certificate{}}, {"a leaf certificate", watch.LeafCert{}},
		{"a service of Nomad", watch.NomadServiceInstance{}}, {"a variable of Nomad", watch.NomadVarItem{}}, {"text", ""},
	} {
		t := reflect.TypeOf(v.value)
		if t.String() != m[3] {
			continue
		}
		what = v.noun
		var fields []string
		if t.Kind() == reflect.Struct {
			for _, f := range reflect.VisibleFields(t) {
				fields = append(fields, f.Name)
			}
		}
		if near := funcs.Nearest(m[1], fields...); fields != nil && near != "" {
			meant = fmt.Sprintf("; did you mean %q?", near)
		}
	}
	if m[2] != "" {
		what, meant = "a list", fmt.Sprintf("; go through it with range: each is %s", what)
	}
	return fmt.Sprintf("%s has no field %s%s", what, m[1], meant)
}

// nameQuery adds to a *funcs.ParseError which query of the execution has the value.
func (e *Error) nameQuery(x *execution) {
	wrong, ok := errors.AsType[*funcs.ParseError](e.Err)
	if !ok {
		return
	}
	for _, id := range x.result.Used {
		answer := x.asked[id].answer
		if answer == nil {
			continue
		}
		pairs, _ := answer.Last.([]*watch.KeyPair)
		if pair, _ := answer.Last.(*watch.KeyPair); pair != nil {
			pairs = []*watch.KeyPair{pair}
		}
		for _, pair := range pairs {
			if pair.Value == wrong.Value {
				noun := "key " + pair.Path
				if id.Value().Kind == watch.KVGet {
					noun = id.Value().Noun()
				}
				e.Err = fmt.Errorf("%w: the value of %s", e.Err, noun)
				return
			}
		}
	}
}

// A deprecatedError says that a template calls a function by its old name.
type deprecatedError struct{ name, now string }

func (e deprecatedError) Error() string {
	return fmt.Sprintf("the function %s is deprecated: write %s", e.name, e.now)
}

var undefined = lazyregexp.New(`^function "(.*)" not defined$`)

// parseError returns an *Error for an error of parsing.
func parseError(o Options, err error) *Error {
	e := newError(o.Name, err)
	m := undefined.Get().FindStringSubmatch(e.Err.Error())
	if m == nil {
		e.Err = &reason{text: plain(e.Err.Error()), cause: e.Err}
		return e
	}
	if lines := strings.Split(o.Text, "\n"); 0 < e.Line && e.Line <= len(lines) {
		e.Column = strings.Index(lines[e.Line-1], m[1]) + 1
	}
	if now := funcs.Renamed(m[1]); now != "" {
		e.Err = deprecatedError{m[1], now}
		return e
	}
	if near := funcs.Nearest(m[1]); near != "" {
		e.Err = fmt.Errorf("%w; did you mean %q?", e.Err, near)
	}
	return e
}
