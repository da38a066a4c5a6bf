package funcs

import (
	"fmt"
	"strings"
	"text/template"
)

// builtins are text/template's own functions.
var builtins = []string{
	"and", "call", "eq", "ge", "gt", "html", "index", "js", "le", "len", "lt",
	"ne", "not", "or", "print", "printf", "println", "slice", "urlquery",
}

// printFuncs returns those of text/template's own functions that write values
// out, with a look at the values first. What they return is the same. Bind puts
// them in the place of the others.
func printFuncs() template.FuncMap {
	return template.FuncMap{
		"html":     boundPrint("html", template.HTMLEscaper),
		"js":       boundPrint("js", template.JSEscaper),
		"print":    boundPrint("print", fmt.Sprint),
		"printf":   boundPrintf,
		"println":  boundPrint("println", fmt.Sprintln),
		"urlquery": boundPrint("urlquery", template.URLQueryEscaper),
	}
}

func boundPrint(name string, f func(...any) string) func(...any) (string, error) {
	return func(values ...any) (string, error) {
		if err := writable(name, values...); err != nil {
			return "", err
		}
		return f(values...), nil
	}
}

func boundPrintf(format string, values ...any) (string, error) {
	if err := formattable("printf", format, values); err != nil {
		return "", err
	}
	return fmt.Sprintf(format, values...), nil
}

// formattable is writable for what stands in a format.
func formattable(function, format string, values []any) error {
	size, err := weigh(function, values)
	if err != nil {
		return err
	}
	// By an index in brackets a value can stand there again and again.
	if err := fits(function, size, strings.Count(format, "[")); err != nil {
		return err
	}
	return fits(function, 1, size+len(format)+padding(format))
}

// maxWidth is the largest width that fmt takes.
const maxWidth = 1_000_000

// padding returns how many characters the widths in a format may add at most,
// or more than maxResult.
func padding(format string) int {
	total := 0
	for rest := format; total <= maxResult; {
		_, verb, found := strings.Cut(rest, "%")
		if !found {
			break
		}
		rest = strings.TrimLeft(verb, "+-# 0123456789.*[]")
		options := verb[:len(verb)-len(rest)]
		switch {
		case strings.Contains(options, "*"):
			total += 2 * maxWidth
		case len(options) > 3: // else it is less than 1000
			total += 2 * min(maxWidth, pow10(len(options)))
		}
		rest = strings.TrimPrefix(rest, "%")
	}
	return total
}

func pow10(n int) int {
	p := 1
	for range min(n, 7) {
		p *= 10
	}
	return p
}
