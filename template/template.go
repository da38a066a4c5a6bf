// Package template parses templates and executes them against known answers.
//
// It does no I/O. The [Result] of an execution has the queries that it made. If some
// have no answer yet, the result is incomplete: the owner watches them and executes
// the template again. A [Graph] records which templates use which queries.
//
// The language is consul-template's (COMPAT section 3): text/template with the
// functions of package funcs.
package template

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	tmpltext "text/template"
	"time"

	"restencil/funcs"
	"restencil/watch"
)

// A Host connects templates to this process. The zero value uses the process's
// environment, and all stores.
type Host struct {
	LookupEnv func(name string) (string, bool) // nil means os.LookupEnv
	Serves    func(watch.Store) bool           // reports whether a store is configured; nil means all are
	Clusters  func(watch.Store) []string       // returns the names of a system's clusters; nil means that there are none
	Warn      func(error)                      // if not nil, receives a use of a deprecated function
}

// Answers returns the answer to a query, nil if there is none yet. An execution calls
// it once for each query.
type Answers func(watch.ID) *watch.Answer

// A Template is a parsed template with its functions. Its methods must not be called
// concurrently; different templates are independent.
type Template struct {
	options Options
	host    Host
	text    *tmpltext.Template
	env     *funcs.Env
	outputs map[string]output // of plugins since the last complete execution

	elements *[]any // of the last execution, with ForEach

	// Of the last execution: the next one probably needs as much space.
	size int // bytes of output
	used []watch.ID
}

const defaultMaxOutput = 256 << 20 // bytes: only a mistake makes more

// A Result is the result of an execution. It is immutable.
type Result struct {
	Content []byte       // the output; invalid unless Complete
	Files   []funcs.File // requested by writeToFile, in order
	Sum     Sum          // of Content and Files; zero unless Complete
	Printed string       // by the spew functions

	// Used are the queries that were made, each once, in order of first use; after
	// an error, those made before it.
	Used []watch.ID

	// Missing are the queries of Used that have no answer yet, or an insufficient
	// one (a key that does not exist), each once.
	Missing []watch.ID

	// Gone are the queries of Used whose last value was used, which does not exist
	// any more. A process that starts now would miss them.
	Gone []watch.ID

	// Partial says of an answer to Used why it may lack something, "" where none does.
	Partial string

	Secrets Secrets // the answers of Vault and Nomad to Used
	Secret  bool    // a secret was used
	Private bool    // more than a certificate without its key was used

	// Elements are those of Options.ForEach; their destinations are the Content.
	Elements []Element

	// Instances is the number of instances of each service in Used: the smallest of
	// its queries, those with a tag only if there are no others.
	Instances map[string]int
}

// Complete reports whether nothing is missing, so that Content may be used.
func (r Result) Complete() bool { return len(r.Missing) == 0 }

// A Sum identifies what a result puts on disk.
type Sum struct {
	Content [sha256.Size]byte
	Files   [sha256.Size]byte // zero if there are none
}

// NewSum returns the Sum of a text and files.
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

// Parse parses a template. An error in its text is an *Error.
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
	if h.Clusters == nil {
		h.Clusters = func(watch.Store) []string { return nil }
	}
	env.Vaults = func() bool { return len(h.Clusters(watch.Vault)) > 0 }
	missing := "missingkey=zero"
	if o.ErrorOnMissingKey {
		missing = "missingkey=error"
	}
	source := o.Text
	var elements *[]any
	if o.ForEach != "" {
		source = forEachText(o)
	}
	functions := funcs.MapFor(env, source)
	if o.ForEach != "" {
		elements = new([]any)
		functions[forEachFunction] = func(list any) (_ []any, err error) {
			*elements, err = elementsOf(list)
			return *elements, err
		}
	}
	parse := func() (*tmpltext.Template, error) {
		return tmpltext.New("").Delims(o.LeftDelim, o.RightDelim).Option(missing).Funcs(functions).Parse(source)
	}
	text, err := parse()
	for err != nil {
		e := parseError(o, err)
		old, ok := errors.AsType[deprecatedError](e)
		if !ok {
			return nil, e
		}
		functions[old.name] = funcs.Map(env)[old.now]
		if h.Warn != nil {
			h.Warn(e)
		}
		text, err = parse()
	}
	var last string
	for _, form := range OldForms(source) {
		if h.Warn != nil && form.Old != last {
			h.Warn(fmt.Errorf("%s:%d: %s is deprecated: write %s", o.Name, 1+strings.Count(source[:form.Offset], "\n"), form.Old, form.Now))
		}
		last = form.Old
	}
	env.Template = text
	return &Template{options: o, host: h, text: text, env: env, elements: elements, outputs: make(map[string]output)}, nil
}

// Execute executes the template. The error is an *Error; the result then has Used and
// Missing, for the error may be due to what is missing. After too many queries, only
// those with an answer are in Used. Execute returns when ctx ends, as soon as the
// template writes, or waits in loop or plugin.
func (t *Template) Execute(ctx context.Context, answers Answers) (Result, error) {
	x := newExecution(t, answers)
	content, err := t.run(ctx, x)
	r := x.finish(content)
	if errors.Is(err, errTooManyQueries) {
		// Answers would not help.
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
		if t.elements != nil {
			if r.Elements, err = pair(*t.elements, r); err != nil {
				return r, &Error{Position: Position{Name: t.options.Name}, Err: err}
			}
		}
		r.Sum = NewSum(r.Content, r.Files)
		clear(t.outputs)
	}
	return r, nil
}

// run executes the template within its limits. A panic is an error.
func (t *Template) run(ctx context.Context, x *execution) (output []byte, err error) {
	t.env.Begin(ctx, x)
	defer func() {
		t.env.Finish()
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	w := funcs.NewOutput(t.env.Err, t.options.MaxOutput, t.size+t.size/8)
	err = t.text.Execute(w, t.options.Dot)
	if err == nil {
		err = t.env.Err() // the output may be truncated
	}
	return w.Bytes(), err
}

// Locate returns where the template first makes the query q, by executing it without
// effects up to that point. ok is false if it does not make q.
func (t *Template) Locate(ctx context.Context, answers Answers, q watch.ID) (at Position, ok bool) {
	x := newExecution(t, answers)
	x.locate = q
	_, err := t.run(ctx, x)
	if !errors.Is(err, errLocated) {
		return Position{}, false
	}
	return execError(t.options.Name, err).Position, true
}

// Options configure a template. They are plain values.
type Options struct {
	Name string // in errors and logs: the source file, or whose contents it is in the configuration
	Text string // the template itself
	Dot  any    // what the dot is at first; it must not change

	// DotSecrets are the secrets that Dot was made of. An execution uses them.
	DotSecrets Secrets

	// ForEach is a pipeline such as `ls "sites"`. Where it is set, Text is executed for
	// each element of its value, and Result.Elements has what came of it.
	ForEach string

	LeftDelim, RightDelim string // of actions; "" means {{ and }}

	// ErrorOnMissingKey makes a missing key of a map an error; otherwise it prints
	// as <no value>.
	ErrorOnMissingKey bool

	FunctionDenylist []string // patterns of functions that may not be called; * is any run of characters
	SandboxPath      string   // directory that the function file may read from; "" for no limit

	// CertFiles are the files that keep the certificate of the function pkiCert over
	// a restart. Templates with the same CertFiles share a certificate.
	CertFiles []string

	// Clusters has the cluster that is asked where a call names none; "": the one
	// without a name.
	Clusters Clusters

	MaxOutput int           // bytes; 0 means 256 MiB
	MaxTime   time.Duration // of an execution; 0 means a minute
}
