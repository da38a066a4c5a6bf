package journal

import "slices"

// Elements are the files that one template has made, for the elements of a list: those
// that may be removed when their element goes. They have an entry of their own.
type Elements struct {
	journal *Journal
	key     string
}

// forEach begins the names of their entries.
const forEach = "for_each "

// ElementsOf returns the files of the template of this name.
func ElementsOf(j *Journal, template string) Elements { return Elements{j, forEach + template} }

// Files returns their absolute paths, sorted.
func (e Elements) Files() ([]string, error) {
	st, err := e.journal.State(e.key)
	return slices.Clone(st.Elements), err
}

// Add records that files are about to be put in place. It returns when that is on stable
// storage.
func (e Elements) Add(files []string) error {
	return e.journal.update(e.key, durable, func(at *entry) {
		all := slices.Concat(at.record.Elements, files)
		slices.Sort(all)
		at.record.Elements = slices.Compact(all)
	})
}

// Remove records that files have been removed.
func (e Elements) Remove(files []string) error {
	gone := make(map[string]bool)
	for _, file := range files {
		gone[file] = true
	}
	return e.journal.update(e.key, soon, func(at *entry) {
		at.record.Elements = slices.DeleteFunc(slices.Clone(at.record.Elements), func(file string) bool { return gone[file] })
	})
}
