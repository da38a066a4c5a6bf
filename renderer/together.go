package renderer

import (
	"fmt"
	"path/filepath"
	"strings"
)

// Keep keeps, of the files that have Keep set, what Swap is to replace: before
// anything has changed, where Swap would do it as it goes. Staged.Kept then
// tells the name. The temporary names are on stable storage when Keep returns,
// so that who notes them can find the files again after a crash. After an error
// the files can only be discarded.
func Keep(staged ...*Staged) error {
	errs := make([]error, len(staged))
	sideBySide(len(staged), syncs, func(i int) {
		if s := staged[i]; s.file.Keep && s.temp != "" {
			errs[i] = s.keep()
		}
	})
	for _, err := range errs {
		if err != nil {
			return keepingFailed(err)
		}
	}
	dirs := make(map[string]bool)
	var list []string
	for _, s := range staged {
		if dir := s.dirs[0]; s.looked && !dirs[dir] {
			dirs[dir] = true
			list = append(list, dir)
		}
	}
	for dir, err := range syncDirs(list) {
		if err != nil {
			return fmt.Errorf("could not make the names in %s durable: %w", dir, err)
		}
	}
	return nil
}

func keepingFailed(err error) error {
	return fmt.Errorf("failed keeping the old file: %w", err)
}

// SwapAll is Swap for files that belong together, with a destination each. It
// stops at the first that fails, whose error it returns, too; Restore then puts
// those back that are in place, and discards the others.
func SwapAll(staged ...*Staged) ([]Result, error) {
	results := make([]Result, len(staged))
	for i, s := range staged {
		if err := s.place(); err != nil {
			results[i].Err = err
			return results, err
		}
	}
	makeDurable(staged)
	for i, s := range staged {
		results[i] = s.result()
	}
	return results, nil
}

// Temp returns the path of the temporary file with the new content, and ""
// where there is none: after Swap, or if the destination has the bytes already.
func (s *Staged) Temp() string {
	return s.temp
}

// Kept returns the path under which is kept what was at the destination, and ""
// where it is not, or there was nothing.
func (s *Staged) Kept() string {
	return s.kept
}

// IsTemp tells whether a file of this name is one of the temporary ones that
// are made beside destinations.
func IsTemp(path string) bool {
	name := filepath.Base(path)
	at := strings.LastIndex(name, tempMark)
	return at > 0 && name[0] == '.' && isBase36(name[at+len(tempMark):])
}

func isBase36(s string) bool {
	return s != "" && strings.Trim(s, "0123456789abcdefghijklmnopqrstuvwxyz") == ""
}
