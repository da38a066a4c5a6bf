package yamldoc

import (
	"fmt"
	"iter"
	"maps"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"restencil/watch/suggest"
)

// A Decoder decodes YAML nodes. It continues after an error, and keeps the first.
type Decoder struct{ Err error }

// Fail records an error about n, if it is the first.
func (d *Decoder) Fail(n *yaml.Node, format string, args ...any) {
	if d.Err == nil {
		d.Err = ErrorAt(n, format, args...)
	}
}

// ErrorAt returns an *Error about n, to which InFile adds the file.
func ErrorAt(n *yaml.Node, format string, args ...any) error {
	return &Error{Line: n.Line, Column: n.Column, Msg: fmt.Sprintf(format, args...)}
}

// WantMap reports whether n is a map. If not, it fails with an error that begins
// with wanted.
func (d *Decoder) WantMap(n *yaml.Node, wanted string) bool {
	if !IsMap(n) {
		d.Fail(n, "%s, not %s", wanted, Describe(n))
	}
	return IsMap(n)
}

// Fields decode the value of each field of a map.
type Fields map[string]func(*yaml.Node)

// Fields decodes the fields of n, except those that are null. what is the map in
// errors, as in "a service".
func (d *Decoder) Fields(n *yaml.Node, what string, known Fields) {
	if !d.WantMap(n, what+" is a map") {
		return
	}
	for name, v := range Pairs(n) {
		decode := known[name.Value]
		switch {
		case decode == nil:
			d.Fail(name, "%s has no %q%s", what, name.Value, Nearest(name.Value, slices.Sorted(maps.Keys(known))))
		case !IsNull(v):
			decode(v)
		}
	}
}

// Nearest returns " (did you mean …?)" with the name nearest to written, or if
// none is near, " (known: …)" with all names.
func Nearest(written string, names []string) string {
	if best := suggest.Nearest(written, names); best != "" {
		return " (did you mean " + strconv.Quote(best) + "?)"
	}
	return " (known: " + strings.Join(names, ", ") + ")"
}

// Text returns a scalar as text, without quotes and escapes; "" for null.
func (d *Decoder) Text(n *yaml.Node) string {
	switch {
	case IsNull(n):
		return ""
	case n.Kind != yaml.ScalarNode:
		d.Fail(n, "a text stands here, not %s", Describe(n))
	}
	return n.Value
}

// Word returns a text that must be one of words, and is what in errors.
func (d *Decoder) Word(n *yaml.Node, what string, words ...string) string {
	text := d.Text(n)
	if !slices.Contains(words, text) {
		d.Fail(n, "%q is not %s%s", text, what, Nearest(text, words))
	}
	return text
}

// Number returns a number from 0 to 65535, such as a port or a weight.
func (d *Decoder) Number(n *yaml.Node, what string) int {
	number, err := strconv.ParseUint(n.Value, 10, 16)
	if err != nil {
		d.Fail(n, "%s is a number from 0 to 65535", what)
	}
	return int(number)
}

// Texts returns a list of texts, or the one text that stands for a list.
func (d *Decoder) Texts(n *yaml.Node) []string {
	texts := []string{}
	for _, item := range List(n) {
		texts = append(texts, d.Text(item))
	}
	return texts
}

// MapOf decodes the values of a map, which is what in errors.
func MapOf[T any](d *Decoder, n *yaml.Node, what string, value func(*yaml.Node) T) map[string]T {
	m := make(map[string]T)
	if d.WantMap(n, what+" is a map") {
		for name, v := range Pairs(n) {
			m[name.Value] = value(v)
		}
	}
	return m
}

// Pairs returns the names and values of a map.
func Pairs(n *yaml.Node) iter.Seq2[*yaml.Node, *yaml.Node] {
	return func(yield func(name, v *yaml.Node) bool) {
		for i := 0; i+1 < len(n.Content); i += 2 {
			if !yield(n.Content[i], n.Content[i+1]) {
				return
			}
		}
	}
}

// List returns the items of a list. Null is an empty list, and anything else a
// list of itself.
func List(n *yaml.Node) []*yaml.Node {
	switch {
	case n.Kind == yaml.SequenceNode:
		return n.Content
	case IsNull(n):
		return nil
	}
	return []*yaml.Node{n}
}

// IsMap reports whether n is a map.
func IsMap(n *yaml.Node) bool { return n.Kind == yaml.MappingNode }

// IsNull reports whether n is null, or nothing at all.
func IsNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.Tag == "!!null" }

// Describe says what n is, as errors name it.
func Describe(n *yaml.Node) string {
	switch {
	case IsNull(n):
		return "nothing"
	case n.Kind == yaml.ScalarNode:
		return "a text"
	case n.Kind == yaml.SequenceNode:
		return "a list"
	}
	return "a map"
}
