package cache

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"
)

// The functions of this file turn values into bytes and back, so that what
// comes back cannot be told apart from what there was: neither encoding/gob
// nor encoding/json keeps empty lists from nil ones in all the types of
// answers, and templates see the difference. Equal values are equal bytes.
//
// The types are those that layout accepts: plain values, no interfaces,
// nothing that refers to itself, no fields that are not exported.

var (
	timeType    = reflect.TypeFor[time.Time]()
	errBadBytes = errors.New("the bytes are damaged")
)

// layout describes how values of type t are encoded. It panics where they
// cannot be: types are chosen in this package.
func layout(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Bool, reflect.Int, reflect.Int64, reflect.Uint8, reflect.Uint64, reflect.String:
		return t.Kind().String()
	case reflect.Pointer:
		return "*" + layout(t.Elem())
	case reflect.Slice:
		return "[]" + layout(t.Elem())
	case reflect.Map:
		if t.Key().Kind() != reflect.String {
			panic(fmt.Sprintf("cache: a %s cannot be kept, for its keys", t))
		}
		return "map[" + layout(t.Key()) + "]" + layout(t.Elem())
	case reflect.Struct:
		if t == timeType {
			return "time"
		}
		return layoutOfFields(t)
	default:
		panic(fmt.Sprintf("cache: a %s cannot be kept", t))
	}
}

func layoutOfFields(t reflect.Type) string {
	var b strings.Builder
	for i := range t.NumField() {
		f := t.Field(i)
		if !f.IsExported() {
			panic(fmt.Sprintf("cache: a %s cannot be kept, for its field %s", t, f.Name))
		}
		fmt.Fprintf(&b, "%s %s;", f.Name, layout(f.Type))
	}
	return "{" + b.String() + "}"
}

// encode appends v to b.
func encode(b []byte, v reflect.Value) []byte {
	switch v.Kind() {
	case reflect.Bool:
		if v.Bool() {
			return append(b, 1)
		}
		return append(b, 0)
	case reflect.Int, reflect.Int64:
		return binary.AppendVarint(b, v.Int())
	case reflect.Uint8, reflect.Uint64:
		return binary.AppendUvarint(b, v.Uint())
	case reflect.String:
		return append(binary.AppendUvarint(b, uint64(v.Len())), v.String()...)
	case reflect.Pointer:
		if v.IsNil() {
			return append(b, 0)
		}
		return encode(append(b, 1), v.Elem())
	case reflect.Slice:
		return encodeList(b, v)
	case reflect.Map:
		return encodeMap(b, v)
	default:
		return encodeStruct(b, v)
	}
}

// encodeList writes a list as its length, plus one so that 0 is nil, and its
// elements.
func encodeList(b []byte, v reflect.Value) []byte {
	if v.IsNil() {
		return append(b, 0)
	}
	b = binary.AppendUvarint(b, uint64(v.Len())+1)
	if v.Type().Elem().Kind() == reflect.Uint8 {
		return append(b, v.Bytes()...)
	}
	for i := range v.Len() {
		b = encode(b, v.Index(i))
	}
	return b
}

// encodeMap writes a map as a list of keys, sorted, and values.
func encodeMap(b []byte, v reflect.Value) []byte {
	if v.IsNil() {
		return append(b, 0)
	}
	b = binary.AppendUvarint(b, uint64(v.Len())+1)
	keys := v.MapKeys()
	slices.SortFunc(keys, func(a, b reflect.Value) int { return cmp.Compare(a.String(), b.String()) })
	for _, key := range keys {
		b = encode(encode(b, key), v.MapIndex(key))
	}
	return b
}

func encodeStruct(b []byte, v reflect.Value) []byte {
	if at, ok := v.Interface().(time.Time); ok {
		text, err := at.MarshalBinary()
		if err != nil {
			text = nil // a zone that no store has; it comes back as an error
		}
		return encode(b, reflect.ValueOf(text))
	}
	for i := range v.NumField() {
		b = encode(b, v.Field(i))
	}
	return b
}

// A decoder reads what encode wrote. Its first error stays, and what it has
// read then means nothing.
type decoder struct {
	left []byte
	err  error
}

// decode sets the zero value v to what b holds, all of it.
func decode(b []byte, v reflect.Value) error {
	d := decoder{left: b}
	d.value(v)
	if d.err == nil && len(d.left) > 0 {
		d.err = errBadBytes
	}
	return d.err
}

func (d *decoder) value(v reflect.Value) {
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(d.uint() != 0)
	case reflect.Int, reflect.Int64:
		v.SetInt(d.int())
	case reflect.Uint8, reflect.Uint64:
		v.SetUint(d.uint())
	case reflect.String:
		v.SetString(string(d.bytes(d.uint())))
	case reflect.Pointer:
		if d.uint() != 0 && d.err == nil {
			v.Set(reflect.New(v.Type().Elem()))
			d.value(v.Elem())
		}
	case reflect.Slice:
		d.list(v)
	case reflect.Map:
		d.entries(v)
	default:
		d.fields(v)
	}
}

// count returns the length of a list; ok is false where that is nil. Each
// element takes a byte at least, so that no damaged length makes much room.
func (d *decoder) count() (n int, ok bool) {
	switch c := d.uint(); {
	case d.err != nil || c == 0:
		return 0, false
	case c-1 > uint64(len(d.left)):
		d.err = errBadBytes
		return 0, false
	default:
		return int(c - 1), true
	}
}

func (d *decoder) list(v reflect.Value) {
	n, ok := d.count()
	if !ok {
		return
	}
	if v.Type().Elem().Kind() == reflect.Uint8 {
		v.SetBytes(slices.Clone(d.bytes(uint64(n))))
		return
	}
	// Elements may take more room than bytes, so there is no more of it than
	// has been read.
	v.Set(reflect.MakeSlice(v.Type(), 0, 0))
	for i := 0; i < n && d.err == nil; i++ {
		v.Grow(1)
		v.SetLen(i + 1)
		d.value(v.Index(i))
	}
}

func (d *decoder) entries(v reflect.Value) {
	n, ok := d.count()
	if !ok {
		return
	}
	v.Set(reflect.MakeMap(v.Type()))
	for i := 0; i < n && d.err == nil; i++ {
		key, element := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		d.value(key)
		d.value(element)
		v.SetMapIndex(key, element)
	}
}

func (d *decoder) fields(v reflect.Value) {
	if at, ok := v.Addr().Interface().(*time.Time); ok {
		var text []byte
		d.value(reflect.ValueOf(&text).Elem())
		if d.err == nil {
			d.err = at.UnmarshalBinary(text)
		}
		return
	}
	for i := 0; i < v.NumField() && d.err == nil; i++ {
		d.value(v.Field(i))
	}
}

func (d *decoder) uint() uint64 {
	n, length := binary.Uvarint(d.left)
	d.skip(length)
	return n
}

func (d *decoder) int() int64 {
	n, length := binary.Varint(d.left)
	d.skip(length)
	return n
}

// skip goes on after a number of that length, which is not positive where
// there was none.
func (d *decoder) skip(length int) {
	if length <= 0 {
		d.left, d.err = nil, cmp.Or(d.err, errBadBytes)
		return
	}
	d.left = d.left[length:]
}

func (d *decoder) bytes(n uint64) []byte {
	if n > uint64(len(d.left)) {
		d.left, d.err = nil, cmp.Or(d.err, errBadBytes)
		return nil
	}
	b := d.left[:n]
	d.left = d.left[n:]
	return b
}
