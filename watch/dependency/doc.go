// Package dependency holds the types of the values that templates see. Field
// and method names, the order of fields, and the name of this package are part of
// the template language (COMPAT 3.4.1, 3.5, 3.6): a template can print a value, or
// its type.
//
// Go code uses the aliases in package watch.
package dependency
