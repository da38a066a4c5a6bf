package template

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// A loop renders the body of a range over a list.
type loop struct {
	pieces []piece
	strict bool // a key that a map does not have is an error
	most   int  // how many bytes a rendering may have

	elem   reflect.Type // what the pieces are resolved for
	usable bool         // they could be
	size   int          // of the last rendering
}

// A piece of the body is a text, the index of the element, or a field of it.
type piece struct {
	text  []byte
	index bool
	path  []string // the names of the field, from the outside in; empty for the element itself, nil for none

	numbers []int        // of the fields that path names
	kind    reflect.Kind // of the last of them
	key     string       // what path names in the map that is the last of them
}

// chunkSize is where renderings are cut. text/template copies what it prints
// through a buffer that is not kept where it has grown beyond 64 KiB.
const chunkSize = 32 << 10

// render returns the rendering for all elements of list, in chunks; none where
// the loop has to be left to text/template.
func (l *loop) render(list reflect.Value) ([]string, error) {
	if list.Kind() != reflect.Slice || list.Len() == 0 {
		return nil, nil
	}
	w := chunks{expect: l.size}
	w.begin()
	for i := range list.Len() {
		elem := list.Index(i)
		for elem.Kind() == reflect.Interface || elem.Kind() == reflect.Pointer {
			elem = elem.Elem()
		}
		if !elem.IsValid() || !l.resolve(elem.Type()) {
			return nil, nil
		}
		l.one(&w, i, elem)
		if w.cut(chunkSize); w.done > l.most {
			return nil, fmt.Errorf("the output is larger than %d bytes", l.most)
		}
	}
	w.cut(0)
	l.size = w.done
	return w.list, nil
}

func (l *loop) one(w *chunks, index int, elem reflect.Value) {
	for i := range l.pieces {
		switch p := &l.pieces[i]; {
		case p.path != nil:
			p.print(w, elem)
		case p.index:
			w.integer(int64(index))
		default:
			w.text.Write(p.text)
		}
	}
}

// print writes the field of elem as fmt does.
func (p *piece) print(w *chunks, elem reflect.Value) {
	for _, n := range p.numbers {
		elem = elem.Field(n)
	}
	switch p.kind {
	case reflect.String:
		w.text.WriteString(elem.String())
	case reflect.Bool:
		w.text.WriteString(strconv.FormatBool(elem.Bool()))
	case reflect.Map:
		w.text.WriteString(elem.Interface().(map[string]string)[p.key])
	default:
		w.integer(elem.Int())
	}
}

// resolve finds out how the pieces are to be had from an element of type t, and
// whether they are.
func (l *loop) resolve(t reflect.Type) bool {
	if t != l.elem {
		l.elem, l.usable = t, true
		for i := range l.pieces {
			p := &l.pieces[i]
			l.usable = l.usable && (p.path == nil || p.resolve(t, l.strict))
		}
	}
	return l.usable
}

func (p *piece) resolve(t reflect.Type, strict bool) bool {
	p.numbers = nil
	for i, name := range p.path {
		if t == reflect.TypeFor[map[string]string]() && i == len(p.path)-1 && !strict {
			p.kind, p.key = reflect.Map, name
			return true
		}
		f, ok := field(t, name)
		if !ok {
			return false
		}
		p.numbers = append(p.numbers, f.Index[0])
		t = f.Type
	}
	p.kind = t.Kind()
	return slices.Contains(plainTypes, t)
}

// plainTypes are types without methods that print knows.
var plainTypes = []reflect.Type{
	reflect.TypeFor[string](), reflect.TypeFor[bool](), reflect.TypeFor[int](), reflect.TypeFor[int64](),
}

// field returns the field that a struct of type t has itself under this name; it
// cannot have a method of the same name, which would come first.
func field(t reflect.Type, name string) (f reflect.StructField, ok bool) {
	if t.Kind() != reflect.Struct {
		return f, false
	}
	f, ok = t.FieldByName(name)
	return f, ok && f.IsExported() && len(f.Index) == 1
}

// chunks take a text in parts of at least a certain size.
type chunks struct {
	expect int // how large all may be together
	text   strings.Builder
	list   []string
	done   int // bytes in list
}

func (w *chunks) begin() {
	w.text = strings.Builder{}
	w.text.Grow(max(0, min(w.expect-w.done, chunkSize+chunkSize/8)))
}

// cut ends a chunk where it has reached that size.
func (w *chunks) cut(size int) {
	if n := w.text.Len(); n > 0 && n >= size {
		w.list = append(w.list, w.text.String())
		w.done += n
		w.begin()
	}
}

func (w *chunks) integer(n int64) {
	var digits [20]byte
	w.text.Write(strconv.AppendInt(digits[:0], n, 10))
}
