package funcs

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"text/template"
)

// executeFuncs returns the function that renders a part of the template
// (COMPAT 3.9).
func (e *Env) executeFuncs() template.FuncMap {
	return template.FuncMap{"executeTemplate": e.executeTemplate}
}

// Bind makes t, which has been parsed with the functions of Map, the template
// that e serves: executeTemplate finds its parts, and what could take more than
// there is of time, memory or stack is held in check. Templates that call each
// other without end, and values that are too large to print, come to an error,
// not to the end of the process; and all ranges write something on each round,
// be it nothing, so that a writer that fails ends them. It returns the functions
// that t has been given for that. It is called once.
func (e *Env) Bind(t *template.Template) template.FuncMap {
	e.Template = t
	added := e.limitNesting(t)
	limitRanges(t)
	maps.Copy(added, limitOutput(t))
	t.Funcs(added)
	return added
}

// Finish ends what an execution has left behind, such as a loop that was
// broken off. It is called after each execution, failed ones too.
func (e *Env) Finish() {
	e.stopLoops()
	e.kept.depth = depth{}
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
	if err := e.enter(executionDepth); err != nil {
		return "", err
	}
	defer e.leave(executionDepth)
	b := partText{ctx: e.context()}
	if err := e.Template.ExecuteTemplate(&b, name, data); err != nil {
		return "", shorten(err)
	}
	return b.text.String(), nil
}

// A partText takes what executeTemplate renders, within maxResult and until
// its context ends.
type partText struct {
	ctx  context.Context
	text strings.Builder
}

// Write implements io.Writer.
func (t *partText) Write(p []byte) (int, error) {
	if t.ctx.Err() != nil {
		return 0, context.Cause(t.ctx)
	}
	if err := fits("executeTemplate", 1, t.text.Len()+len(p)); err != nil {
		return 0, err
	}
	return t.text.Write(p)
}

// shorten spares an error the account of every level that it has come through:
// where it arose says all, and with each level it would grow.
func shorten(err error) error {
	var deep *nestingError
	if errors.As(err, &deep) {
		return deep
	}
	var inner template.ExecError
	for at := err; errors.As(at, &inner); at = inner.Err {
		err = inner
	}
	return err
}
