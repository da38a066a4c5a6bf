package setting

import (
	"path"
	"slices"
	"strings"
)

// An Environment is environment variables in the form of os.Environ. Of several with
// one name the last counts.
type Environment []string

// Lookup returns the value of a variable, and whether there is one.
func (e Environment) Lookup(name string) (value string, ok bool) {
	for _, v := range slices.Backward(e) {
		if key, value, _ := strings.Cut(v, "="); key == name {
			return value, true
		}
	}
	return "", false
}

// Get returns the value of a variable without surrounding white space, "" if there is
// none.
func (e Environment) Get(name string) string {
	value, _ := e.Lookup(name)
	return strings.TrimSpace(value)
}

// Filter returns the variables whose names match one of the patterns (with * ? and
// [..]) or, if match is false, none of them. A malformed pattern matches nothing.
func (e Environment) Filter(patterns []string, match bool) Environment {
	return slices.DeleteFunc(slices.Clone(e), func(v string) bool {
		name, _, _ := strings.Cut(v, "=")
		return match != slices.ContainsFunc(patterns, func(pattern string) bool {
			ok, _ := path.Match(pattern, name)
			return ok
		})
	})
}
