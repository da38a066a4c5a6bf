// Package hcl1 reads configuration files that were written for HCL 1, or for
// its JSON form, into a tree of values with their places.
//
// hcl/v2 cuts a file into tokens, once what it would take for its own
// interpolation is hidden from it ([Source.hidden]). Its grammar does not fit:
// HCL 1 lets a key stand twice, several settings stand on one line, and an
// object stand for a block. HCL 1's is small, and is that of parser.object.
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

// A Field is a setting or block of an object, in the order of the file. A label
// of a block is a block within it.
type Field struct {
	Name  string
	Range hcl.Range // of the name
	Value Node
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

// Blocks returns the blocks that n stands for: itself, or the elements of a
// list, which is how JSON repeats a block. It is nil where n is neither.
func (n Node) Blocks() []Node {
	if _, ok := n.Block(); ok {
		return []Node{n}
	}
	items, _ := n.List()
	for _, item := range items {
		if _, ok := item.Block(); !ok {
			return nil
		}
	}
	return items
}

// String names the value in error messages.
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

// shorten keeps messages to one line.
func shorten(s string) string {
	if r := []rune(s); len(r) > 40 {
		return string(r[:37]) + "…"
	}
	return s
}

// Quote writes a string so that Parse reads it back. What follows "${" is taken
// as it is there, so that dollar is written as its code.
func Quote(s string) string {
	quoted := strconv.Quote(s)
	if !utf8.ValidString(s) {
		quoted = strconv.QuoteToASCII(s)
	}
	return strings.ReplaceAll(quoted, "${", `\x24{`)
}
