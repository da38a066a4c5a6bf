// Package lazyregexp compiles regular expressions when they are first used. Most are
// for what goes wrong, or for other subcommands: compiled at each start, they would
// take a millisecond, and memory for ever.
package lazyregexp

import (
	"regexp"
	"sync"
)

// New returns what gives a regular expression, which is a constant: one that does not
// compile is a panic at its first use.
func New(expr string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(expr) })
}
