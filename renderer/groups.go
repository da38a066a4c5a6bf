package renderer

// A GroupResult says what SwapGroups has done to a group.
type GroupResult struct {
	Files []Result // in the order of the group
	Err   error    // why no file of the group has changed; nil: all are in place

	// RestoreErr is what went wrong when the files that were in place already
	// were put back: then some may be new.
	RestoreErr error
}

// SwapGroups puts what was staged in place, each group all or none, makes that
// durable, each directory once, and returns a result for each group. A group of
// several files must have Keep set in all of them. A group that fails does not
// hold up the others. Of several files with one destination, the last remains.
func SwapGroups(groups ...[]*Staged) []GroupResult {
	results := make([]GroupResult, len(groups))
	replaced := make(map[string]bool)
	var placed []*Staged
	for i, group := range groups {
		results[i].Files = make([]Result, len(group))
		for j, s := range group {
			if err := s.placeAfter(replaced); err != nil {
				results[i].Files[j].Err, results[i].Err = err, err
				results[i].RestoreErr = restoreGroup(group)
				break
			}
		}
		if results[i].Err == nil {
			placed = append(placed, group...)
		}
	}
	makeDurable(placed)
	for i, group := range groups {
		if results[i].Err != nil {
			continue
		}
		for j, s := range group {
			results[i].Files[j] = s.result()
		}
	}
	return results
}

// placeAfter places s, where others may have replaced its destination before.
func (s *Staged) placeAfter(replaced map[string]bool) error {
	if replaced[s.file.Path] {
		if err := s.compareAgain(); err != nil {
			return err
		}
	}
	if err := s.place(); err != nil {
		return err
	}
	replaced[s.file.Path] = replaced[s.file.Path] || s.moved
	return nil
}

// restoreGroup puts back those files of a group that are in place, and discards
// the others.
func restoreGroup(group []*Staged) error {
	if len(group) > 1 {
		return Restore(group...)
	}
	for _, s := range group {
		s.Discard()
	}
	return nil
}
