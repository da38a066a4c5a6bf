package template

import (
	"strings"

	"restencil/watch/lazyregexp"
)

// An OldForm is a spelling of consul-template 0.5 to 0.16 in a template, other than the
// name of a function, that still has an effect.
type OldForm struct {
	Offset   int // in the text, in bytes
	Old, Now string
}

var oldForms = []struct {
	part    string // of each, and of few other templates: patterns take time
	pattern *lazyregexp.Regexp
	now     func(old string) string
}{
	{".Tags.Contains", lazyregexp.New(`\.Tags\.Contains`), func(string) string { return ".Tags | contains" }},
	{", ", lazyregexp.New(`service "[^"]*" "[a-z,]+, [a-z, ]+"`), func(old string) string { return strings.ReplaceAll(old, ", ", ",") }},
	{"@", lazyregexp.New(`service "[^"]+@[^":]+:[0-9]+"`), func(old string) string { return old[:strings.LastIndexByte(old, ':')] + `"` }},
}

// OldForms returns the old forms in a template, in its order for each kind.
func OldForms(text string) (all []OldForm) {
	for _, form := range oldForms {
		if !strings.Contains(text, form.part) {
			continue
		}
		for _, at := range form.pattern.Get().FindAllStringIndex(text, -1) {
			old := text[at[0]:at[1]]
			all = append(all, OldForm{at[0], old, form.now(old)})
		}
	}
	return all
}
