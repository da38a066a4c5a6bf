package pure

import (
	"fmt"
	"maps"
	"math"
	"reflect"
	"strings"
	"sync"
	"text/template"

	"github.com/Masterminds/sprig/v3"
)

// Funcs returns all functions by name, those of sprig with the prefix sprig_
// (COMPAT 3.14). The map must not be changed.
var Funcs = sync.OnceValue(func() template.FuncMap {
	m := make(template.FuncMap)
	for name, f := range sprig.HermeticTxtFuncMap() {
		m["sprig_"+name] = f
	}
	for _, functions := range []template.FuncMap{
		collectionFuncs(),
		mapFuncs(),
		numberFuncs(),
		stringFuncs(),
		encodingFuncs(),
	} {
		maps.Copy(m, functions)
	}
	for name, size := range resultSizes() {
		m[name] = bounded(name, m[name], size)
	}
	return m
})

const maxResult = 64 << 20 // bytes of a result: a wrong number must not exhaust memory

// resultSizes returns, for functions whose results can be far larger than their
// arguments, functions with the same parameters that estimate the result in bytes.
func resultSizes() map[string]any {
	return map[string]any{
		"indent":          indentedSize,
		"sprig_indent":    indentedSize,
		"sprig_nindent":   indentedSize,
		"sprig_repeat":    func(count int, s string) float64 { return float64(count) * float64(len(s)) },
		"replaceAll":      replacedSize,
		"sprig_replace":   replacedSize,
		"join":            func(sep string, list []string) float64 { return joinedSize(sep, list) },
		"sprig_join":      joinedSize,
		"sprig_until":     func(count int) float64 { return 8 * math.Abs(float64(count)) },
		"sprig_untilStep": func(start, stop, step int) float64 { return 8 * numbers(start, stop, step) },
		"sprig_seq":       sequenceSize,
	}
}

// bounded returns a function like f that checks the size of its result first. It
// panics if that is too large, which text/template turns into an error.
func bounded(name string, f, size any) any {
	function, estimate := reflect.ValueOf(f), reflect.ValueOf(size)
	call := reflect.Value.Call
	if function.Type().IsVariadic() {
		call = reflect.Value.CallSlice
	}
	return reflect.MakeFunc(function.Type(), func(args []reflect.Value) []reflect.Value {
		if call(estimate, args)[0].Float() > maxResult {
			panic(fmt.Errorf("%s: the result would be larger than %d MiB", name, maxResult>>20))
		}
		return call(function, args)
	}).Interface()
}

func indentedSize(spaces int, s string) float64 {
	return float64(spaces)*float64(strings.Count(s, "\n")+1) + float64(len(s))
}

func replacedSize(from, to, s string) float64 {
	return float64(len(s)) + float64(strings.Count(s, from))*float64(len(to)-len(from))
}

func joinedSize(sep string, list any) float64 {
	if v := reflect.ValueOf(list); v.Kind() == reflect.Slice || v.Kind() == reflect.Array {
		return float64(len(sep)) * float64(v.Len())
	}
	return 0
}

// sequenceSize is for sprig_seq: numbers from 1 to a, from a to b, or from a in steps
// of b to c, with about 64 bytes for each.
func sequenceSize(params ...int) float64 {
	const size = 64
	switch len(params) {
	case 1:
		return size * math.Abs(float64(params[0])-1)
	case 2:
		return size * math.Abs(float64(params[1])-float64(params[0]))
	case 3:
		return size * numbers(params[0], params[2], params[1])
	default:
		return 0
	}
}

// numbers returns how many numbers there are from start to stop, infinitely many if
// counting would overflow.
func numbers(start, stop, step int) float64 {
	a, b, c := float64(start), float64(stop), float64(step)
	switch {
	case step == 0 || (b-a)/c <= 0:
		return 0
	case math.Abs(b)+math.Abs(c) >= math.MaxInt:
		return math.Inf(1)
	}
	return (b - a) / c
}
