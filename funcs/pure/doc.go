// Package pure holds the functions of templates whose results depend on their
// arguments alone, in a file by subject. Those of sprig are its own, except the ones
// that could crash the process.
package pure
