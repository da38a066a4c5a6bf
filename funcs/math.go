package funcs

import (
	"fmt"
	"reflect"
	"text/template"
)

// mathFuncs returns the arithmetic of COMPAT 3.9. All take the right operand
// first, so that the left one can be piped in.
func mathFuncs() template.FuncMap {
	return template.FuncMap{
		"add":      addition.apply,
		"subtract": subtraction.apply,
		"multiply": multiplication.apply,
		"divide":   division.apply,
		"modulo":   remainder.apply,
		"minimum":  minimum,
		"maximum":  maximum,
	}
}

// A number is an operand in the widest type of its kind: one of i, u and f.
type number struct {
	class numberClass
	i     int64
	u     uint64
	f     float64
}

type numberClass int

const (
	signed numberClass = iota
	unsigned
	floating
)

// numberOf returns v as a number; ok is false where it is none.
func numberOf(v any) (n number, ok bool) {
	r := reflect.ValueOf(v)
	switch r.Kind() {
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return number{class: signed, i: r.Int()}, true
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return number{class: unsigned, u: r.Uint()}, true
	case reflect.Float32, reflect.Float64:
		return number{class: floating, f: r.Float()}, true
	default:
		return number{}, false
	}
}

// value returns n as templates see it.
func (n number) value() any {
	switch n.class {
	case signed:
		return n.i
	case unsigned:
		return n.u
	default:
		return n.f
	}
}

// int returns n as an int64; a large unsigned one wraps around.
func (n number) int() int64 {
	if n.class == unsigned {
		return int64(n.u)
	}
	return n.i
}

func (n number) float() float64 {
	switch n.class {
	case signed:
		return float64(n.i)
	case unsigned:
		return float64(n.u)
	default:
		return n.f
	}
}

// common returns the class in which two numbers are computed or compared.
func common(a, b number) numberClass {
	switch {
	case a.class == floating || b.class == floating:
		return floating
	case a.class == unsigned && b.class == unsigned:
		return unsigned
	default:
		return signed
	}
}

// An operator is one arithmetic function, in each class of numbers.
type operator struct {
	name     string
	signed   func(a, b int64) int64
	unsigned func(a, b uint64) uint64
	floating func(a, b float64) float64 // nil where it is not defined
}

var addition = operator{
	name:     "add",
	signed:   func(a, b int64) int64 { return a + b },
	unsigned: func(a, b uint64) uint64 { return a + b },
	floating: func(a, b float64) float64 { return a + b },
}

var subtraction = operator{
	name:     "subtract",
	signed:   func(a, b int64) int64 { return a - b },
	unsigned: func(a, b uint64) uint64 { return a - b },
	floating: func(a, b float64) float64 { return a - b },
}

var multiplication = operator{
	name:     "multiply",
	signed:   func(a, b int64) int64 { return a * b },
	unsigned: func(a, b uint64) uint64 { return a * b },
	floating: func(a, b float64) float64 { return a * b },
}

var division = operator{
	name:     "divide",
	signed:   func(a, b int64) int64 { return a / b },
	unsigned: func(a, b uint64) uint64 { return a / b },
	floating: func(a, b float64) float64 { return a / b },
}

var remainder = operator{
	name:     "modulo",
	signed:   func(a, b int64) int64 { return a % b },
	unsigned: func(a, b uint64) uint64 { return a % b },
}

// apply computes a op b. Integers wrap around; to divide by an integer zero is a
// panic, which the engine makes an error.
func (op operator) apply(b, a any) (any, error) {
	x, err := op.operand(a)
	if err != nil {
		return nil, err
	}
	y, err := op.operand(b)
	if err != nil {
		return nil, err
	}
	switch common(x, y) {
	case floating:
		return op.floating(x.float(), y.float()), nil
	case unsigned:
		return op.unsigned(x.u, y.u), nil
	default:
		return op.signed(x.int(), y.int()), nil
	}
}

func (op operator) operand(v any) (number, error) {
	n, ok := numberOf(v)
	if !ok || n.class == floating && op.floating == nil {
		return number{}, notANumber(op.name, v)
	}
	return n, nil
}

func notANumber(function string, v any) error {
	if err := writable(function, v); err != nil {
		return err
	}
	return fmt.Errorf("%s: unknown type for %q (%T)", function, reflect.ValueOf(v), v)
}

// minimum returns the smaller of two numbers, in its own kind; b where they
// are equal.
func minimum(b, a any) (any, error) {
	x, y, err := operands("minimum", a, b)
	if err != nil {
		return nil, err
	}
	if x.less(y) {
		return x.value(), nil
	}
	return y.value(), nil
}

// maximum returns the larger of two numbers, in its own kind; b where they are
// equal.
func maximum(b, a any) (any, error) {
	x, y, err := operands("maximum", a, b)
	if err != nil {
		return nil, err
	}
	if y.less(x) {
		return x.value(), nil
	}
	return y.value(), nil
}

func operands(function string, a, b any) (x, y number, err error) {
	x, ok := numberOf(a)
	if !ok {
		return x, y, notANumber(function, a)
	}
	y, ok = numberOf(b)
	if !ok {
		return x, y, notANumber(function, b)
	}
	return x, y, nil
}

func (n number) less(m number) bool {
	switch common(n, m) {
	case floating:
		return n.float() < m.float()
	case unsigned:
		return n.u < m.u
	default:
		return n.int() < m.int()
	}
}
