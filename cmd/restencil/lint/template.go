package lint

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	texttemplate "text/template"
	"text/template/parse"
	"unicode/utf8"

	"restencil/cmd/restencil/config/hcl1"
	"restencil/funcs"
	"restencil/template"
	"restencil/watch/lazyregexp"
	"restencil/watch/suggest"
)

// A place is where the text of a template stands.
type place struct {
	file  string
	first int           // the line of the file that the text begins with, from 0
	key   hcl1.Position // or the place of the setting, where it has the text in a form whose lines cannot be told
}

// Template looks at the template of a file.
func (l *Linter) Template(o template.Options) {
	l.files[o.Name] = strings.Split(o.Text, "\n")
	l.template(o, place{file: o.Name})
}

// What bounds the work for a template, beside its length.
const (
	maxNodes    = 50_000 // that are looked at, those of a part again with values of another type
	maxFindings = 1000
	maxLook     = 100 // how many of the conditions around a range are looked at
)

// A checker goes through one template as an execution would, with the types of
// values in place of the values.
type checker struct {
	l       *Linter
	text    string
	place   place
	funcs   texttemplate.FuncMap
	mutable map[string]bool // variables that = gives another value: their type is unknown
	action  string          // the outermost pipeline under way, as it is written
	blocks  *blocks         // that the text before this node has left open
	lines   []string        // of text
	starts  []int           // where they begin
	nodes   int             // that were looked at
	found   int             // findings
	scope
	parts
	facts
}

// A scope is what holds at a node.
type scope struct {
	root    value // what $ is
	vars    []variable
	guards  []string // the conditions around the node, as they are written, and the lists that they are about
	catalog catalog
}

// parts are the definitions of a template, and how they are called.
type parts struct {
	trees   map[string]*parse.Tree
	used    map[string]bool
	dynamic bool            // some are called by names that are computed
	calling []string        // those under way
	seen    map[string]bool // calls that need not be looked at again
}

// facts are what a template does.
type facts struct {
	data    bool // it asks a store
	private bool // its output holds secrets
	secret  bool // it reads secrets, which are in the output or in a file of writeToFile
	writes  bool // it calls writeToFile
}

// A variable is one that can be seen here. The innermost is the last.
type variable struct {
	name string
	value
}

// A value is what is known of a value.
type value struct {
	typ      reflect.Type // nil: unknown
	list     string       // the call that asks a store for this list, which may be empty; "" for none
	constant bool         // no store decides what it is
}

// A catalog is a range over all services or nodes.
type catalog struct {
	pos    parse.Pos
	calls  []string // functions that ask for one of them; nil outside of such a range
	chosen bool     // a condition or a continue leaves some of them out
}

var (
	assigned = lazyregexp.New(`(\$\w+)\s*=`) // := has a colon before
	define   = lazyregexp.New("define\\s+[`\"]([^`\"]*)[`\"]")
	word     = lazyregexp.New(`^[.$]?[\w.]*`)
)

// template looks at a template that stands at a place.
func (l *Linter) template(o template.Options, at place) facts {
	tree := parse.New("")
	tree.Mode = parse.SkipFuncCheck
	c := &checker{
		l: l, text: o.Text, place: at, funcs: funcs.Map(new(funcs.Env)), mutable: make(map[string]bool), blocks: new(blocks),
		parts: parts{trees: make(map[string]*parse.Tree), used: make(map[string]bool), seen: make(map[string]bool)},
	}
	c.lines, c.starts = strings.Split(o.Text, "\n"), []int{0}
	for _, line := range c.lines {
		c.starts = append(c.starts, c.starts[len(c.starts)-1]+len(line)+1)
	}
	if _, err := tree.Parse(o.Text, o.LeftDelim, o.RightDelim, c.trees); err != nil {
		c.syntax(o, err)
		return c.facts
	}
	for _, m := range assigned.Get().FindAllStringSubmatch(o.Text, -1) {
		c.mutable[m[1]] = true
	}
	for _, form := range template.OldForms(o.Text) {
		c.report(parse.Pos(form.Offset), "old-spelling", form.Old+" is deprecated", "write "+form.Now)
	}
	c.part(tree.Name, value{})
	c.finish(tree.Name)
	if c.stops() && l.ctx.Err() == nil {
		c.report(0, "incomplete", fmt.Sprintf("no more than %d nodes were looked at, or no more than %d findings are shown", maxNodes, maxFindings), "")
	}
	c.private = c.private || c.secret && !c.writes
	return c.facts
}

// syntax adds what template.Parse says of a template that cannot be parsed.
func (c *checker) syntax(o template.Options, err error) {
	f := Finding{Rule: "syntax", Message: err.Error()}
	at := 0
	_, err = template.Parse(o, template.Host{})
	if e, ok := errors.AsType[*template.Error](err); ok {
		f.Message = e.Err.Error()
		if lines := strings.SplitAfter(o.Text, "\n"); 0 < e.Line && e.Line <= len(lines) {
			column := max(e.Column-1, strings.Index(lines[e.Line-1], cmp.Or(o.LeftDelim, "{{")), 0)
			at = len(strings.Join(lines[:e.Line-1], "")) + column
		}
	}
	c.locate(&f, at, "")
	c.l.add(f)
}

// finish looks at the parts that nobody calls.
func (c *checker) finish(main string) {
	defined := make(map[string]int)
	for _, m := range define.Get().FindAllStringSubmatchIndex(c.text, -1) {
		if name := c.text[m[2]:m[3]]; defined[name] == 0 {
			defined[name] = m[0]
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.trees)) {
		if c.stops() {
			return
		}
		if name == main || c.used[name] {
			continue
		}
		if !c.dynamic {
			pos := c.trees[name].Root.Pos
			if at := defined[name]; at > 0 {
				pos = parse.Pos(at)
			}
			c.report(pos, "unused-define", fmt.Sprintf("%q is defined and never used", name), "")
		}
		c.part(name, value{})
	}
}

// report adds a finding about a node.
func (c *checker) report(pos parse.Pos, rule, message, hint string) {
	f := Finding{Rule: rule, Message: message, Hint: hint}
	c.locate(&f, int(pos), c.text[min(int(pos), len(c.text)):])
	c.l.add(f)
	c.found++
}

// reportEmpty adds that an upstream may be without a server.
func (c *checker) reportEmpty(b branch) {
	c.report(b.pos, "empty-list", fmt.Sprintf("if %s finds nothing, this upstream has no server, and nginx refuses its whole configuration", b.list),
		"add {{ else }} with a server, such as: server 127.0.0.1:65535; # 502")
}

// locate gives a finding the place of an offset in the template. Its width is that
// of the word at the beginning of rest.
func (c *checker) locate(f *Finding, offset int, rest string) {
	offset = min(offset, len(c.text))
	line, found := slices.BinarySearch(c.starts, offset)
	if !found {
		line--
	}
	column := utf8.RuneCountInString(c.text[c.starts[line]:offset]) + 1
	if key := c.place.key; key != (hcl1.Position{}) {
		f.File, f.Line, f.Column = key.File, key.Line, key.Column
		f.Message = fmt.Sprintf("line %d, column %d of contents: %s", line+1, column, f.Message)
		return
	}
	f.File, f.Line, f.Column = c.place.file, c.place.first+line+1, column
	f.width = max(1, len(word.Get().FindString(rest)))
	own := c.lines[line]
	if lines := c.l.lines(f.File); f.Line <= len(lines) {
		f.source = strings.TrimSuffix(lines[f.Line-1], "\r")
		if indent, ok := strings.CutSuffix(f.source, strings.TrimSuffix(own, "\r")); ok { // <<- cuts it off
			f.Column += utf8.RuneCountInString(indent)
		}
	}
}

// part goes through a part of the template, or through the whole. What a part calls
// that calls itself, and a call like another one before, find nothing more.
func (c *checker) part(name string, dot value) {
	c.used[name] = true
	call := fmt.Sprint(name, dot, c.catalog, c.blocks.open)
	if c.seen[call] || slices.Contains(c.calling, name) {
		return
	}
	c.seen[call] = true
	outer := c.scope
	c.root, c.vars = dot, nil
	c.calling = append(c.calling, name)
	c.list(c.trees[name].Root, dot)
	c.calling = c.calling[:len(c.calling)-1]
	c.scope = outer
}

// call goes through the part that a template or executeTemplate calls.
func (c *checker) call(pos parse.Pos, name string, dot value) {
	if c.trees[name] != nil {
		c.part(name, dot)
		return
	}
	near := suggest.Nearest(name, slices.Sorted(maps.Keys(c.trees)))
	c.report(pos, "unknown-template", fmt.Sprintf("no template %q is defined", name), didYouMean(near))
	if near != "" {
		c.part(near, dot)
	}
}

// stops reports whether no more nodes are looked at.
func (c *checker) stops() bool {
	return c.nodes > maxNodes || c.found >= maxFindings || c.l.ctx.Err() != nil
}

func (c *checker) list(list *parse.ListNode, dot value) {
	if list == nil {
		return
	}
	for _, n := range list.Nodes {
		if c.nodes++; c.stops() {
			return
		}
		switch n := n.(type) {
		case *parse.TextNode:
			c.blocks.write(string(n.Text), c.reportEmpty)
		case *parse.ActionNode:
			c.pipe(n.Pipe, dot)
			if len(n.Pipe.Decl) == 0 {
				c.blocks.write("x", c.reportEmpty) // whatever it prints
			}
		case *parse.TemplateNode:
			c.call(n.Pos, n.Name, c.pipe(n.Pipe, dot))
		case *parse.IfNode:
			c.branch(&n.BranchNode, dot)
		case *parse.WithNode:
			c.branch(&n.BranchNode, dot)
		case *parse.RangeNode:
			c.branch(&n.BranchNode, dot)
		}
	}
}

// branch goes through an if, with or range, and both of its lists.
func (c *checker) branch(n *parse.BranchNode, dot value) {
	outer := c.scope
	v := c.pipeline(n.Pipe, dot)
	inner, around := dot, branch{}
	switch n.NodeType {
	case parse.NodeRange:
		key, element := elements(v.typ)
		inner = value{typ: element, constant: v.constant}
		c.declare(n.Pipe, value{typ: key, constant: v.constant}, inner)
		list := n.Pipe.Cmds[0].String()
		if !slices.ContainsFunc(c.guards[max(0, len(c.guards)-maxLook):], func(guard string) bool {
			return strings.Contains(guard, v.list) || strings.Contains(guard, list)
		}) {
			around = branch{pos: n.Pipe.Pos, list: v.list}
		}
		if calls := elementCalls(strings.Fields(v.list + " -")[0]); calls != nil {
			c.catalog = catalog{pos: n.Pipe.Pos, calls: calls}
		}
	default:
		condition := n.Pipe.String()
		c.guards = append(c.guards, condition) // what it overwrites is of lists that have ended
		for _, v := range c.vars[max(0, len(c.vars)-maxLook):] {
			if v.list != "" && strings.Contains(condition, v.name) {
				c.guards = append(c.guards, v.list)
			}
		}
		c.declare(n.Pipe, v)
		if n.NodeType == parse.NodeWith {
			inner = value{typ: v.typ, constant: v.constant} // a list that is not empty
		} else {
			c.catalog.chosen = true
		}
	}
	open, condition := slices.Clone(c.blocks.open), c.scope
	c.blocks.around = append(c.blocks.around, around)
	c.list(n.List, inner)
	then := c.blocks.open
	if n.ElseList != nil {
		c.scope, c.blocks.open = condition, open
		c.blocks.around[len(c.blocks.around)-1] = branch{otherwise: true}
		c.list(n.ElseList, dot)
		c.blocks.open = then
	}
	c.blocks.around = c.blocks.around[:len(c.blocks.around)-1]
	c.scope = outer
	c.catalog.chosen = c.catalog.chosen || n.NodeType == parse.NodeIf && leaves(n)
}

// leaves reports whether a list of an if ends with continue.
func leaves(n *parse.BranchNode) bool {
	for _, list := range []*parse.ListNode{n.List, n.ElseList} {
		if list != nil && slices.ContainsFunc(list.Nodes, func(n parse.Node) bool { return n.Type() == parse.NodeContinue }) {
			return true
		}
	}
	return false
}
