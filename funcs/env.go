// Package funcs holds every function that a template can call: the pure ones
// in a file by subject, those that ask a store in a file by store.
//
// The functions of one template are made once, by [Map], around an [Env] of
// that template; executing it again makes nothing anew. They do no I/O of
// their own but for what their purpose is (env reads the environment, plugin
// runs a program): what they ask of a store goes through Env.Ask, and what
// they would change in the world goes through Env.Effects.
package funcs

import (
	"context"
	"text/template"
	"time"

	"golang.org/x/text/cases"

	"restencil/watch"
)

// An Env is what the functions of one template stand on. The template owns it
// and executes one at a time, so the functions need no lock. Fields are set
// before Map, but for those that say otherwise.
type Env struct {
	// Ask gives the answers of the stores. Required.
	Ask Asker

	// LookupEnv reads an environment variable: the overlay of COMPAT 4.6.2
	// first, then the process's. Required.
	LookupEnv func(name string) (value string, ok bool)

	// Now is the clock of timestamp. Required.
	Now func() time.Time

	// Template is the template itself, for executeTemplate. Bind sets it after
	// parsing, which needs the functions.
	Template *template.Template

	// Scratch is the scratchpad of the execution under way; a new one is
	// set before each execution.
	Scratch *Scratch

	// Keepers are the files that keep the certificate that pkiCert gets: none
	// where nothing keeps it.
	Keepers []string

	// Denylist holds patterns of functions that may not be called, with *
	// for any run of characters (COMPAT 3.13).
	Denylist []string

	// Sandbox is the directory that file may read from; "" for no limit.
	Sandbox string

	// Effects takes what functions would change outside of the output.
	// Required.
	Effects Effects

	// Context ends what a function waits for (plugin). Like Scratch it may be
	// set before each execution; nil never ends.
	Context context.Context

	kept kept
}

// kept is what the pure functions keep between calls and executions.
type kept struct {
	regexps map[string]matcher
	titler  *cases.Caser
	loops   []*counter // of the execution under way
	depth   depth      // of the execution under way
}

// An Asker answers the functions' queries and takes note of them. It belongs
// to one execution of a template.
type Asker interface {
	// Ask notes that the template uses q, and returns its answer; known is
	// false where there is none yet, and then the template counts as
	// incomplete. The error says that the query's store is not configured.
	Ask(q watch.Query) (answer watch.Answer, known bool, err error)

	// Incomplete notes that the present answer of q will not do (as for a
	// key that does not exist), so that the output must not be used.
	Incomplete(q watch.Query)
}

// Effects are the doings of functions that outlive an execution. An execution
// whose output is not used leaves no effect.
type Effects interface {
	// Print gives text to the program's standard output (spew_dump).
	Print(text string)

	// WriteFile asks for a file once the execution is complete (writeToFile).
	WriteFile(File)

	// Once returns what run returned the first time that it was called with
	// this key, since the template was last rendered (plugin).
	Once(key string, run func() (string, error)) (string, error)
}

// A File is what writeToFile asks for (COMPAT 3.10).
type File struct {
	Path        string
	User, Group string // names or decimal ids; "" for the program's own
	Perms       uint32
	Append      bool // add to the file; otherwise replace it
	Content     string
}
