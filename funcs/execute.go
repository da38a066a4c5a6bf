package funcs

import (
	"errors"
	"fmt"
	"strings"
	"text/template"
)

// executeFuncs returns the function that renders a part of the template
// (COMPAT 3.9).
func (e *Env) executeFuncs() template.FuncMap {
	return template.FuncMap{"executeTemplate": e.executeTemplate}
}

// Bind makes t, which has been parsed with the functions of Map, the template
// that e serves: executeTemplate finds its parts, and their nesting is limited,
// so that templates that call each other without end come to an error and not
// to the end of the process. It is called once.
func (e *Env) Bind(t *template.Template) {
	e.Template = t
	e.kept.limit = limitNesting(e, t)
}

// Finish ends what an execution has left behind, such as a loop that was
// broken off. It is called after each execution, failed ones too.
func (e *Env) Finish() {
	e.stopLoops()
	e.kept.depth = 0
}

// executeTemplate renders the template of that name, with the given dot or
// none, and returns the text.
func (e *Env) executeTemplate(name string, dot ...any) (string, error) {
	var data any
	switch len(dot) {
	case 0:
	case 1:
		data = dot[0]
	default:
		return "", fmt.Errorf("executeTemplate: wrong number of arguments, expected 1 or 2, but got %d", len(dot)+1)
	}
	weight := e.kept.limit.execution()
	if err := e.enter(weight); err != nil {
		return "", err
	}
	defer e.leave(weight)
	var b strings.Builder
	if err := e.Template.ExecuteTemplate(&b, name, data); err != nil {
		return "", shorten(err)
	}
	return b.String(), nil
}

// shorten spares an error of runaway recursion the account of every level.
func shorten(err error) error {
	var deep *nestingError
	if errors.As(err, &deep) {
		return deep
	}
	return err
}
