package funcs

import (
	"strings"

	"github.com/agext/levenshtein"
)

// Nearest returns the function whose name is most like that of one that does
// not exist, or "" where none is like it. What sprig has under that name, and
// what differs in capitals only, is as near as can be.
func Nearest(name string) string {
	best, least := "", max(1, len(name)/3)+1
	for _, known := range append(Names(), builtins...) {
		if d := distance(name, known); d < least {
			best, least = known, d
		}
	}
	return best
}

func distance(name, known string) int {
	name, known = strings.ToLower(name), strings.ToLower(known)
	d := levenshtein.Distance(name, known, nil)
	if rest, ok := strings.CutPrefix(known, "sprig_"); ok {
		return min(d, levenshtein.Distance(name, rest, nil)+1)
	}
	return d
}
