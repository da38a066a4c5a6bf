package funcs

import (
	"text/template"

	"github.com/davecgh/go-spew/spew"
)

// debugFuncs returns the functions that show values in every detail, for
// finding out what a template has before it (COMPAT 3.9): as text, or on the
// program's standard output.
func (e *Env) debugFuncs() template.FuncMap {
	return template.FuncMap{
		"spew_sdump":   spew.Sdump,
		"spew_sprintf": spew.Sprintf,
		"spew_dump": func(values ...any) string {
			e.execution.Print(spew.Sdump(values...))
			return ""
		},
		"spew_printf": func(format string, values ...any) string {
			e.execution.Print(spew.Sprintf(format, values...))
			return ""
		},
	}
}
