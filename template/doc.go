// Package template parses templates once and executes them against known
// answers.
//
// It does no I/O. An execution says what it asked for ([Result]): queries
// that have no answer yet make it incomplete, and whoever owns the template
// has them watched and executes it again, until nothing is missing. [Graph]
// keeps, for many templates, which uses which query, and so what is to be
// executed again when one answer changes and which queries nobody wants any
// more.
//
// The language is consul-template's (COMPAT section 3): text/template with
// the functions of package funcs.
package template
