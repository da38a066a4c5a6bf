package funcs

import (
	"fmt"
	"math"
	"strings"
	"text/template"
)

// sprigBoundedFuncs returns the functions of sprig's that can make a lot out of
// a number, with a look at that number first.
func sprigBoundedFuncs(library template.FuncMap) template.FuncMap {
	b := bounded{
		repeat:    library["repeat"].(func(int, string) string),
		indent:    library["indent"].(func(int, string) string),
		nindent:   library["nindent"].(func(int, string) string),
		untilStep: library["untilStep"].(func(int, int, int) []int),
		seq:       library["seq"].(func(...int) string),
	}
	return template.FuncMap{
		"sprig_repeat":    b.sprigRepeat,
		"sprig_indent":    b.sprigIndent,
		"sprig_nindent":   b.sprigNindent,
		"sprig_until":     b.sprigUntil,
		"sprig_untilStep": b.sprigUntilStep,
		"sprig_seq":       b.sprigSeq,
	}
}

// bounded holds the functions themselves.
type bounded struct {
	repeat          func(int, string) string
	indent, nindent func(int, string) string
	untilStep       func(int, int, int) []int
	seq             func(...int) string
}

// sprigRepeat repeats s.
func (b bounded) sprigRepeat(count int, s string) (string, error) {
	if err := fits("sprig_repeat", len(s), count); err != nil {
		return "", err
	}
	return b.repeat(count, s), nil
}

// sprigIndent puts so many spaces before each line, empty ones too.
func (b bounded) sprigIndent(spaces int, s string) (string, error) {
	if err := fits("sprig_indent", strings.Count(s, "\n")+1, spaces); err != nil {
		return "", err
	}
	return b.indent(spaces, s), nil
}

// sprigNindent is sprigIndent on a new line.
func (b bounded) sprigNindent(spaces int, s string) (string, error) {
	if err := fits("sprig_nindent", strings.Count(s, "\n")+1, spaces); err != nil {
		return "", err
	}
	return b.nindent(spaces, s), nil
}

// sprigUntil lists the numbers from 0 up or down to count, without it.
func (b bounded) sprigUntil(count int) ([]int, error) {
	step := 1
	if count < 0 {
		step = -1
	}
	return b.sprigUntilStep(0, count, step)
}

// sprigUntilStep lists the numbers from start to stop, without that.
func (b bounded) sprigUntilStep(start, stop, step int) ([]int, error) {
	if err := countable("sprig_untilStep", 8, start, stop, step); err != nil {
		return nil, err
	}
	return b.untilStep(start, stop, step), nil
}

// sprigSeq writes the numbers from 1 to a, from a to b, or from a in steps of
// b to c.
func (b bounded) sprigSeq(params ...int) (string, error) {
	const size = 64 // of a number with all that is made of it on the way
	var err error
	switch len(params) {
	case 1:
		err = countable("sprig_seq", size, 1, params[0], toward(1, params[0]))
	case 2:
		err = countable("sprig_seq", size, params[0], params[1], toward(params[0], params[1]))
	case 3:
		err = countable("sprig_seq", size, params[0], params[2], params[1])
	}
	if err != nil {
		return "", err
	}
	return b.seq(params...), nil
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
