// Package suggest finds the name that somebody meant who misspelled it.
package suggest

import (
	"strings"

	"github.com/agext/levenshtein"
)

// Nearest returns the known name that is most like name, or "" where none is.
// Capitals do not count, and one part of a known name that an underscore
// joins may be left out. Of names that are equally near the first counts.
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
