// Package suggest finds the known name nearest to a misspelled one.
package suggest

import (
	"fmt"
	"strings"

	"github.com/agext/levenshtein"
)

// Nearest returns the first of the known names nearest to name, or "" if none is
// near. It ignores case; one of two parts around an underscore may be missing.
func Nearest(name string, known []string) string {
	name = strings.ToLower(name)
	best, least := "", (len(name)+1)/3+1
	for _, k := range known {
		lower := strings.ToLower(k)
		d := levenshtein.Distance(name, lower, nil)
		if first, rest, joined := strings.Cut(lower, "_"); joined {
			d = min(d, levenshtein.Distance(name, first, nil)+1, levenshtein.Distance(name, rest, nil)+1)
		}
		if d < least && d < len(k) {
			best, least = k, d
		}
	}
	return best
}

// Hint returns a question with the known name nearest to name, or if none is near, all
// of them; "" if there are none.
func Hint(name string, known []string) string {
	if near := Nearest(name, known); near != "" {
		return "did you mean " + near + "?"
	}
	if len(known) > 0 {
		return "there are: " + strings.Join(known, ", ")
	}
	return ""
}

// Unknown returns the error that what, such as a command, has none of the known names.
func Unknown(what, name string, known []string) error {
	if near := Nearest(name, known); near != "" {
		return fmt.Errorf("unknown %s %q (did you mean %s?)", what, name, near)
	}
	return fmt.Errorf("unknown %s %q: there are %s", what, name, strings.Join(known, ", "))
}
