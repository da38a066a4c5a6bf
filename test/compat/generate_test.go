package compat

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
)

// A generator makes up templates whose expressions fit together, now and then
// with one that does not. The same seed makes the same ones.
type generator struct {
	*rand.Rand
	makers  map[kind][]function // by the kind they can stand for
	scope   []variable
	spoil   int // how many expressions are left before one is spoilt; negative: none is
	names   int
	defined []kind // what the template "sub" takes, where there is one
}

// A variable is what an expression can name.
type variable struct {
	text string
	kind kind
}

// newVariable returns the variable that is written so. A map is copied where
// it is used: a map that was put into itself would end consul-template.
func newVariable(text string, k kind) variable {
	if k == "dict" {
		text = "(sprig_deepCopy " + text + ")"
	}
	return variable{text, k}
}

func newGenerator(seed uint64) *generator {
	g := &generator{Rand: rand.New(rand.NewPCG(seed, 0)), makers: make(map[kind][]function)}
	for _, k := range []kind{"str", "num", "seq", "map", "any"} {
		g.index(k)
	}
	return g
}

// index notes which functions make k and each kind in it.
func (g *generator) index(k kind) {
	all := within(k)
	g.makers[k] = nil
	for _, f := range functions {
		if slices.Contains(all, f.result) {
			g.makers[k] = append(g.makers[k], f)
		}
	}
	for _, sub := range contains[k] {
		g.index(sub)
	}
}

// template makes up one template. One in six has a wrong argument somewhere;
// others fail all by themselves.
func (g *generator) template() *node {
	g.scope, g.names, g.defined, g.spoil = nil, 0, nil, -1
	if g.IntN(6) == 0 {
		g.spoil = g.IntN(8)
	}
	defines := statement("")
	if g.IntN(4) == 0 {
		defines = g.definition()
	}
	all := g.statements(1+g.IntN(3), 2)
	texts := make([]string, len(all))
	for i := range texts {
		texts[i] = g.between()
	}
	return statement("%s"+beginning+"%s", defines, sequence(all, texts))
}

// between makes up text that stands outside of actions.
func (g *generator) between() string {
	if g.IntN(3) > 0 {
		return "\n"
	}
	text := strings.ReplaceAll(g.text(8), "{", "")
	return text + [...]string{"", "\r\n", " {{- /* gone */ -}} ", " }}"}[g.IntN(4)]
}

// definition makes up a template that others call.
func (g *generator) definition() *node {
	k := g.oneOf("str", "int", "any", "list", "dict")
	d := statement("{{ define \"sub\" }}%s{{ end }}", g.block(2, newVariable(".", k)))
	g.defined = []kind{k}
	return d
}

// statements makes up count of them, which may nest depth deep. What they
// define is gone after the last.
func (g *generator) statements(count, depth int) []*node {
	outer := len(g.scope)
	all := make([]*node, count)
	for i := range all {
		all[i] = g.statement(depth)
	}
	g.scope = g.scope[:outer]
	return all
}

func (g *generator) statement(depth int) *node {
	if depth == 0 {
		return g.output()
	}
	switch g.IntN(16) {
	case 0:
		return statement("{{ if %s }}%s{{ else }}%s{{ end }}", g.sound(g.oneOf("bool", "any"), 2), g.block(depth), g.block(depth))
	case 1:
		return statement("{{ if %s }}%s{{ else if %s }}%s{{ end }}", g.sound("bool", 2), g.block(depth), g.sound("any", 1), g.block(depth))
	case 2:
		k := g.oneOf("str", "int", "list", "dict")
		return statement("{{ with %s }}%s{{ else }}none{{ end }}", g.sound(k, 2), g.block(depth, newVariable(".", k)))
	case 3, 4, 5:
		return g.ranging(depth)
	case 6, 7:
		return g.assignment(depth)
	case 8, 9:
		return g.fields()
	case 10:
		return g.templateCall()
	default:
		return g.output()
	}
}

// templateCall makes up a call of the template that definition made.
func (g *generator) templateCall() *node {
	if len(g.defined) == 0 {
		return g.output()
	}
	x := g.sound(g.defined[0], 2)
	if g.IntN(2) == 0 {
		return statement("{{ template \"sub\" %s }}", x)
	}
	return statement("{{ executeTemplate \"sub\" %s | len }} {{ executeTemplate \"sub\" }}", x)
}

// block makes up the inside of a control structure, which has the variables in
// scope too.
func (g *generator) block(depth int, variables ...variable) *node {
	outer := g.scope
	for _, v := range variables {
		g.scope = slices.DeleteFunc(slices.Clone(g.scope), func(old variable) bool { return old.text == v.text })
		g.scope = append(g.scope, v)
	}
	inside := g.statements(1, depth-1)[0]
	g.scope = outer
	return inside
}

// output makes up an action that prints.
func (g *generator) output() *node {
	k := g.oneOf("str", "str", "num", "int", "float", "bool", "any", "list", "strs", "dict", "smap", "json", "yaml")
	x := g.sound(k, 3)
	switch g.IntN(5) {
	case 0:
		return statement("{{ $x := %s }}{{ $x }} {{ printf \"%%T %%v\" $x $x }}", x)
	case 1:
		return statement("[{{- %s -}}]", x)
	case 2:
		return statement("{{ %s | toJSON }}", x)
	default:
		return statement("{{ %s }}", x)
	}
}

// ranging makes up a loop, in one of the ways to write it.
func (g *generator) ranging(depth int) *node {
	g.names++
	i, e := fmt.Sprintf("$i%d", g.names), fmt.Sprintf("$e%d", g.names)
	over, key, element := g.iterable()
	switch g.IntN(5) {
	case 0:
		return statement("{{ range %s }}%s;{{ else }}none{{ end }}", over, g.block(depth, newVariable(".", element)))
	case 1:
		return statement("{{ range "+e+" := %s }}%s;{{ end }}", over, g.block(depth, newVariable(e, element), newVariable(".", element)))
	case 2:
		stop := [...]string{"break", "continue"}[g.IntN(2)]
		return statement("{{ range "+i+", "+e+" := %s }}{{ if %s }}"+stop+"ed{{ "+stop+" }}{{ end }}%s;{{ end }}",
			over, g.guarding(i, key), g.block(depth, newVariable(e, element)))
	case 3:
		k := g.oneOf("str", "int", "any")
		v := fmt.Sprintf("$v%d", g.names)
		inside := g.block(depth, newVariable(e, element), newVariable(v, k))
		return statement("{{ "+v+" := %s }}{{ range "+i+", "+e+" := %s }}%s{{ "+v+" = %s }}{{ end }}{{ "+v+" }}",
			g.sound(k, 1), over, inside, g.sound(k, 1))
	default:
		return statement("{{ range "+i+", "+e+" := %s }}%s;{{ end }}", over, g.block(depth, newVariable(i, key), newVariable(e, element)))
	}
}

// iterable makes up something to range over, with the kinds of its keys and
// elements.
func (g *generator) iterable() (over *node, key, element kind) {
	switch k := g.oneOf("strs", "list", "ints", "dict", "smap", "n", "loop"); k {
	case "strs":
		return g.sound(k, 2), "int", "str"
	case "ints":
		return g.sound(k, 2), "int", "int"
	case "smap":
		return g.sound(k, 2), "str", "str"
	case "dict":
		return g.sound(k, 2), "str", "any"
	case "n":
		return g.sound(k, 0), "int", "int"
	case "loop":
		return expression("(loop %s %s)", g.sound("n", 0), g.sound("n", 0)), "int", "int"
	default:
		return g.sound("list", 2), "int", "any"
	}
}

// guarding makes up a condition that holds for some keys.
func (g *generator) guarding(name string, k kind) *node {
	if k == "int" {
		return expression("(gt "+name+" %s)", g.sound("n", 0))
	}
	return expression("(eq "+name+" %s)", g.sound("str", 0))
}

// assignment makes up a variable or a value in the scratchpad, and uses it.
func (g *generator) assignment(depth int) *node {
	g.names++
	k := g.oneOf("str", "int", "any", "list", "dict", "float")
	x := g.sound(k, 2)
	if g.IntN(2) == 0 {
		v := fmt.Sprintf("$v%d", g.names)
		return statement("{{ "+v+" := %s }}%s", x, g.block(depth, newVariable(v, k)))
	}
	set := fmt.Sprintf("{{ scratch.Set \"k%d\" %%s }}%%s", g.names)
	return statement(set, x, g.block(depth, newVariable(fmt.Sprintf("(scratch.Get \"k%d\")", g.names), k)))
}

// forms are actions that use the fields of what Consul answers, with the kinds
// of the expressions in them.
var forms = []struct {
	format string
	kinds  []kind
}{
	{"{{ range %s }}{{ .Key }}={{ .Value }} {{ .Path }} {{ .Flags }};{{ end }}", []kind{"pairs"}},
	{"{{ range %s }}server {{ .Address }}:{{ .Port }};\n{{ end }}", []kind{"services"}},
	{"{{ range $s := %s }}{{ $s.ID }} {{ .Name }} {{ $s.NodeMeta.rack }}{{ .ServiceMeta.weight }}{{ .ServiceMeta.nosuch }}{{ else }}none{{ end }}", []kind{"services"}},
	{"{{ range $i, $s := %s }}{{ $i }} {{ $s.Weights.Warning }} {{ .Port }} {{ $s.ServiceMeta }}|{{ end }}", []kind{"services"}},
	{"{{ range $i, $p := %s }}{{ $i }}{{ .Key }}={{ $p.Value }}\n{{ else }}none{{ end }}", []kind{"pairs"}},
	{"{{ range %s }}{{ .Name }}\n{{ end }}{{ range %s }}{{ .Node }} {{ .Meta.rack }} {{ .Address }}{{ end }}", []kind{"snippets", "nodes"}},
	{"{{ range %s }}<{{ . }}>{{ end }}", []kind{"list"}},
	{"{{ range $i, $e := %s }}{{ $i }}:{{ $e }}{{ . }},{{ end }}", []kind{"strs"}},
	{"{{ range %s }}{{ . }},{{ else }}none{{ end }}", []kind{"map"}},
	{"{{ range %s }}{{ .a }}{{ end }}", []kind{"list"}},
	{"{{ range $i, $s := %s }}{{ if $i }},{{ end }}{{ $s.Address }}:{{ $s.Port }}{{ if $s.Tags | contains %s }}!{{ end }}{{ end }}", []kind{"services", "str"}},
	{"{{ range %s }}{{ .Node }} {{ .ID }} {{ .Tags | join %s }} {{ .ServiceMeta }} {{ .Weights.Passing }};{{ end }}", []kind{"services", "sep"}},
	{"{{ range %s }}{{ .Status }}{{ range .Checks }} {{ .CheckID }}={{ .Status }}{{ end }};{{ end }}", []kind{"services"}},
	{"{{ range %s }}{{ if eq .Port 8080 }}{{ continue }}{{ end }}{{ with .ServiceMeta.version }}{{ . }}{{ end }}{{ .ID }};{{ end }}", []kind{"services"}},
	{"{{ range %s }}[{{ index .ServiceMeta %s }}]{{ range $k, $v := .NodeMeta }}{{ $k }}{{ $v }}{{ end }};{{ end }}", []kind{"services", "str"}},
	{"{{ range $k, $s := byMeta %s %s }}{{ $k }}={{ len $s }};{{ end }}", []kind{"str", "services"}},
	{"{{ range %s }}{{ .Name }} {{ .Tags }} {{ .Tags | contains %s }};{{ end }}", []kind{"snippets", "str"}},
	{"{{ range %s }}{{ .Node }} {{ .Address }} {{ .Meta }} {{ .TaggedAddresses.wan }};{{ end }}", []kind{"nodes"}},
	{"{{ range $tag, $all := byTag %s }}{{ $tag }}:{{ range $all }} {{ .Name }} {{ .Tags }}{{ end }};{{ end }}", []kind{"services"}},
	{"{{ range $tag, $all := byTag %s }}{{ $tag }}:{{ range $all }} {{ .Name }}{{ end }};{{ end }}", []kind{"snippets"}},
	{"{{ range $name, $pairs := byKey %s }}{{ $name }}{{ range $rest, $p := $pairs }} {{ $rest }}={{ .Value }} {{ $p.Key }}{{ end }};{{ end }}", []kind{"pairs"}},
	{"{{ with index %s %s }}{{ .Name }} {{ .ID }} {{ .NodeMeta.rack }}{{ end }}", []kind{"services", "n"}},
	{"{{ with %s }}{{ .Node.Node }} {{ range .Services }}{{ .ID }} {{ .Port }} {{ .Meta }};{{ end }}{{ end }}", []kind{"host"}},
}

// fields makes up one of forms.
func (g *generator) fields() *node {
	form := forms[g.IntN(len(forms))]
	kids := make([]*node, len(form.kinds))
	for i, k := range form.kinds {
		kids[i] = g.expression(k, 1)
	}
	return statement(form.format, kids...)
}

// sound makes up an expression that is itself of kind k, whatever its parts.
func (g *generator) sound(k kind, depth int) *node {
	if g.spoil == 0 {
		g.spoil++
	}
	return g.expression(k, depth)
}

func (g *generator) oneOf(kinds ...kind) kind { return kinds[g.IntN(len(kinds))] }

// expression makes up a value of kind k, of calls at most depth deep.
func (g *generator) expression(k kind, depth int) *node {
	if g.spoil == 0 {
		g.spoil = -1
		k = g.wrong(k)
	}
	if g.spoil > 0 {
		g.spoil--
	}
	if makers := g.makers[k]; depth > 0 && len(makers) > 0 && g.IntN(4) > 0 {
		return g.call(makers[g.IntN(len(makers))], depth)
	}
	return g.value(k)
}

// wrong returns another kind than k. What counts how often something is done
// must not become a large number, and a pointer must not get where it would be
// printed: its text is another one in each process.
func (g *generator) wrong(k kind) kind {
	others := []kind{"str", "int", "float", "bool", "list", "strs", "dict", "smap", "ymap", "nil"}
	switch k {
	case "n":
		others = []kind{"list", "dict", "bool", "nil", "small"}
	case "num", "bool", "dict", "digits", "decimal", "boolean", "json", "yaml", "base64", "regex", "sep":
		others = append(others, "pairs", "services")
	}
	others = slices.DeleteFunc(others, func(other kind) bool { return slices.Contains(within(k), other) })
	if len(others) == 0 {
		return "nil"
	}
	return g.oneOf(others...)
}

// call makes up a call, in one of the ways to write it.
func (g *generator) call(f function, depth int) *node {
	kids := make([]*node, len(f.args))
	for i, k := range f.args {
		kids[i] = g.expression(k, depth-1)
	}
	if last := len(kids) - 1; last >= 0 && g.IntN(3) == 0 {
		kids = append([]*node{kids[last]}, kids[:last]...)
		return expression("(%s | "+f.name+strings.Repeat(" %s", last)+")", kids...)
	}
	return expression("("+f.name+strings.Repeat(" %s", len(kids))+")", kids...)
}

// value makes up a value without a call: a variable, a literal, or what is
// asked for.
func (g *generator) value(k kind) *node {
	kinds := within(k)
	var names, asked, written []string
	for _, v := range g.scope {
		if slices.Contains(kinds, v.kind) {
			names = append(names, v.text)
		}
	}
	for _, sub := range kinds {
		asked = append(asked, answers[sub]...)
		written = append(written, literals[sub]...)
	}
	if literal := g.fresh(kinds[g.IntN(len(kinds))]); literal != "" && g.IntN(3) == 0 {
		return leaf(literal)
	}
	for _, choice := range [][]string{names, asked, written} {
		if len(choice) > 0 && (g.IntN(2) == 0 || len(written) == 0) {
			return leaf(choice[g.IntN(len(choice))])
		}
	}
	if len(written) == 0 {
		written = literals["nil"]
	}
	return leaf(written[g.IntN(len(written))])
}
