package quick

import (
	"cmp"
	"reflect"
	"slices"
	"text/template/parse"
)

// A loop is a range.
type loop struct {
	list        func(*state) reflect.Value
	index, elem int // the slots of its variables, -1 where it has none
	two         bool
	body, none  block
}

func (c *compiler) rangeStep(n *parse.RangeNode) step {
	defer c.close(len(c.scope))
	l := &loop{index: -1, elem: -1, two: len(n.Pipe.Decl) > 1}
	e, slots := c.declaration(n.Pipe)
	l.list = e.value
	switch len(slots) {
	case 1:
		l.elem = slots[0]
	case 2:
		l.index, l.elem = slots[0], slots[1]
	}
	l.body, l.none = c.block(n.List), c.block(n.ElseList)
	return l.run
}

func (l *loop) run(s *state) flow {
	list, _ := indirect(l.list(s))
	outer := s.dot
	some := l.each(s, list)
	s.dot = outer
	if !some {
		if f := l.none.run(s); f == continues {
			return f // with the next element of the range around this one
		}
	}
	return onward // a break in an else is taken for one of this range
}

// each runs the body for each element, and tells whether there are any.
func (l *loop) each(s *state, list reflect.Value) bool {
	switch list.Kind() {
	case reflect.Slice, reflect.Array:
		return l.eachOfSlice(s, list)
	case reflect.Map:
		return l.eachOfMap(s, list)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return l.eachNumber(s, list)
	case reflect.Chan:
		return l.eachReceived(s, list)
	case reflect.Invalid:
	default:
		giveUp()
	}
	return false
}

// once runs the body, and tells whether to go on.
func (l *loop) once(s *state, index, elem reflect.Value) bool {
	if l.index >= 0 {
		s.vars[l.index] = index
	}
	if l.elem >= 0 {
		s.vars[l.elem] = elem
	}
	s.dot = elem
	return l.body.run(s) != breaks
}

func (l *loop) eachOfSlice(s *state, list reflect.Value) bool {
	for i := range list.Len() {
		if !l.once(s, l.number(i), list.Index(i)) {
			break
		}
	}
	return list.Len() > 0
}

// number returns an index, where there is a variable for it.
func (l *loop) number(i int) reflect.Value {
	if l.index < 0 {
		return reflect.Value{}
	}
	return reflect.ValueOf(i)
}

func (l *loop) eachNumber(s *state, n reflect.Value) (some bool) {
	if l.two {
		giveUp()
	}
	for v := range n.Seq() {
		some = true
		if !l.once(s, reflect.Value{}, v) {
			break
		}
	}
	return some
}

func (l *loop) eachReceived(s *state, list reflect.Value) bool {
	if list.IsNil() {
		return false
	}
	if list.Type().ChanDir() == reflect.SendDir {
		giveUp()
	}
	for i := 0; ; i++ {
		v, ok := list.Recv()
		if !ok {
			return i > 0
		}
		if !l.once(s, l.number(i), v) {
			return true
		}
	}
}

// An entry is one of a map, as it was before the first one's turn.
type entry struct {
	key, value reflect.Value
	sort       reflect.Value // the key, out of any interface
}

func (l *loop) eachOfMap(s *state, list reflect.Value) bool {
	entries := make([]entry, 0, list.Len())
	for it := list.MapRange(); it.Next(); {
		entries = append(entries, entry{key: it.Key(), value: it.Value()})
	}
	sortEntries(entries)
	for _, e := range entries {
		if !l.once(s, e.key, e.value) {
			break
		}
	}
	return len(entries) > 0
}

// sortEntries sorts by keys, as far as they are text or integers, all of one
// type.
func sortEntries(entries []entry) {
	if len(entries) < 2 {
		return
	}
	t := inside(entries[0].key)
	for i, e := range entries {
		entries[i].sort = inside(e.key)
		if k := entries[i].sort; !k.IsValid() || k.Type() != t.Type() {
			giveUp()
		}
	}
	switch {
	case t.Kind() == reflect.String:
		slices.SortFunc(entries, func(a, b entry) int { return cmp.Compare(a.sort.String(), b.sort.String()) })
	case t.CanInt():
		slices.SortFunc(entries, func(a, b entry) int { return cmp.Compare(a.sort.Int(), b.sort.Int()) })
	case t.CanUint():
		slices.SortFunc(entries, func(a, b entry) int { return cmp.Compare(a.sort.Uint(), b.sort.Uint()) })
	default:
		giveUp()
	}
}
