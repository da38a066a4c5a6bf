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

// SetElements records that files of a template are about to be put in place, which is on
// stable storage when it returns, or with removed that they have been removed.
func (j *Journal) SetElements(template string, files []string, removed bool) error {
	gone := make(map[string]bool)
	for _, file := range files {
		gone[file] = removed
	}
	return j.update(forEach+template, !removed, func(e *entry) {
		all := slices.Concat(e.record.Elements, files)
		slices.Sort(all)
		e.record.Elements = slices.DeleteFunc(slices.Compact(all), func(file string) bool { return gone[file] })
	})
}
