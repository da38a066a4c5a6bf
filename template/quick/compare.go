package quick

import "reflect"

// A class is what kinds can be compared with one another.
type class int

const (
	other class = iota
	boolean
	integer
	unsigned
	floating
	complexNumber
	text
)

func classOf(v reflect.Value) class {
	switch {
	case v.Kind() == reflect.String:
		return text
	case v.Kind() == reflect.Bool:
		return boolean
	case v.CanInt():
		return integer
	case v.CanUint():
		return unsigned
	case v.CanFloat():
		return floating
	case v.CanComplex():
		return complexNumber
	default:
		return other
	}
}

// equals compiles eq with two arguments.
func (at site) equals() expr {
	if at.args[0].text() != nil && at.args[1].text() != nil {
		return call2(at, func(a, b string) bool { return a == b })
	}
	return call2(at, equal)
}

// equalsAny is the function eq.
func equalsAny(a reflect.Value, list ...reflect.Value) bool {
	if len(list) == 0 {
		giveUp()
	}
	for _, b := range list {
		if equal(a, b) {
			return true
		}
	}
	return false
}

func equal(a, b reflect.Value) bool {
	a, b = inside(a), inside(b)
	x, y := classOf(a), classOf(b)
	switch {
	case x == integer && y == unsigned:
		return a.Int() >= 0 && uint64(a.Int()) == b.Uint()
	case x == unsigned && y == integer:
		return equal(b, a)
	case x != y:
		if a.IsValid() && b.IsValid() {
			giveUp()
		}
		return false
	}
	switch x {
	case text:
		return a.String() == b.String()
	case boolean:
		return a.Bool() == b.Bool()
	case integer:
		return a.Int() == b.Int()
	case unsigned:
		return a.Uint() == b.Uint()
	case floating:
		return a.Float() == b.Float()
	case complexNumber:
		return a.Complex() == b.Complex()
	default:
		return equalOthers(a, b)
	}
}

// equalOthers compares what is neither text, nor a number, nor a boolean.
func equalOthers(a, b reflect.Value) bool {
	if a.IsValid() && b.IsValid() && a.Kind() != b.Kind() {
		giveUp()
	}
	if isNil(a) || isNil(b) {
		return isNil(a) && isNil(b)
	}
	if !b.Type().Comparable() {
		giveUp()
	}
	return a.Interface() == b.Interface()
}

func isNil(v reflect.Value) bool { return !v.IsValid() || nillable(v.Type()) && v.IsNil() }

// less is the function lt.
func less(a, b reflect.Value) bool {
	a, b = inside(a), inside(b)
	x, y := classOf(a), classOf(b)
	switch {
	case x == integer && y == unsigned:
		return a.Int() < 0 || uint64(a.Int()) < b.Uint()
	case x == unsigned && y == integer:
		return b.Int() >= 0 && a.Uint() < uint64(b.Int())
	case x != y:
		giveUp()
	}
	switch x {
	case text:
		return a.String() < b.String()
	case integer:
		return a.Int() < b.Int()
	case unsigned:
		return a.Uint() < b.Uint()
	case floating:
		return a.Float() < b.Float()
	}
	giveUp()
	return false
}
