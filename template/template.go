// Package template parses templates once and executes them against known
// answers.
//
// It does no I/O. An execution says what it asked for ([Result]): queries
// that have no answer yet make it incomplete, and whoever owns the template
// has them watched and executes it again, until nothing is missing. [Graph]
// keeps, for many templates, which uses which query, and so what is to be
// executed again when one answer changes and which queries nobody wants any
// more.
//
// The language is consul-template's (COMPAT section 3): text/template with
// the functions of package funcs.
package template

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"slices"
	tmpltext "text/template"
	"time"

	"restencil/funcs"
	"restencil/watch"
)

// A Host is what templates stand on in this process. Its zero value is ready:
// the process's environment, and every store served.
type Host struct {
	// LookupEnv is what env and its kin read; nil for os.LookupEnv.
	LookupEnv func(name string) (string, bool)

	// Serves tells whether a store is configured. Asking one that is not is
	// an error of the template. Nil serves all.
	Serves func(watch.Store) bool

	// Warn is told where a template calls a function by an old name. Nil: nobody
	// is.
	Warn func(error)
}

// Answers gives the answer to a query, nil where there is none yet. An execution
// asks for each once, so that it hears the same whatever comes in meanwhile.
type Answers func(watch.ID) *watch.Answer

// A Template is a parsed template with its functions bound. Its methods must
// not be called concurrently; different templates are independent.
type Template struct {
	options Options
	host    Host
	text    *tmpltext.Template
	env     *funcs.Env
	said    map[string]said // by plugins, since an output was complete

	// Of the last execution: the next one mostly needs as much room.
	size int // bytes of output
	used []watch.ID
}

// defaultMaxOutput bounds an output where Options do not: far beyond what any
// configuration file needs, so that only a mistake reaches it.
const defaultMaxOutput = 256 << 20

// A Result is what an execution came to. Nobody changes it.
type Result struct {
	// Content is the text. It is meaningless unless Complete.
	Content []byte

	// Files are what writeToFile asks for, in order.
	Files []funcs.File

	// Sum is that of Content and Files. It is zero unless Complete.
	Sum Sum

	// Printed is what the spew functions print.
	Printed string

	// Used are the queries that were asked, each once, in order of first use.
	// After an error they are those asked before it.
	Used []watch.ID

	// Missing are the used queries that have no answer yet, or one that will
	// not do (a key that does not exist), each once.
	Missing []watch.ID

	// Gone are the used queries whose last value was used, since what they ask for
	// does not exist any more. A process that starts now would miss them.
	Gone []watch.ID

	// Secrets are what Vault and Nomad answered to Used.
	Secrets Secrets

	// Secret tells that a secret was used, Private that it is more than a
	// certificate without its key.
	Secret, Private bool

	// Instances is how many instances there are of each service in Used. Of one
	// that was asked for in several ways, it is the least number, since those are
	// in some file; with a tag only where it was asked for with tags alone.
	Instances map[string]int
}

// Complete tells whether nothing was missing, so that Content may be used.
func (r Result) Complete() bool { return len(r.Missing) == 0 }

// A Sum tells results apart by what they put on disk.
type Sum struct {
	Content [sha256.Size]byte
	Files   [sha256.Size]byte // zero where there are none
}

// NewSum returns the Sum of a text and what writeToFile asks for.
func NewSum(content []byte, files []funcs.File) Sum {
	s := Sum{Content: sha256.Sum256(content)}
	if len(files) > 0 {
		h := sha256.New()
		for _, f := range files {
			fmt.Fprintf(h, "%q", fmt.Sprint(f))
		}
		h.Sum(s.Files[:0])
	}
	return s
}

// Parse makes a template ready. What is wrong with the text is an *Error.
func Parse(o Options, h Host) (*Template, error) {
	o.MaxOutput = cmp.Or(o.MaxOutput, defaultMaxOutput)
	if h.LookupEnv == nil {
		h.LookupEnv = os.LookupEnv
	}
	env := &funcs.Env{
		LookupEnv: h.LookupEnv,
		CertFiles: o.CertFiles,
		Denylist:  o.FunctionDenylist,
		Sandbox:   o.SandboxPath,
		MaxTime:   o.MaxTime,
	}
	missing := "missingkey=zero"
	if o.ErrorOnMissingKey {
		missing = "missingkey=error"
	}
	functions := funcs.MapFor(env, o.Text)
	parse := func() (*tmpltext.Template, error) {
		return tmpltext.New("").Delims(o.LeftDelim, o.RightDelim).Option(missing).Funcs(functions).Parse(o.Text)
	}
	text, err := parse()
	for err != nil {
		e := parseError(o, err)
		var old renamed
		if !errors.As(e, &old) {
			return nil, e
		}
		functions[old.name] = funcs.Map(env)[old.now]
		if h.Warn != nil {
			h.Warn(e)
		}
		text, err = parse()
	}
	env.Template = text
	return &Template{
		options: o,
		host:    h,
		text:    text,
		env:     env,
		said:    make(map[string]said),
	}, nil
}

// Execute runs the template against a snapshot. On an error, which is an
// *Error, the result still says what was used and what was missing: an error
// while something is missing may be due to just that. Where more is asked than an
// execution may, only what has an answer counts as used. The end of ctx ends it
// with an error, as soon as it writes, counts with loop or waits for a plugin.
func (t *Template) Execute(ctx context.Context, answers Answers) (Result, error) {
	x := newExecution(t, answers)
	content, err := t.run(ctx, x)
	r := x.finish(content)
	if errors.Is(err, errTooManyQueries) {
		// No answer helps, and so many are not watched.
		r.Used, r.Missing = slices.DeleteFunc(r.Used, func(id watch.ID) bool { return x.asked[id].answer == nil }), nil
	}
	if err != nil {
		e := execError(t.options.Name, err)
		e.nameQuery(x)
		t.redact(e, r.Secrets)
		return r, e
	}
	t.size, t.used = len(content), r.Used
	if r.Complete() {
		r.Sum = NewSum(r.Content, r.Files)
		clear(t.said)
	}
	return r, nil
}

// run executes the template within its limits. A panic of the engine or of a
// value's method is an error.
func (t *Template) run(ctx context.Context, x *execution) (output []byte, err error) {
	t.env.Begin(ctx, x)
	defer func() {
		t.env.Finish()
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	w := funcs.NewOutput(t.env.Err, t.options.MaxOutput, t.size+t.size/8)
	err = t.text.Execute(w, nil)
	if err == nil {
		err = t.env.Err() // it may have been cut short
	}
	return w.Bytes(), err
}

// Locate tells where the template first asks q: it executes once more, without
// effects, up to that point. ok is false where it does not ask q at all.
func (t *Template) Locate(ctx context.Context, answers Answers, q watch.ID) (at Position, ok bool) {
	x := newExecution(t, answers)
	x.locate = q
	_, err := t.run(ctx, x)
	if !errors.Is(err, errLocated) {
		return Position{}, false
	}
	return execError(t.options.Name, err).Position, true
}

// Options say what a template is. They are plain values.
type Options struct {
	// Name is how errors and logs call the template: its source file, or
	// "(dynamic)" for text that stands in the configuration.
	Name string

	// Text is the template itself.
	Text string

	// LeftDelim and RightDelim are the action delimiters, "" for {{ and }}.
	LeftDelim, RightDelim string

	// ErrorOnMissingKey makes looking up a key that a map does not have an
	// error; otherwise the result prints as <no value>.
	ErrorOnMissingKey bool

	// FunctionDenylist holds patterns of functions that may not be called,
	// with * for any run of characters.
	FunctionDenylist []string

	// SandboxPath is the directory that the function file may read from, ""
	// for no limit.
	SandboxPath string

	// CertFiles are the files in which a certificate of the function pkiCert is
	// kept, and found again after a restart. Templates that ask for the same
	// certificate with the same CertFiles share it. None: nothing keeps it.
	CertFiles []string

	// MaxOutput is how large the output may be, in bytes; 0 for 256 MiB.
	MaxOutput int

	// MaxTime is how long an execution may take; 0 for a minute.
	MaxTime time.Duration
}
