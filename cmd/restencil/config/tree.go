package config

import (
	"fmt"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// A node is a value in a file. What it is shows in the type of value: string,
// int64, float64, bool, []node for a list, []field for an object or a block.
type node struct {
	value      any
	start, end int // bytes of the source
}

// A field is a setting or block of an object, in the order of the file.
type field struct {
	name       string
	start, end int // of the name
	value      node
}

func (n node) isList() bool {
	_, ok := n.value.([]node)
	return ok
}

func (n node) isBlock() bool {
	_, ok := n.value.([]field)
	return ok
}

// what names the kind of a node for error messages.
func (n node) what() string {
	switch v := n.value.(type) {
	case string:
		return "the string " + shorten(fmt.Sprintf("%q", v))
	case int64, float64:
		return fmt.Sprintf("the number %v", v)
	case bool:
		return fmt.Sprint(v)
	case []node:
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

// parse reads the text of a file, HCL or (where it begins with a brace) JSON.
func parse(src *source) ([]field, Diagnostics) {
	json := strings.HasPrefix(strings.TrimLeft(src.text, " \t\r\n\v\f\u0085\u00a0"), "{")
	tokens, problems := scan(src, json)
	if problems != nil {
		return nil, problems
	}
	if len(tokens) == 0 {
		return nil, nil
	}
	skel, problems := normalise(src, tokens, json)
	if problems != nil {
		return nil, problems
	}
	expr, diags := hclsyntax.ParseExpression([]byte(skel.text), src.name, hcl.InitialPos)
	t := &treeBuilder{source: src, skeleton: skel, tokens: make(map[int]token, len(tokens))}
	for _, tok := range tokens {
		t.tokens[tok.start] = tok
	}
	t.adopt(diags)
	if t.problems != nil {
		return nil, t.problems
	}
	root := t.node(expr)
	fields, _ := root.value.([]field)
	return fields, t.problems
}

// A treeBuilder makes nodes of the expressions of hcl/v2.
type treeBuilder struct {
	*source
	skeleton
	tokens   map[int]token // by their first byte
	problems Diagnostics
}

// adopt takes over what hcl/v2 finds wrong with the structure.
func (t *treeBuilder) adopt(diags hcl.Diagnostics) {
	for _, d := range diags {
		if d.Severity != hcl.DiagError {
			continue
		}
		start, end := t.span(*d.Subject)
		message := strings.ToLower(d.Summary[:1]) + d.Summary[1:]
		t.problems = append(t.problems, t.diagnose(start, end, message, d.Detail))
	}
}

// span returns the bytes of the source that a range of the skeleton stands for.
func (t *treeBuilder) span(r hcl.Range) (start, end int) {
	start = t.original(r.Start.Byte)
	return start, max(start, t.original(r.End.Byte-1)+1)
}

func (t *treeBuilder) node(expr hclsyntax.Expression) node {
	start, end := t.span(expr.Range())
	n := node{start: start, end: end}
	switch e := expr.(type) {
	case *hclsyntax.ObjectConsExpr:
		n.value = t.fields(e)
	case *hclsyntax.TupleConsExpr:
		list := make([]node, len(e.Exprs))
		for i, item := range e.Exprs {
			list[i] = t.node(item)
		}
		n.value = list
	default:
		n.value = t.literal(start, end)
	}
	return n
}

func (t *treeBuilder) fields(e *hclsyntax.ObjectConsExpr) []field {
	fields := make([]field, 0, len(e.Items))
	for _, item := range e.Items {
		start, end := t.span(item.KeyExpr.Range())
		tok := t.tokens[start]
		f := field{start: start, end: end}
		f.name, _ = tok.value.(string)
		f.value = t.node(item.ValueExpr)
		fields = append(fields, f)
	}
	return fields
}

// literal returns the value of the one token that an expression must be.
func (t *treeBuilder) literal(start, end int) any {
	tok, ok := t.tokens[start]
	if !ok || tok.end != end || tok.kind == tokenIdentifier || tok.kind == tokenPunctuation {
		text := t.source.text[start:end]
		t.problems = append(t.problems, t.diagnose(start, end, "expected a value, found "+shorten(text),
			fmt.Sprintf("a string stands in double quotes: %q", text)))
		return nil
	}
	return tok.value
}
