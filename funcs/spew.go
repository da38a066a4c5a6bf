package funcs

import (
	"text/template"

	"github.com/davecgh/go-spew/spew"
)

// spewFuncs returns the functions that show values in every detail, for
// finding out what a template has before it (COMPAT 3.9).
func (e *Env) spewFuncs() template.FuncMap {
	return template.FuncMap{
		"spew_dump":    e.spewDump,
		"spew_printf":  e.spewPrintf,
		"spew_sdump":   spew.Sdump,
		"spew_sprintf": spew.Sprintf,
	}
}

// spewDump prints what spew_sdump returns to the program's standard output.
func (e *Env) spewDump(values ...any) string {
	e.Effects.Print(spew.Sdump(values...))
	return ""
}

// spewPrintf prints what spew_sprintf returns to the program's standard output.
func (e *Env) spewPrintf(format string, values ...any) string {
	e.Effects.Print(spew.Sprintf(format, values...))
	return ""
}
