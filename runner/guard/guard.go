// Package guard decides whether a change looks like a mistake: a file would become
// empty, lose most of its size, or name too few servers, or too many files would go. It
// is pure.
package guard

import (
	"fmt"
	"maps"
	"slices"
)

// Rules are what a change must satisfy. The zero Rules let every change pass. No number is
// negative.
type Rules struct {
	NotEmpty bool // every file has more in it than white space
	MinBytes int  // every file has at least so many bytes

	// MaxShrink is the largest part of its size that a file may lose at a
	// time, from 0 to 1. Zero: any. It does not apply to a new file.
	MaxShrink float64

	// MaxRemoved is how many files a change may remove. Zero: any number.
	MaxRemoved int

	// MinInstances is how many instances each service must have. A service that
	// no template uses has none: otherwise a misspelt name would guard nothing.
	MinInstances map[string]int
}

// None reports whether r lets every change pass.
func (r Rules) None() bool {
	return !r.NotEmpty && r.MinBytes == 0 && r.MaxShrink == 0 && r.MaxRemoved == 0 && len(r.MinInstances) == 0
}

// A File is a file of a change.
type File struct {
	Path  string
	Old   int  // its size now, in bytes; -1: there is no file
	New   int  // its size after the change
	Blank bool // the new content is white space only

	Removed bool // there is no file after the change
}

// Facts are what the rules need to know of a change.
type Facts struct {
	Files     []File
	Instances map[string]int // of each service that a template uses
}

// tolerance allows for rounding: "0.7%" is computed as a little less than 0.007.
const tolerance = 1e-9

// Check returns why the change is not allowed, or "". Of several reasons it returns
// the first, by file and then by service name: the same facts give the same reason.
func (r Rules) Check(f Facts) string {
	removed := 0
	for _, file := range f.Files {
		if file.Removed {
			if file.Old >= 0 {
				removed++
			}
			continue
		}
		shrinks := 0.0 // the part of its size that it loses; below zero: it grows
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
	if r.MaxRemoved > 0 && removed > r.MaxRemoved {
		return fmt.Sprintf("%d files would be removed, and at most %d may at a time (max_removed)", removed, r.MaxRemoved)
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
