// Package pure holds the functions of templates that stand on nothing: what they
// return depends on their arguments alone. They are in a file by subject, and
// those of sprig's are its own, but for the ones that could take the process down.
package pure
