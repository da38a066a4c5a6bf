package pure

import (
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"text/template"
)

// numberFuncs returns the functions that parse numbers and booleans, and arithmetic,
// which takes the right operand first, so that the left one can be piped in
// (COMPAT 3.9).
func numberFuncs() template.FuncMap {
	return template.FuncMap{
		"parseBool":  parser("true or false", strconv.ParseBool),
		"parseFloat": parser("a number", func(s string) (float64, error) { return strconv.ParseFloat(s, 64) }),
		"parseInt":   ParseInt,
		"parseUint":  parser("a whole number of 0 or more", func(s string) (uint64, error) { return strconv.ParseUint(s, 10, 64) }),

		"add":      arithmetic("add"),
		"subtract": arithmetic("subtract"),
		"multiply": arithmetic("multiply"),
		"divide":   arithmetic("divide"),
		"modulo":   arithmetic("modulo"),
		"minimum":  extreme("minimum", less),
		"maximum":  extreme("maximum", func(a, b reflect.Value) bool { return less(b, a) }),
	}
}

// A ParseError says that a function cannot parse a value.
type ParseError struct{ Value, Why string }

func (e *ParseError) Error() string { return e.Why }

// parser returns a function that parses text as what. Empty text, the value of a key
// without an answer, is zero.
func parser[T any](what string, parse func(string) (T, error)) func(string) (T, error) {
	return func(s string) (T, error) {
		var zero T
		if s == "" {
			return zero, nil
		}
		v, err := parse(s)
		switch {
		case errors.Is(err, strconv.ErrRange):
			return zero, &ParseError{s, fmt.Sprintf("%q is out of range: it is not %s of 64 bits", s, what)}
		case err != nil:
			return zero, &ParseError{s, fmt.Sprintf("%q is not %s", s, what)}
		}
		return v, nil
	}
}

// ParseInt is the function parseInt.
var ParseInt = parser("a whole number", func(s string) (int64, error) { return strconv.ParseInt(s, 10, 64) })

// arithmetic returns an operator on floats if one operand is a float, on unsigned
// integers if both are, and otherwise on signed ones. Integers wrap around; division
// by zero panics, which text/template turns into an error.
func arithmetic(operator string) func(b, a any) (any, error) {
	return func(b, a any) (any, error) {
		x, y, err := operands(operator, a, b)
		if err != nil {
			return nil, err
		}
		switch {
		case x.CanFloat() || y.CanFloat():
			return calculate(operator, toFloat(x), toFloat(y)), nil
		case x.CanUint() && y.CanUint():
			return calculate(operator, x.Uint(), y.Uint()), nil
		}
		return calculate(operator, toInt(x), toInt(y)), nil
	}
}

func calculate[T int64 | uint64 | float64](operator string, a, b T) T {
	switch operator {
	case "add":
		return a + b
	case "subtract":
		return a - b
	case "multiply":
		return a * b
	case "divide":
		return a / b
	}
	return a - a/b*b // modulo, of integers
}

// operands returns a and b, which must be numbers, for modulo integers.
func operands(function string, a, b any) (x, y reflect.Value, err error) {
	for _, v := range []any{a, b} {
		n := reflect.ValueOf(v)
		if !n.CanInt() && !n.CanUint() && (!n.CanFloat() || function == "modulo") {
			return x, y, fmt.Errorf("%s: unknown type for %q (%T)", function, n, v)
		}
	}
	return reflect.ValueOf(a), reflect.ValueOf(b), nil
}

func toFloat(v reflect.Value) float64 { return v.Convert(reflect.TypeFor[float64]()).Float() }

// toInt returns an integer as an int64; a large unsigned one wraps around.
func toInt(v reflect.Value) int64 { return v.Convert(reflect.TypeFor[int64]()).Int() }

// extreme returns a function that returns a if it is before b, otherwise b, in the
// largest type of its kind.
func extreme(name string, before func(a, b reflect.Value) bool) func(b, a any) (any, error) {
	return func(b, a any) (any, error) {
		x, y, err := operands(name, a, b)
		if err != nil {
			return nil, err
		}
		if !before(x, y) {
			x = y
		}
		switch {
		case x.CanInt():
			return x.Int(), nil
		case x.CanUint():
			return x.Uint(), nil
		}
		return x.Float(), nil
	}
}

func less(a, b reflect.Value) bool {
	switch {
	case a.CanFloat() || b.CanFloat():
		return toFloat(a) < toFloat(b)
	case a.CanUint() && b.CanUint():
		return a.Uint() < b.Uint()
	}
	return toInt(a) < toInt(b)
}
