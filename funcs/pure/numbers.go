package pure

import (
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"text/template"
)

// numberFuncs returns the functions that read numbers and booleans from text,
// and the arithmetic (COMPAT 3.9). The latter takes the right operand first, so
// that the left one can be piped in.
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

// A ParseError says that a value is not what a function reads.
type ParseError struct {
	Value string
	Why   string
}

func (e *ParseError) Error() string { return e.Why }

// parser returns a function that reads text, which is to be what. Empty text, which
// is what a key gives that has not arrived yet, is zero.
func parser[T any](what string, read func(string) (T, error)) func(string) (T, error) {
	return func(s string) (v T, err error) {
		if s == "" {
			return v, nil
		}
		if v, err = read(s); err != nil {
			var none T
			why := fmt.Sprintf("%q is not %s", s, what)
			if errors.Is(err, strconv.ErrRange) {
				why = fmt.Sprintf("%q is out of range: it is not %s of 64 bits", s, what)
			}
			return none, &ParseError{s, why}
		}
		return v, nil
	}
}

// ParseInt is the function parseInt.
var ParseInt = parser("a whole number", func(s string) (int64, error) { return strconv.ParseInt(s, 10, 64) })

// arithmetic returns an operator: on floats if one operand is, on unsigned
// integers if both are, and on signed ones else. Integers wrap around; to divide
// one by zero is a panic, of which the engine makes an error.
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
			if operator == "modulo" {
				return x.Uint() % y.Uint(), nil
			}
			return calculate(operator, x.Uint(), y.Uint()), nil
		case operator == "modulo":
			return toInt(x) % toInt(y), nil
		default:
			return calculate(operator, toInt(x), toInt(y)), nil
		}
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
	default:
		return a / b
	}
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

// extreme returns a function that gives a where it is before b, else b, in the
// widest type of its kind.
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
		default:
			return x.Float(), nil
		}
	}
}

func less(a, b reflect.Value) bool {
	switch {
	case a.CanFloat() || b.CanFloat():
		return toFloat(a) < toFloat(b)
	case a.CanUint() && b.CanUint():
		return a.Uint() < b.Uint()
	default:
		return toInt(a) < toInt(b)
	}
}
