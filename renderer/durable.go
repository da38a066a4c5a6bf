package renderer

import (
	"maps"
	"slices"

	"golang.org/x/sync/errgroup"

	"restencil/renderer/atomicfile"
)

// width is how many files or directories are put on stable storage at a time: each
// waits for the disk, not for a processor.
const width = 32

// makeDurable puts the directory entries that were changed on stable
// storage, each directory once.
func makeDurable(staged []*Staged) {
	in := make(map[string][]*Staged) // by directory
	for _, s := range staged {
		if !s.moved {
			continue
		}
		for _, dir := range s.dirs {
			in[dir] = append(in[dir], s)
		}
	}
	for dir, err := range syncDirs(in) {
		for _, s := range in[dir] {
			s.warn("could not make the change of %q durable: %w", s.file.Path, err)
		}
	}
}

// syncDirs puts directories, the keys of in, on stable storage, side by side, and
// returns the errors of those that failed.
func syncDirs[V any](in map[string]V) map[string]error {
	dirs := slices.Collect(maps.Keys(in))
	errs := make([]error, len(dirs))
	sideBySide(len(dirs), func(i int) { errs[i] = atomicfile.SyncDir(dirs[i]) })
	failed := make(map[string]error)
	for i, err := range errs {
		if err != nil {
			failed[dirs[i]] = err
		}
	}
	return failed
}

// sideBySide calls do(0) to do(n-1), width at a time. A single one runs
// in the caller's goroutine.
func sideBySide(n int, do func(int)) {
	if n == 1 {
		do(0)
		return
	}
	var g errgroup.Group
	g.SetLimit(width)
	for i := range n {
		g.Go(func() error {
			do(i)
			return nil
		})
	}
	_ = g.Wait() // no function fails
}
