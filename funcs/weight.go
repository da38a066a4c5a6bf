package funcs

import (
	"fmt"
	"reflect"

	"restencil/watch"
)

// Lists and maps that templates make can hold one another many times over: 40
// lines are enough for a value that needs a terabyte to be written out. Or
// they are nested so deep that what writes them overflows the stack. So
// whatever writes a value out weighs it first.

// maxResult bounds what one function may make, in bytes: a slip of the pen in a
// template must not cost the daemon its memory. It is far beyond any value that
// stands in a file that programs read as their configuration.
const maxResult = 64 << 20

// maxNested bounds how deep values may be nested, as encoding/json does.
const maxNested = 10_000

// fits tells whether a result of count parts of size bytes is within
// maxResult. Negative numbers fit: what they mean is the caller's business.
func fits(function string, size, count int) error {
	if size <= 0 || count <= maxResult/size {
		return nil
	}
	return fmt.Errorf("%s: the result would be larger than %d MiB", function, maxResult>>20)
}

// writable tells whether values can be written out within bounds.
func writable(function string, values ...any) error {
	_, err := weigh(function, values)
	return err
}

// weigh returns about how many bytes the values are, written out.
func weigh(function string, values []any) (int, error) {
	var s scales
	total := 0
	for _, v := range values {
		w := s.weigh(v, 0)
		if w.height > maxNested {
			return 0, fmt.Errorf("%s: the value is nested more than %d deep", function, maxNested)
		}
		if total = min(total+w.bytes, maxResult+1); total > maxResult {
			return 0, fits(function, 1, total)
		}
	}
	return total, nil
}

// A weight is what it takes to write a value out, all indented as it may be.
type weight struct {
	bytes    int // more than maxResult: much too large
	elements int // in it, and in them, and so on
	height   int // of the nesting; more than maxNested: much too high
}

// add counts an element of w.
func (w *weight) add(element weight) {
	w.elements = min(w.elements+element.elements+1, maxResult)
	w.bytes = min(w.bytes+element.bytes+2+2*(element.elements+1), maxResult+1)
	w.height = max(w.height, element.height+1)
}

// plainVisits is how many values are weighed before it pays to remember those
// that may come again.
const plainVisits = 1000

// scales weigh values.
type scales struct {
	visits int
	known  map[place]weight
}

func (s *scales) weigh(v any, depth int) weight {
	switch v := v.(type) {
	case nil, bool, int, int64, uint64, float64:
		return weight{bytes: 24}
	case string:
		return weight{bytes: min(len(v), maxResult+1)}
	case []any, map[string]any, map[any]any, [][]any:
		return s.weighContainer(v, depth)
	case []string:
		var w weight
		for _, text := range v {
			w.add(weight{bytes: min(len(text), maxResult+1)})
		}
		return w
	case *Scratch:
		return s.weighContainer(v.values, depth)
	case *watch.Secret:
		if v == nil {
			return weight{}
		}
		return s.weighContainer(v.Data, depth)
	default:
		return weighFlat(reflect.ValueOf(v))
	}
}

// weighFlat weighs what only the stores make, in the round.
func weighFlat(v reflect.Value) weight {
	const element = 256
	switch v.Kind() {
	case reflect.String:
		return weight{bytes: min(v.Len(), maxResult+1)}
	case reflect.Slice, reflect.Map:
		return weight{bytes: min(v.Len(), maxResult/element+1) * element}
	default:
		return weight{bytes: element}
	}
}

func (s *scales) weighContainer(v any, depth int) weight {
	if depth > maxNested {
		return weight{height: maxNested + 1}
	}
	if s.visits++; s.visits == plainVisits {
		s.known = make(map[place]weight)
	}
	if s.known == nil {
		return s.weighElements(v, depth)
	}
	at := identity(v)
	w, ok := s.known[at]
	if !ok {
		w = s.weighElements(v, depth)
		s.known[at] = w
	}
	return w
}

func (s *scales) weighElements(v any, depth int) (w weight) {
	switch v := v.(type) {
	case []any:
		for _, element := range v {
			w.add(s.weigh(element, depth+1))
		}
	case [][]any:
		for _, element := range v {
			w.add(s.weigh(element, depth+1))
		}
	case map[string]any:
		for key, element := range v {
			w.add(s.weigh(element, depth+1))
			w.add(weight{bytes: min(len(key), maxResult+1)})
		}
	case map[any]any:
		for key, element := range v {
			w.add(s.weigh(element, depth+1))
			w.add(s.weigh(key, depth+1))
		}
	}
	return w
}
