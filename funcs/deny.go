package funcs

import (
	"errors"
	"strings"
	"text/template"
)

// deny puts a stub in the place of each function that a pattern matches
// (COMPAT 3.13).
func deny(m template.FuncMap, patterns []string) {
	for _, pattern := range patterns {
		for name := range m {
			if matchGlob(pattern, name) {
				m[name] = denied
			}
		}
	}
}

var errDenied = errors.New("function is disabled")

// denied fails, whatever its arguments: to mention a function that is denied
// is allowed, to call it is not.
func denied(...any) (string, error) { return "", errDenied }

// matchGlob tells whether pattern, in which * stands for any run of
// characters, matches all of name.
func matchGlob(pattern, name string) bool {
	parts := strings.Split(pattern, "*")
	first, rest := parts[0], parts[1:]
	if len(rest) == 0 {
		return name == pattern
	}
	name, ok := strings.CutPrefix(name, first)
	if !ok {
		return false
	}
	last := len(rest) - 1
	for _, part := range rest[:last] {
		if _, name, ok = strings.Cut(name, part); !ok {
			return false
		}
	}
	return strings.HasSuffix(name, rest[last])
}
