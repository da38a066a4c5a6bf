// Package layout says what a configuration makes of its templates: which files they have,
// those of the elements of lists among them, and which bundles the files belong to. It
// runs nothing.
package layout

import (
	"slices"

	"restencil/runner/bundle/group"
	"restencil/runner/process"
	"restencil/template"
)

// A Template is a template, where its output goes, and the command for it.
//
// With ForEach it is rendered for each element of a list, which is the dot, and its
// Destination is a template of the element, in a fixed directory. The file of an element
// that is gone is removed.
type Template struct {
	template.Options

	// Member is its file. Its Destination is required, but for a dry run. A runner sets its
	// Template and Fatal.
	group.Member

	// Command is run after the destination has changed. The zero Command is none.
	Command process.Command

	// Variable is the variable of the Child's environment that the output goes into,
	// without the newlines at its end, in place of a file; "": it goes into a file. When
	// it changes, the child is replaced. With Dry it is printed.
	Variable string

	// OnError says what an error of this template does.
	OnError ErrorPolicy

	// Bundle is the named bundle that it belongs to, "" for none. Command and
	// Wait are the bundle's then.
	Bundle string
}

// An ErrorPolicy says what an error of a template does to the process.
type ErrorPolicy int

const (
	// ErrorDefault: the template keeps its last output and is tried again;
	// with Once, Run ends with the error.
	ErrorDefault ErrorPolicy = iota
	// ErrorFatal: Run ends with the error, with Once or without.
	ErrorFatal
	// ErrorTolerated: Run goes on, with Once too (which then waits for the
	// template to come right).
	ErrorTolerated
)

// WithCertFiles returns templates with their CertFiles: a template's own destination,
// or those of all members of its named bundle, so that the members that use a
// certificate have the same query, and get certificate, key and CA of one issue.
func WithCertFiles(templates []Template) []Template {
	of := make(map[string][]string) // by bundle
	for _, t := range templates {
		if t.Bundle != "" && t.Destination != "" && t.ForEach == "" && t.ElementOf == "" {
			of[t.Bundle] = append(of[t.Bundle], t.Destination)
		}
	}
	for _, files := range of {
		slices.Sort(files)
	}
	templates = slices.Clone(templates)
	for i, t := range templates {
		switch {
		case t.ElementOf != "": // the others come and go
			templates[i].CertFiles = []string{t.Destination}
		case t.Bundle != "":
			templates[i].CertFiles = of[t.Bundle]
		case t.Destination != "":
			templates[i].CertFiles = []string{t.Destination}
		}
	}
	return templates
}
