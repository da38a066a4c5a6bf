package template

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// An Element is an element of the value of Options.ForEach.
type Element struct {
	Dot  any    // the element; of a map, a MapElement
	Text string // what the template's text is for it

	Secrets Secrets // that the list was made of
}

// A MapElement is an element of a map.
type MapElement struct {
	Key   string
	Value any
}

const (
	forEachFunction  = "for_each" // as errors show it
	elementSeparator = "\x00"     // which no path has
)

// forEachText returns the text of a template that executes the text of o for each
// element.
func forEachText(o Options) string {
	left, right := cmp.Or(o.LeftDelim, "{{"), cmp.Or(o.RightDelim, "}}")
	return left + "range " + forEachFunction + " (" + o.ForEach + ")" + right + o.Text + elementSeparator + left + "end" + right
}

// elementsOf returns the elements of a list, or of a map, in the order of its keys.
func elementsOf(list any) ([]any, error) {
	v := reflect.ValueOf(list)
	elements := []any{}
	switch v.Kind() {
	case reflect.Invalid: // nothing
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			elements = append(elements, v.Index(i).Interface())
		}
	case reflect.Map:
		byKey := make(map[string]any, v.Len())
		for _, key := range v.MapKeys() {
			byKey[fmt.Sprint(key)] = v.MapIndex(key).Interface()
		}
		for _, key := range slices.Sorted(maps.Keys(byKey)) {
			elements = append(elements, MapElement{key, byKey[key]})
		}
	default:
		return nil, fmt.Errorf("for_each needs a list or a map, such as ls \"sites\" returns, not %s", v.Type())
	}
	return elements, nil
}

// pair returns the elements with their texts, which are the content of r.
func pair(elements []any, r Result) ([]Element, error) {
	texts := strings.Split(string(r.Content), elementSeparator)
	if len(texts) != len(elements)+1 {
		return nil, errors.New("the text for an element has a zero byte")
	}
	paired := make([]Element, len(elements))
	for i, e := range elements {
		paired[i] = Element{Dot: e, Text: texts[i], Secrets: r.Secrets}
	}
	return paired, nil
}
