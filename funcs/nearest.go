package funcs

import "restencil/watch/suggest"

// Nearest returns the function whose name is most like that of one that does
// not exist, or "" where none is like it.
func Nearest(name string) string { return suggest.Nearest(name, append(Names(), builtins...)) }
