// Package lazyregexp compiles regular expressions when they are first used. Most are
// for what goes wrong, or for other subcommands: compiled at each start, they would
// take a millisecond, and memory for ever.
package lazyregexp

import (
	"regexp"
	"sync"
)

// A Regexp is a regular expression that is compiled when it is first used. It may be
// used by several goroutines at a time.
type Regexp struct {
	expr     string
	once     sync.Once
	compiled *regexp.Regexp
}

// New returns a regular expression, which is a constant: one that does not compile is a
// panic at its first use. A variable with the result needs no code that runs at the
// program's start, and so no page of its package in memory then.
func New(expr string) *Regexp { return &Regexp{expr: expr} }

// Get returns the compiled expression.
func (r *Regexp) Get() *regexp.Regexp {
	r.once.Do(func() { r.compiled = regexp.MustCompile(r.expr) })
	return r.compiled
}
