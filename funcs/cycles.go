package funcs

import (
	"fmt"
	"reflect"
	"slices"
)

// Templates can change maps (sprig_set, the merges), and so could make one
// that contains itself. To print such a thing never ends, and takes the whole
// process down. So whatever changes a map asks here whether that goes well.

var errCycle = fmt.Errorf("a map must not contain itself or be nested more than %d deep", maxNested)

// cyclic tells whether v, or anything in it, contains itself.
func cyclic(v any) bool { return newWalk().cyclic(v) }

// reaches tells whether m is v or is contained in it, so that v must not be put
// into m.
func reaches(v any, m map[string]any) bool {
	switch v.(type) {
	case map[string]any, map[any]any, []any, [][]any:
		w := newWalk()
		w.met[identity(m)] = true
		return w.cyclic(v)
	default:
		return false
	}
}

// mayCycle tells whether merging src into dst might make a map that contains
// itself. It is quick, looking at no more than src, and errs on the safe side.
func mayCycle(dst, src map[string]any) bool {
	w := newWalk()
	return w.mark(dst, src) || w.adds(dst, src)
}

// A place is where a map or a list has its elements.
type place struct {
	at   uintptr
	size int // of a list: others may begin at the same element
}

func identity(mapOrList any) place {
	v := reflect.ValueOf(mapOrList)
	p := place{at: v.Pointer()}
	if v.Kind() == reflect.Slice {
		p.size = v.Len()
	}
	return p
}

// A walk goes through maps and lists, into each one once.
type walk struct {
	met   map[place]bool // true while it is inside, false afterwards
	depth int
}

func newWalk() *walk { return &walk{met: make(map[place]bool)} }

// cyclic tells whether there is a way from v back into where the walk is
// inside, or a way that is too long. It looks where templates can put things.
func (w *walk) cyclic(v any) bool {
	switch v := v.(type) {
	case map[string]any:
		return w.enter(v, func() bool { return anyValue(v, w.cyclic) })
	case map[any]any:
		return w.enter(v, func() bool { return anyValue(v, w.cyclic) })
	case []any:
		return len(v) > 0 && w.enter(v, func() bool { return slices.ContainsFunc(v, w.cyclic) })
	case [][]any:
		return slices.ContainsFunc(v, func(list []any) bool { return w.cyclic(list) })
	}
	return false
}

func (w *walk) enter(mapOrList any, elements func() bool) bool {
	p := identity(mapOrList)
	if inside, met := w.met[p]; met {
		return inside
	}
	if w.depth == maxNested {
		return true
	}
	w.met[p] = true
	w.depth++
	found := elements()
	w.depth--
	w.met[p] = false
	return found
}

func anyValue[K comparable](m map[K]any, holds func(any) bool) bool {
	for _, v := range m {
		if holds(v) {
			return true
		}
	}
	return false
}

// mark notes the maps of dst that merging src would add to. It gives up, and
// returns true, at maps that are not of the usual type.
func (w *walk) mark(dst, src map[string]any) bool {
	w.met[identity(dst)] = true
	for key, v := range src {
		d, usual := dst[key].(map[string]any)
		_, unusual := dst[key].(map[any]any)
		inner, ok := v.(map[string]any)
		if unusual || usual && ok && w.mark(d, inner) {
			return true
		}
	}
	return false
}

// adds tells whether anything that merging src would add leads to a marked map.
func (w *walk) adds(dst, src map[string]any) bool {
	for key, v := range src {
		d, both := dst[key].(map[string]any)
		s, ok := v.(map[string]any)
		if both && ok {
			if w.adds(d, s) {
				return true
			}
		} else if w.cyclic(v) {
			return true
		}
	}
	return false
}
