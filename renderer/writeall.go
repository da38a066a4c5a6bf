package renderer

import (
	"fmt"
	"path/filepath"

	"golang.org/x/sync/errgroup"
)

// WriteAll is Write for many files, at most width of them at a time: each
// directory is put on stable storage once, and very many files are, too, where
// that is quicker than one by one. Of several files with one destination, the
// last remains. There is a Result for each file; one that fails does not hold up
// the others. Keep has no effect.
func WriteAll(width int, files ...File) []Result {
	staged := make([]*Staged, len(files))
	results := make([]Result, len(files))
	groups := byDestination(files)
	volumes := openVolumes(files)
	defer volumes.close()
	sideBySide(len(groups), width, func(g int) {
		for _, i := range groups[g] {
			// Of those with one destination, each is compared with the one before.
			v := volumes.of(files[i], len(groups[g]) == 1)
			staged[i], results[i].Err = put(v, files[i])
		}
	})
	syncVolumes(staged)
	sideBySide(len(files), width, func(i int) {
		if s := staged[i]; s != nil && s.volume != nil {
			results[i].Err = s.putSynced()
		}
	})
	makeDurable(staged)
	for i, s := range staged {
		if s != nil && results[i].Err == nil {
			results[i] = s.result()
		}
	}
	return results
}

// sideBySide calls do(0) to do(n-1), at most width at a time.
func sideBySide(n, width int, do func(int)) {
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

// byDestination returns the indexes of files, those with one destination
// together.
func byDestination(files []File) [][]int {
	groups := make([][]int, 0, len(files))
	known := make(map[string]int, len(files)) // the place among the groups
	for i, f := range files {
		path := filepath.Clean(f.Path)
		at, ok := known[path]
		if !ok {
			at = len(groups)
			known[path] = at
			groups = append(groups, nil)
		}
		groups[at] = append(groups[at], i)
	}
	return groups
}

// put stages f and, unless a volume is still to make it durable, swaps it.
// After an error there is no Staged.
func put(v *volume, f File) (*Staged, error) {
	f.Keep = false
	s, err := stageOn(v, f)
	if err != nil {
		return nil, err
	}
	if v != nil {
		return s, nil
	}
	if err := s.swap(); err != nil {
		return nil, err
	}
	return s, nil
}

// putSynced swaps what its volume has made durable.
func (s *Staged) putSynced() error {
	if err := s.volume.err; err != nil && s.temp != "" {
		s.Discard()
		return fmt.Errorf("failed writing file: %w", onBehalf(s.file.Path, err))
	}
	return s.swap()
}
