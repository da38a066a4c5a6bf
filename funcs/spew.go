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
		"spew_sdump":   spewSdump,
		"spew_sprintf": spewSprintf,
	}
}

// spewDump prints what spew_sdump returns to the program's standard output.
func (e *Env) spewDump(values ...any) (string, error) {
	text, err := spewSdump(values...)
	if err == nil {
		e.Effects.Print(text)
	}
	return "", err
}

// spewPrintf prints what spew_sprintf returns to the program's standard output.
func (e *Env) spewPrintf(format string, values ...any) (string, error) {
	text, err := spewSprintf(format, values...)
	if err == nil {
		e.Effects.Print(text)
	}
	return "", err
}

// spewSdump returns values with their types, sizes and addresses.
func spewSdump(values ...any) (string, error) {
	if err := writable("spew_sdump", values...); err != nil {
		return "", err
	}
	return spew.Sdump(values...), nil
}

// spewSprintf is printf with values as spew shows them.
func spewSprintf(format string, values ...any) (string, error) {
	if err := formattable("spew_sprintf", format, values); err != nil {
		return "", err
	}
	return spew.Sprintf(format, values...), nil
}
