package renderer

import (
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Sweep removes the temporary files of these destinations that a process left
// behind which was killed: those that have not been touched for so long. What
// cannot be read or removed stays. It returns what it removed.
func Sweep(untouched time.Duration, paths ...string) []string {
	bases := make(map[string][]string) // by directory
	for _, path := range paths {
		dir, base := filepath.Split(filepath.Clean(path))
		bases[dir] = append(bases[dir], base)
	}
	var removed []string
	before := time.Now().Add(-untouched)
	for dir, bases := range bases {
		removed = append(removed, sweepDir(dir, bases, before)...)
	}
	return removed
}

func sweepDir(dir string, bases []string, before time.Time) []string {
	place := dir
	if place == "" {
		place = "."
	}
	entries, err := os.ReadDir(place)
	if err != nil {
		return nil
	}
	own := make(map[string]bool, len(bases))
	for _, base := range bases {
		own[tempStem(base)] = true
	}
	var removed []string
	for _, e := range entries {
		stem, ok := stemOf(e.Name())
		if !ok || !own[stem] || !e.Type().IsRegular() {
			continue
		}
		info, err := e.Info()
		if err == nil && info.ModTime().Before(before) && os.Remove(dir+e.Name()) == nil {
			removed = append(removed, dir+e.Name())
		}
	}
	return removed
}

// stemOf returns what comes before the random part of a temporary name.
func stemOf(name string) (stem string, ok bool) {
	if !IsTemp(name) {
		return "", false
	}
	return name[:strings.LastIndex(name, tempMark)+len(tempMark)], true
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
