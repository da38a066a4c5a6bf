// Package guard decides whether a change is one that nobody can have meant: a
// file that became empty, lost most of its size, or names too few servers. It is
// pure.
package guard

import (
	"errors"
	"fmt"
	"maps"
	"slices"
)

// Rules are what a change must satisfy. The zero Rules let all pass, be it that
// nothing is left; see Validate for what is no rule.
type Rules struct {
	NotEmpty bool // every file has something in it but white space
	MinBytes int  // every file has at least so many bytes

	// MaxShrink is the largest part of its size that a file may lose at a
	// time, from 0 to 1. Zero: any. A file that is new has nothing to lose.
	MaxShrink float64

	// MinInstances is how many instances of a service there must be. A service
	// that no template uses has none: the name may be misspelt, and then the
	// rule would guard nothing.
	MinInstances map[string]int
}

// None tells whether r lets everything pass.
func (r Rules) None() bool {
	return !r.NotEmpty && r.MinBytes == 0 && r.MaxShrink == 0 && len(r.MinInstances) == 0
}

// A File is one that is to change.
type File struct {
	Path  string
	Old   int  // its size now; -1: there is none
	New   int  // and then
	Blank bool // the new content is nothing but white space
}

// Facts are what a change comes to.
type Facts struct {
	Files     []File
	Instances map[string]int // of each service that a template used
}

// Validate tells what is wrong with r itself, in the words of a configuration.
func (r Rules) Validate() error {
	if r.MinBytes < 0 {
		return fmt.Errorf("min_bytes %d is negative", r.MinBytes)
	}
	if !(r.MaxShrink >= 0 && r.MaxShrink <= 1) { // so that NaN is wrong, too
		return fmt.Errorf("max_shrink %v is not from 0 to 1", r.MaxShrink)
	}
	for _, service := range slices.Sorted(maps.Keys(r.MinInstances)) {
		switch n := r.MinInstances[service]; {
		case service == "":
			return errors.New("min_instances has a service without a name")
		case n < 0:
			return fmt.Errorf("min_instances of %s is negative: %d", service, n)
		}
	}
	return nil
}

// tolerance is more than a part may be off that was computed: "0.7%" is a little
// less than 0.007.
const tolerance = 1e-9

// Check returns why a change is not to be made, "" where it may. Of several
// reasons it is the first, by file and then by service, so that it is the same
// for the same facts.
func (r Rules) Check(f Facts) string {
	for _, file := range f.Files {
		shrinks := 0.0 // which part of its size it loses; less than zero: it grows
		if file.Old > 0 {
			shrinks = float64(file.Old-file.New) / float64(file.Old)
		}
		switch {
		case r.NotEmpty && file.Blank:
			return fmt.Sprintf("%s would be empty (not_empty)", file.Path)
		case file.New < r.MinBytes:
			return fmt.Sprintf("%s would have %d of at least %d bytes (min_bytes)", file.Path, file.New, r.MinBytes)
		case r.MaxShrink > 0 && shrinks > r.MaxShrink+tolerance:
			return fmt.Sprintf("%s would shrink from %d to %d bytes, by more than %.6g%% (max_shrink)",
				file.Path, file.Old, file.New, 100*r.MaxShrink)
		}
	}
	for _, service := range slices.Sorted(maps.Keys(r.MinInstances)) {
		least := r.MinInstances[service]
		switch n, used := f.Instances[service]; {
		case n >= least:
		case !used:
			return fmt.Sprintf("service %s is used by no template, and there must be %d instances (min_instances)", service, least)
		default:
			return fmt.Sprintf("service %s has %d of at least %d instances (min_instances)", service, n, least)
		}
	}
	return ""
}
