// Package dependency holds the types of the values that templates see. Field
// and method names and the order of fields are part of the template language
// (COMPAT 3.4.1, 3.5, 3.6), and so is the name of this package: a template can
// print a type, as in {{ printf "%T" (service "web") }}.
//
// Go code says watch.KeyPair and the like: package watch has a name for each.
package dependency
