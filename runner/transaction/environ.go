package transaction

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

const (
	// listSize bounds RESTENCIL_STAGED, in bytes. Linux takes 128 KiB in one
	// variable, and does not run a command that has more.
	listSize = 32 << 10

	// maxNamed is how many files may be in a bundle that have a variable each,
	// for much the same reason.
	maxNamed = 100
)

// environ returns env, or the process's own environment where that is nil, with
// what the package comment says.
func (v *view) environ(env []string) []string {
	if env == nil {
		env = os.Environ()
	}
	shown, size := 0, 0
	paths := v.Files()
	for shown < len(paths) && size+len(paths[shown]) < listSize {
		size += len(paths[shown]) + 1
		shown++
	}
	env = append(slices.Clip(env), v.named()...)
	return append(env,
		"RESTENCIL_BUNDLE="+v.bundle,
		"RESTENCIL_STAGED="+strings.Join(paths[:shown], "\n"),
		"RESTENCIL_STAGED_MORE="+strconv.Itoa(len(paths)-shown))
}

// named returns a variable for each file whose name is its own.
func (v *view) named() []string {
	if len(v.files) > maxNamed {
		return nil
	}
	// This has a meaning of its own.
	count := map[string]int{"RESTENCIL_STAGED_MORE": 1}
	for _, f := range v.files {
		count[variable(f.path)]++
	}
	var env []string
	for _, f := range v.files {
		if name := variable(f.path); count[name] == 1 {
			env = append(env, name+"="+f.staged)
		}
	}
	return env
}

// variable returns the name of the variable for a destination.
func variable(path string) string {
	return "RESTENCIL_STAGED_" + strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z':
			return r - 'a' + 'A'
		case 'A' <= r && r <= 'Z', '0' <= r && r <= '9':
			return r
		}
		return '_'
	}, filepath.Base(path))
}
