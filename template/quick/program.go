package quick

import (
	"errors"
	"io"
	"reflect"
	"text/template"
)

// A Program is a compiled template. It must not be run concurrently.
type Program struct {
	main  *part
	vars  []reflect.Value // of main
	state state           // of the run under way
}

// A part is one of the templates that are defined together.
type part struct {
	body  block
	slots int // how many variables it has; the first is $
}

// ErrGaveUp says that a program cannot run to its end, and text/template must
// execute the template instead. What was written is void; what functions have
// done is done.
var ErrGaveUp = errors.New("the compiled template gave up")

// A Writer takes the output. Each text and each value is one write.
type Writer interface {
	io.Writer
	io.StringWriter
}

// Compile makes a program of a parsed template and all that are defined with
// it. Functions are those that it was parsed with, and any that were added
// since; strict is the option missingkey=error, where it would have
// missingkey=zero otherwise. Compile returns nil where a template has something
// that programs do not know. The program stands on its own: t and functions may
// change.
func Compile(t *template.Template, functions template.FuncMap, strict bool) *Program {
	c := &compiler{functions: functions, strict: strict, parts: make(map[string]*part)}
	for _, t := range t.Templates() {
		if t.Tree != nil && t.Root != nil {
			c.parts[t.Name()] = new(part)
		}
	}
	for _, t := range t.Templates() {
		if p := c.parts[t.Name()]; p != nil {
			c.part(p, t.Root)
		}
	}
	main := c.parts[t.Name()]
	if main == nil || c.unknown {
		return nil
	}
	return &Program{main: main, vars: make([]reflect.Value, main.slots)}
}

// Run executes the program on no data, and writes the output to w. The error is
// ErrGaveUp, or w's own.
func (p *Program) Run(w Writer) (err error) {
	defer func() {
		clear(p.vars) // they may be large
		p.state = state{digits: p.state.digits}
		switch failure := recover().(type) {
		case nil:
		case writeError:
			err = failure.err
		default:
			err = ErrGaveUp
		}
	}()
	p.state.w, p.state.vars = w, p.vars
	p.main.body.run(&p.state)
	return nil
}

// A state is how far a run has come.
type state struct {
	w      Writer
	dot    reflect.Value
	vars   []reflect.Value // of the part under way, by slot
	depth  int             // of parts that called one another
	digits []byte          // room to write a number into
}

// A writeError ends a run where the writer wants no more.
type writeError struct{ err error }

// giveUp ends a run that text/template has to do.
func giveUp() { panic(ErrGaveUp) }

func (s *state) write(p []byte) {
	if _, err := s.w.Write(p); err != nil {
		panic(writeError{err})
	}
}

func (s *state) writeString(text string) {
	if _, err := s.w.WriteString(text); err != nil {
		panic(writeError{err})
	}
}
