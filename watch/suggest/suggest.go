// Package suggest finds the known name nearest to a misspelled one.
package suggest

import (
	"strings"

	"github.com/agext/levenshtein"
)

// Nearest returns the first of the known names nearest to name, or "" if none is
// near. It ignores case; one of two parts around an underscore may be missing.
func Nearest(name string, known []string) string {
	name = strings.ToLower(name)
	best, least := "", (len(name)+1)/3+1
	for _, k := range known {
		if d := distance(name, strings.ToLower(k)); d < least && d < len(k) {
			best, least = k, d
		}
	}
	return best
}

func distance(name, known string) int {
	d := levenshtein.Distance(name, known, nil)
	if first, rest, joined := strings.Cut(known, "_"); joined {
		for _, part := range []string{first, rest} {
			d = min(d, levenshtein.Distance(name, part, nil)+1)
		}
	}
	return d
}
