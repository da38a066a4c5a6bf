package renderer

import "path/filepath"

// Write makes the destination be as f says. The error is that of the Result, too.
// Keep has no effect.
func Write(f File) (Result, error) {
	r := WriteAll(1, f)[0]
	return r, r.Err
}

// WriteAll is Write for many files, at most width of them at a time: each
// directory is put on stable storage once. Of several files with one
// destination, the last remains. There is a Result for each file; one that fails
// does not hold up the others. Keep has no effect.
func WriteAll(width int, files ...File) []Result {
	staged := make([]*Staged, len(files))
	results := make([]Result, len(files))
	groups := byDestination(files)
	sideBySide(len(groups), width, func(g int) {
		// Of those with one destination, each is compared with the one before.
		for _, i := range groups[g] {
			f := files[i]
			f.Keep = false
			s, err := Stage(f)
			if err == nil {
				err = s.swap()
			}
			if err != nil {
				results[i].Err = err
				continue
			}
			staged[i] = s
		}
	})
	makeDurable(staged)
	for i, s := range staged {
		if s != nil {
			results[i] = s.result()
		}
	}
	return results
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
