// Package guard decides whether a change is one that nobody can have meant: a
// file that became empty, lost most of its size, or names too few servers. It is
// pure.
package guard

import (
	"fmt"
	"maps"
	"slices"
)

// Rules are what a change must satisfy. The zero Rules let all pass.
type Rules struct {
	NotEmpty bool // every file has something in it but white space
	MinBytes int  // every file has at least so many bytes

	// MaxShrink is the largest part of its size that a file may lose at a
	// time, from 0 to 1. Zero: any.
	MaxShrink float64

	// MinInstances is how many instances of a service there must be, of those
	// that the templates use.
	MinInstances map[string]int
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

// Check returns why a change is not to be made, "" where it may.
func (r Rules) Check(f Facts) string {
	for _, file := range f.Files {
		if why := r.checkFile(file); why != "" {
			return why
		}
	}
	for _, service := range slices.Sorted(maps.Keys(r.MinInstances)) {
		least := r.MinInstances[service]
		if n, used := f.Instances[service]; used && n < least {
			return fmt.Sprintf("service %s has %d of at least %d instances (min_instances)", service, n, least)
		}
	}
	return ""
}

func (r Rules) checkFile(f File) string {
	switch {
	case r.NotEmpty && f.Blank:
		return fmt.Sprintf("%s would be empty (not_empty)", f.Path)
	case f.New < r.MinBytes:
		return fmt.Sprintf("%s would have %d of at least %d bytes (min_bytes)", f.Path, f.New, r.MinBytes)
	case r.MaxShrink > 0 && f.Old > 0 && float64(f.Old-f.New) > r.MaxShrink*float64(f.Old):
		return fmt.Sprintf("%s would shrink from %d to %d bytes, by more than %.0f %% (max_shrink)", f.Path, f.Old, f.New, 100*r.MaxShrink)
	}
	return ""
}
