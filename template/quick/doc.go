// Package quick executes the templates of text/template in a fraction of its time.
//
// text/template walks the parse tree anew for each execution: it looks up
// functions and variables by name, passes all values as reflect.Values, and
// calls functions by reflection. [Compile] does once what is the same each
// time. Of each node of the tree it makes a closure, with functions, variables
// and literals in place; functions of the usual types are called directly; and
// a place that reads a field remembers where the last type of value has it.
//
// There is but one description of what a template means, and that is
// text/template. What a [Program] does not do just so it does not do at all:
// it gives up, at any error that a template may come to, on values that it
// does not know, and by the way on any panic. Then text/template has to execute
// the template from the start, and that says what is wrong.
//
// Of a few functions of package funcs it has to know more than their type: which
// are pure ([Compile] keeps what they make of constants), and which sort a list
// in place.
package quick
