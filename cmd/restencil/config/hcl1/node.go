package hcl1

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
)

// A Node is a value in a file.
type Node struct {
	// Value is a string, int64, float64 or bool, []Node for a list, or []Field
	// for an object or a block.
	Value any
	Range hcl.Range
}

// A Field is a setting or block. A labelled block is a field named after its type, whose
// value is an object with a field named after the label. A list of blocks, which is how
// JSON repeats a block, is a field for each.
type Field struct {
	Name  string
	Range hcl.Range // of the name
	Value Node
	Label bool // Name is the label of a block, or may be: JSON does not tell
}

// Block returns the fields of an object or a block.
func (n Node) Block() (fields []Field, ok bool) {
	fields, ok = n.Value.([]Field)
	return fields, ok
}

// List returns the elements of a list.
func (n Node) List() (items []Node, ok bool) {
	items, ok = n.Value.([]Node)
	return items, ok
}

// IsBlock reports whether n is an object or a block.
func (n Node) IsBlock() bool {
	_, ok := n.Block()
	return ok
}

// String describes the value in error messages.
func (n Node) String() string {
	switch v := n.Value.(type) {
	case string:
		return "the string " + shorten(strconv.Quote(v))
	case int64, float64:
		return fmt.Sprintf("the number %v", v)
	case bool:
		return fmt.Sprint(v)
	case []Node:
		return "a list"
	}
	return "a block"
}

// shorten truncates text in messages.
func shorten(s string) string {
	if r := []rune(s); len(r) > 40 {
		return string(r[:37]) + "…"
	}
	return s
}

// Quote quotes a string for Parse. Because "${…}" is literal there, the dollar is
// escaped.
func Quote(s string) string {
	quoted := strconv.Quote(s)
	if !utf8.ValidString(s) {
		quoted = strconv.QuoteToASCII(s)
	}
	return strings.ReplaceAll(quoted, "${", `\x24{`)
}
