// Package quicktest makes templates at random, for tests that compare one way of
// executing them with another.
package quicktest

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// Words are what templates are made of.
type Words struct {
	Operands  []string // what stands for a value by itself: literals, fields, calls in parentheses
	Fields    []string // names of fields, keys and methods
	Functions []string
	Dot       string // what the dot is to be, an operand; "" for nothing
}

// Template returns a template that parses. Most have an error in what they do
// to what: the longer they are, the more of them.
func Template(rng *rand.Rand, w Words) string {
	g := &grower{rng: rng, words: w}
	if w.Dot != "" {
		fmt.Fprintf(&g.text, `{{ template "page" %s }}{{ define "page" }}`, w.Dot)
	}
	g.list(1+rng.IntN(3), 0)
	if w.Dot != "" {
		g.text.WriteString("{{ end }}")
	}
	if g.called {
		g.text.WriteString(`{{ define "part" }}`)
		g.list(1+rng.IntN(2), 2)
		g.text.WriteString("{{ end }}")
	}
	return g.text.String()
}

type grower struct {
	rng    *rand.Rand
	words  Words
	text   strings.Builder
	vars   []string // that are declared
	loops  int      // around the place
	called bool     // the template part is called
}

func (g *grower) list(n, depth int) {
	defer func(n int) { g.vars = g.vars[:n] }(len(g.vars))
	for range n {
		g.node(depth)
	}
}

func (g *grower) node(depth int) {
	kinds := 14
	if depth > 1 {
		kinds = 6
	}
	switch g.rng.IntN(kinds) {
	case 0:
		g.text.WriteString(pick(g.rng, []string{"text ", "\n", "{{- /* comment */ -}}", "é"}))
	case 1:
		g.declaration()
	case 2, 3, 4, 5:
		fmt.Fprintf(&g.text, "{{ %s }}", g.pipeline(depth))
	case 6, 7:
		g.block("if", depth)
	case 8, 9:
		g.block("with", depth)
	case 10, 11, 12:
		g.block("range", depth)
	case 13:
		g.called = true
		fmt.Fprintf(&g.text, `{{ template "part" %s }}`, g.operand(depth))
	}
}

func (g *grower) declaration() {
	if len(g.vars) > 0 && g.rng.IntN(2) == 0 {
		fmt.Fprintf(&g.text, "{{ %s = %s }}", pick(g.rng, g.vars), g.pipeline(1))
		return
	}
	name := pick(g.rng, []string{"$a", "$b"})
	fmt.Fprintf(&g.text, "{{ %s := %s }}", name, g.pipeline(1))
	g.vars = append(g.vars, name)
}

// block writes an if, with or range, with variables, an else, and what may leave
// a loop.
func (g *grower) block(keyword string, depth int) {
	defer func(n int) { g.vars = g.vars[:n] }(len(g.vars))
	fmt.Fprintf(&g.text, "{{ %s %s%s }}", keyword, g.declared(keyword), g.pipeline(depth))
	if keyword == "range" {
		g.loops++
	}
	g.list(1+g.rng.IntN(2), depth+1)
	if g.loops > 0 && g.rng.IntN(4) == 0 {
		g.text.WriteString(pick(g.rng, []string{"{{ break }}", "{{ continue }}"}))
	}
	if keyword == "range" {
		g.loops--
	}
	if g.rng.IntN(3) == 0 {
		g.text.WriteString("{{ else }}")
		g.list(1, depth+1)
	}
	g.text.WriteString("{{ end }}")
}

// declared returns the variables of a block with := or =, or nothing.
func (g *grower) declared(keyword string) string {
	switch n := g.rng.IntN(6); {
	case n == 0 && len(g.vars) > 0 && keyword == "range":
		return pick(g.rng, g.vars) + ", " + pick(g.rng, g.vars) + " = "
	case n == 1 && len(g.vars) > 0:
		return pick(g.rng, g.vars) + " = "
	case n == 2 && keyword == "range":
		g.vars = append(g.vars, "$i", "$e")
		return "$i, $e := "
	case n == 3:
		g.vars = append(g.vars, "$e")
		return "$e := "
	default:
		return ""
	}
}

func (g *grower) pipeline(depth int) string {
	text := g.operand(depth)
	if g.rng.IntN(2) > 0 {
		text = g.call(depth)
	}
	for g.rng.IntN(4) == 0 {
		text += " | " + g.call(depth)
	}
	return text
}

func (g *grower) call(depth int) string {
	text := pick(g.rng, g.words.Functions)
	for range g.rng.IntN(3) {
		text += " " + g.operand(depth)
	}
	return text
}

func (g *grower) operand(depth int) string {
	field := "." + pick(g.rng, g.words.Fields)
	switch g.rng.IntN(8) {
	case 0:
		return "."
	case 1:
		return field
	case 2:
		if len(g.vars) > 0 {
			return pick(g.rng, g.vars) + pick(g.rng, []string{"", field})
		}
		return "$" + field
	case 3:
		if depth < 4 {
			return "(" + g.pipeline(depth+2) + ")" + pick(g.rng, []string{"", "", field})
		}
	}
	return pick(g.rng, g.words.Operands)
}

func pick(rng *rand.Rand, from []string) string { return from[rng.IntN(len(from))] }
