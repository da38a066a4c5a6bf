package journal

import "slices"

// The files that a template has made for the elements of a list, which may be removed when
// their element goes, have an entry of their own.

// forEach begins the names of these entries.
const forEach = "for_each "

// Elements returns the absolute paths of the files that the template of this name has made,
// sorted.
func (j *Journal) Elements(template string) ([]string, error) {
	st, err := j.State(forEach + template)
	return slices.Clone(st.Elements), err
}

// AddElements records that files are about to be put in place. It returns when that is on
// stable storage.
func (j *Journal) AddElements(template string, files []string) error {
	return j.update(forEach+template, durable, func(e *entry) {
		all := slices.Concat(e.record.Elements, files)
		slices.Sort(all)
		e.record.Elements = slices.Compact(all)
	})
}

// RemoveElements records that files have been removed.
func (j *Journal) RemoveElements(template string, files []string) error {
	gone := make(map[string]bool)
	for _, file := range files {
		gone[file] = true
	}
	return j.update(forEach+template, soon, func(e *entry) {
		e.record.Elements = slices.DeleteFunc(slices.Clone(e.record.Elements), func(file string) bool { return gone[file] })
	})
}
