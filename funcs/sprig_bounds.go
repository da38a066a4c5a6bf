package funcs

import (
	"fmt"
	"math"
	"strings"
	"text/template"
)

// boundSprig puts a look at the arguments before the functions in m, sprig's
// under our names, that could make too much of them. The types of the functions
// stay as they are; where one returns no error it panics, of which the engine
// makes an error.
func boundSprig(m template.FuncMap) {
	for _, name := range strings.Fields(writers) {
		m[name] = boundWriter(name, m[name])
	}
	boundCounters(m)
	boundTexts(m)
}

// writers are the functions that write out values of any type, be it only to
// say that they cannot use them, or walk through all that is in them.
const writers = `
	sprig_add sprig_add1 sprig_add1f sprig_addf sprig_ago sprig_biggest sprig_cat sprig_ceil sprig_deepCopy
	sprig_deepEqual sprig_div sprig_divf sprig_duration sprig_durationRound sprig_float64 sprig_floor sprig_has
	sprig_int sprig_int64 sprig_join sprig_max sprig_maxf sprig_min sprig_minf sprig_mod sprig_mul sprig_mulf
	sprig_mustDeepCopy sprig_mustHas sprig_mustSlice sprig_mustToJson sprig_mustToPrettyJson sprig_mustToRawJson
	sprig_mustUniq sprig_mustWithout sprig_quote sprig_round sprig_slice sprig_sortAlpha sprig_squote sprig_sub
	sprig_subf sprig_toDecimal sprig_toJson sprig_toPrettyJson sprig_toRawJson sprig_toString sprig_toStrings
	sprig_uniq sprig_without`

// must panics unless err is nil.
func must(err error) {
	if err != nil {
		panic(err)
	}
}

// boundWriter returns f, which is of the same type, with a look at the
// arguments first.
func boundWriter(name string, f any) any {
	one := func(v any) { must(writable(name, v)) }
	all := func(v []any) { must(writable(name, v...)) }
	switch f := f.(type) {
	case func(any) string:
		return func(v any) string { one(v); return f(v) }
	case func(any) (string, error):
		return func(v any) (string, error) { one(v); return f(v) }
	case func(any) []string:
		return func(v any) []string { one(v); return f(v) }
	case func(any) int:
		return func(v any) int { one(v); return f(v) }
	case func(any) int64:
		return func(v any) int64 { one(v); return f(v) }
	case func(any) float64:
		return func(v any) float64 { one(v); return f(v) }
	case func(any) any:
		return func(v any) any { one(v); return f(v) }
	case func(any) (any, error):
		return func(v any) (any, error) { one(v); return f(v) }
	case func(any) []any:
		return func(v any) []any { one(v); return f(v) }
	case func(any) ([]any, error):
		return func(v any) ([]any, error) { one(v); return f(v) }
	case func(any, any) bool:
		return func(v, w any) bool { one(v); one(w); return f(v, w) }
	case func(any, any) (bool, error):
		return func(v, w any) (bool, error) { one(v); one(w); return f(v, w) }
	case func(any, any) int64:
		return func(v, w any) int64 { one(v); one(w); return f(v, w) }
	case func(any, int, ...float64) float64:
		return func(v any, places int, cut ...float64) float64 { one(v); return f(v, places, cut...) }
	case func(any, ...any) any:
		return func(v any, more ...any) any { one(v); all(more); return f(v, more...) }
	case func(any, ...any) (any, error):
		return func(v any, more ...any) (any, error) { one(v); all(more); return f(v, more...) }
	case func(any, ...any) []any:
		return func(v any, more ...any) []any { one(v); all(more); return f(v, more...) }
	case func(any, ...any) ([]any, error):
		return func(v any, more ...any) ([]any, error) { one(v); all(more); return f(v, more...) }
	case func(any, ...any) int64:
		return func(v any, more ...any) int64 { one(v); all(more); return f(v, more...) }
	case func(any, ...any) float64:
		return func(v any, more ...any) float64 { one(v); all(more); return f(v, more...) }
	case func(...any) string:
		return func(v ...any) string { all(v); return f(v...) }
	case func(...any) int64:
		return func(v ...any) int64 { all(v); return f(v...) }
	case func(...any) float64:
		return func(v ...any) float64 { all(v); return f(v...) }
	case func(string, any) string:
		return func(sep string, v any) string {
			one(v)
			must(fits(name, len(sep), length(v)))
			return f(sep, v)
		}
	default:
		panic(fmt.Sprintf("%s is a %T", name, f))
	}
}

// boundCounters bounds the functions that make a lot out of a number.
func boundCounters(m template.FuncMap) {
	repeat := m["sprig_repeat"].(func(int, string) string)
	m["sprig_repeat"] = func(count int, s string) string {
		must(fits("sprig_repeat", len(s), count))
		return repeat(count, s)
	}
	for _, name := range []string{"sprig_indent", "sprig_nindent"} {
		f := m[name].(func(int, string) string)
		m[name] = func(spaces int, s string) string {
			must(fitsIndented(name, spaces, s))
			return f(spaces, s)
		}
	}
	until := m["sprig_until"].(func(int) []int)
	m["sprig_until"] = func(count int) []int {
		must(countable("sprig_until", 8, 0, count, toward(0, count)))
		return until(count)
	}
	untilStep := m["sprig_untilStep"].(func(int, int, int) []int)
	m["sprig_untilStep"] = func(start, stop, step int) []int {
		must(countable("sprig_untilStep", 8, start, stop, step))
		return untilStep(start, stop, step)
	}
	seq := m["sprig_seq"].(func(...int) string)
	m["sprig_seq"] = func(params ...int) string {
		must(countableSeq(params))
		return seq(params...)
	}
}

// fitsIndented tells whether s fits with so many spaces before each line.
func fitsIndented(function string, spaces int, s string) error {
	lines := strings.Count(s, "\n") + 1
	if spaces <= 0 {
		return nil
	}
	return fits(function, lines, spaces+len(s)/lines)
}

// countableSeq is countable for the numbers from 1 to a, from a to b, or from a
// in steps of b to c.
func countableSeq(params []int) error {
	const size = 64 // of a number with all that is made of it on the way
	start, step, stop := 1, 0, 0
	switch len(params) {
	case 1:
		stop = params[0]
		step = toward(start, stop)
	case 2:
		start, stop = params[0], params[1]
		step = toward(start, stop)
	case 3:
		start, step, stop = params[0], params[1], params[2]
	default:
		return nil
	}
	return countable("sprig_seq", size, start, stop, step)
}

func toward(start, end int) int {
	if end < start {
		return -1
	}
	return 1
}

// countable tells whether the numbers from start to stop fit, at size bytes
// each. A step that leads away from stop makes no numbers.
func countable(function string, size, start, stop, step int) error {
	if step < 0 { // count backwards: ^n is -n-1, which every integer has
		start, stop, step = ^start, ^stop, max(-step, -math.MaxInt)
	}
	switch {
	case stop <= start || step == 0:
		return nil
	case step < 0 || stop > math.MaxInt-step:
		return fmt.Errorf("%s: the numbers are too large", function)
	}
	count := (uint64(stop) - uint64(start)) / uint64(step)
	return fits(function, size, int(min(count, math.MaxInt-1))+1)
}
