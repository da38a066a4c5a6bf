// Package lint finds mistakes in configurations and templates by reading them. It
// contacts no store and executes no template.
//
// [Linter.Config] looks at a whole configuration, [Linter.Template] at a template
// by itself; each finding belongs to one of the [Rules], which docs/lint.md
// explains. [Write] prints findings for people and for programs.
package lint

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sort"
	"strings"

	"restencil/cmd/restencil/config/hcl1"
	"restencil/watch"
	"restencil/watch/filewatch"
	"restencil/watch/lazyregexp"
)

// A Severity says how sure it is that something is wrong.
type Severity string

const (
	Error   Severity = "error"   // it cannot work
	Warning Severity = "warning" // it works, but probably not as meant
)

// A Rule is one kind of mistake.
type Rule struct {
	Name     string
	Severity Severity
	Summary  string
}

// Rules returns all rules.
func Rules() []Rule {
	return []Rule{
		{"config", Warning, "the configuration is wrong or doubtful"},
		{"template-file", Error, "a template cannot be read"},
		{"syntax", Error, "a template cannot be parsed"},
		{"unknown-function", Error, "a template calls a function that does not exist"},
		{"unknown-field", Error, "a template reads a field that the value does not have"},
		{"unknown-template", Error, "a template calls a part that is not defined"},
		{"unknown-cluster", Error, "a template names a cluster that is not configured"},
		{"unused-define", Warning, "a part of a template is defined and never used"},
		{"changes-by-itself", Warning, "the output differs at each execution"},
		{"empty-list", Warning, "an empty list leaves a block of nginx that nginx refuses"},
		{"all-services", Warning, "a template watches every service or node of the catalog"},
		{"shell-data", Warning, "data from a store becomes a part of a program that is run"},
		{"check-file", Warning, "a check does not see the file that it is to check"},
		{"secret-mode", Warning, "others can read a file that holds secrets"},
		{"old-spelling", Warning, "a setting or function is deprecated"},
		{"incomplete", Warning, "not everything was looked at"},
	}
}

// A Finding is one thing that is wrong, or doubtful, at one place.
type Finding struct {
	File     string   `json:"file"`   // "" where no file is to blame
	Line     int      `json:"line"`   // from 1, 0 where unknown
	Column   int      `json:"column"` // from 1, in characters, 0 where unknown
	Rule     string   `json:"rule"`
	Severity Severity `json:"severity"`
	Message  string   `json:"message"`
	Hint     string   `json:"hint,omitempty"` // what to do about it

	source string // the line, "" where unknown or not to be shown
	width  int    // how many characters of it
}

// A Linter collects findings until its context ends.
type Linter struct {
	ctx      context.Context
	clusters func(watch.Store) []string // of the configuration; nil: there is none
	findings []Finding
	files    map[string][]string // the lines of those that were read
}

// New returns a Linter without findings.
func New(ctx context.Context) *Linter {
	return &Linter{ctx: ctx, files: make(map[string][]string)}
}

// add adds a finding with the severity of its rule, where it has none.
func (l *Linter) add(f Finding) {
	for _, r := range Rules() {
		if r.Name == f.Rule {
			f.Severity = cmp.Or(f.Severity, r.Severity)
		}
	}
	l.findings = append(l.findings, f)
}

// lines returns the lines of a file, none where it cannot be read.
func (l *Linter) lines(path string) []string {
	lines, ok := l.files[path]
	if !ok {
		if text, err := filewatch.ReadFile(path); err == nil {
			lines = strings.Split(string(text), "\n")
		}
		l.files[path] = lines
	}
	return lines
}

var ignoring = lazyregexp.New(`lint:ignore\s+([\w,-]+)\s+[^*\s]`)

// Findings returns what was found, by place, without the rules in disabled and
// without what a comment in the line or the one above says to ignore.
func (l *Linter) Findings(disabled []string) []Finding {
	found := slices.DeleteFunc(slices.Clone(l.findings), func(f Finding) bool {
		if slices.Contains(disabled, f.Rule) {
			return true
		}
		return slices.Contains(l.ignoredAt(f.File, f.Line), f.Rule) || slices.Contains(l.ignoredAt(f.File, f.Line-1), f.Rule)
	})
	sort.Slice(found, func(i, j int) bool { // not slices.SortFunc, which is compiled again for each type
		a, b := &found[i], &found[j]
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column),
			cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Message, b.Message)) < 0
	})
	return slices.Compact(found)
}

// ignoredAt returns the rules that a comment in a line says to ignore.
func (l *Linter) ignoredAt(file string, number int) []string {
	lines := l.lines(file)
	if number < 1 || number > len(lines) || !strings.Contains(lines[number-1], "lint:ignore") { // which is faster
		return nil
	}
	m := ignoring.Get().FindStringSubmatch(lines[number-1])
	if m == nil {
		return nil
	}
	return strings.Split(m[1], ",")
}

// Diagnostics adds what makes a configuration unusable: err is what config.Parse
// returned. It reports whether err is about what files say, and so is findings.
func (l *Linter) Diagnostics(err error) bool {
	found := len(l.findings)
	for _, err := range joined(err) {
		if d, ok := errors.AsType[hcl1.Diagnostic](err); ok {
			l.diagnostic(d, Error)
		}
	}
	return len(l.findings) > found
}

// joined returns the errors that err joins, or err alone.
func joined(err error) []error {
	if all := (interface{ Unwrap() []error })(nil); errors.As(err, &all) {
		return all.Unwrap()
	}
	return []error{err}
}

// diagnostic adds what package config found.
func (l *Linter) diagnostic(d hcl1.Diagnostic, s Severity) {
	f := Finding{
		File: d.File, Line: d.Position.Line, Column: d.Column, Rule: "config", Severity: s,
		Message: d.Message, Hint: d.Hint, source: d.Line, width: d.Width,
	}
	if s == Warning && strings.Contains(d.Message, "is deprecated") {
		f.Rule = "old-spelling"
	}
	l.add(f)
}
