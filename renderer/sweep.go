package renderer

import (
	"cmp"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Sweep removes the temporary files of these destinations that a process left
// behind which was killed: those that have not been touched for so long. What
// cannot be read or removed stays.
func Sweep(untouched time.Duration, paths ...string) {
	stems := make(map[string]map[string]bool) // of the temporary files, by directory
	for _, path := range paths {
		dir, base := filepath.Split(filepath.Clean(path))
		if stems[dir] == nil {
			stems[dir] = make(map[string]bool)
		}
		stems[dir][tempStem(base)] = true
	}
	before := time.Now().Add(-untouched)
	for dir, own := range stems {
		entries, _ := os.ReadDir(cmp.Or(dir, "."))
		for _, e := range entries {
			if !own[stemOf(e.Name())] || !e.Type().IsRegular() {
				continue
			}
			if info, err := e.Info(); err == nil && info.ModTime().Before(before) {
				_ = os.Remove(dir + e.Name())
			}
		}
	}
}

// IsTemp tells whether a file of this name is one of the temporary ones that
// are made beside destinations.
func IsTemp(path string) bool { return stemOf(filepath.Base(path)) != "" }

// stemOf returns what comes before the random part of a temporary name, and "" for
// any other name.
func stemOf(name string) string {
	stem := strings.TrimRight(name, "0123456789abcdefghijklmnopqrstuvwxyz")
	if stem == name || name[0] != '.' || !strings.HasSuffix(stem, tempMark) || stem == tempMark {
		return ""
	}
	return stem
}
