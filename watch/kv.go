package watch

import "strings"

// RelativeKey returns the Key of the pair at path in the answer to a KVList of
// this prefix: a raw string prefix, so that "app" makes "apple" into "le"
// (COMPAT 3.4, quirk Q43).
func RelativeKey(prefix, path string) string {
	return strings.TrimLeft(strings.TrimPrefix(path, prefix), "/")
}
