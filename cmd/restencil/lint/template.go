package lint

import (
	"cmp"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
	texttemplate "text/template"
	"text/template/parse"
	"unicode/utf8"

	"restencil/cmd/restencil/config/hcl1"
	"restencil/funcs"
	"restencil/template"
	"restencil/watch/suggest"
)

// A place is where the text of a template stands.
type place struct {
	file  string
	first int           // the line of the file that the text begins with, from 0
	key   hcl1.Position // or the place of the setting, where it has the text in a form whose lines cannot be told
}

// facts are what a template does, as far as its configuration matters for that.
type facts struct {
	private bool // its output holds secrets
	data    bool // its output depends on a store
}

// Template looks at the template of a file.
func (l *Linter) Template(o template.Options) {
	l.files[o.Name] = strings.Split(o.Text, "\n")
	l.template(o, place{file: o.Name})
}

// maxSteps bounds how many nodes of a template are looked at: parts that call parts
// many times are looked at each time.
const maxSteps = 100_000

// A checker goes through one template as an execution would, with the types of
// values in place of the values.
type checker struct {
	l     *Linter
	text  string
	place place
	trees map[string]*parse.Tree
	funcs texttemplate.FuncMap

	root    value // what $ is
	vars    []variable
	mutable map[string]bool // variables that = gives another value: their type is unknown
	guards  []string        // lists that conditions around this node ask for
	asked   []string        // lists that the expression under way asks for
	action  string          // the outermost pipeline under way, as it is written
	catalog *catalog        // nil outside of a range over one
	blocks  *blocks         // that the text before this node has left open
	calling []string        // the parts under way
	used    map[string]bool // parts that are called
	dynamic bool            // parts are called by names that are computed
	steps   int

	facts  facts
	secret bool // secrets are read, of which some may be no part of the output
	writes bool // writeToFile is called
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
	calls  []string // functions that ask for one of them
	chosen bool     // this one is, by a condition around it
	left   bool     // some are, by continue
}

// template looks at a template that stands at a place.
func (l *Linter) template(o template.Options, at place) facts {
	tree := parse.New("")
	tree.Mode = parse.SkipFuncCheck
	c := &checker{
		l: l, text: o.Text, place: at, trees: make(map[string]*parse.Tree),
		funcs: funcs.Map(new(funcs.Env)), used: make(map[string]bool), blocks: new(blocks), mutable: make(map[string]bool),
	}
	if _, err := tree.Parse(o.Text, o.LeftDelim, o.RightDelim, c.trees); err != nil {
		c.syntax(o, err)
		return c.facts
	}
	for _, m := range regexp.MustCompile(`(\$\w+)\s*=`).FindAllStringSubmatch(o.Text, -1) {
		c.mutable[m[1]] = true
	}
	c.part(tree.Name, value{})
	c.finish(tree.Name)
	c.facts.private = c.facts.private || c.secret && !c.writes
	return c.facts
}

// syntax adds what template.Parse says of a template that cannot be parsed.
func (c *checker) syntax(o template.Options, err error) {
	f := Finding{Rule: "syntax", Message: err.Error()}
	at := 0
	if _, wrong := template.Parse(o, template.Host{}); wrong != nil {
		if e, ok := wrong.(*template.Error); ok {
			f.Message = e.Err.Error()
			if lines := strings.SplitAfter(o.Text, "\n"); 0 < e.Line && e.Line <= len(lines) {
				column := max(e.Column-1, strings.Index(lines[e.Line-1], cmp.Or(o.LeftDelim, "{{")), 0)
				at = len(strings.Join(lines[:e.Line-1], "")) + column
			}
		}
	}
	c.locate(&f, at, "")
	c.l.add(f)
}

// finish looks at the parts that nobody calls.
func (c *checker) finish(main string) {
	for _, name := range slices.Sorted(maps.Keys(c.trees)) {
		if name == main || c.used[name] {
			continue
		}
		if !c.dynamic {
			pos := c.trees[name].Root.Pos
			defined := regexp.MustCompile(`define\s+` + "[`\"]" + regexp.QuoteMeta(name) + "[`\"]")
			if at := defined.FindStringIndex(c.text); at != nil {
				pos = parse.Pos(at[0])
			}
			c.report(pos, "unused-define", fmt.Sprintf("%q is defined and never used", name), "")
		}
		facts, secret := c.facts, c.secret
		c.part(name, value{})
		if !c.dynamic {
			c.facts, c.secret = facts, secret
		}
	}
}

// report adds a finding about a node.
func (c *checker) report(pos parse.Pos, rule, message, hint string) {
	f := Finding{Rule: rule, Message: message, Hint: hint}
	c.locate(&f, int(pos), c.text[min(int(pos), len(c.text)):])
	c.l.add(f)
}

// reportEmpty adds that an upstream may be without a server.
func (c *checker) reportEmpty(b branch) {
	c.report(b.pos, "empty-list", fmt.Sprintf("if %s finds nothing, this upstream has no server, and nginx refuses its whole configuration", b.list),
		"add {{ else }} with a server, such as: server 127.0.0.1:65535; # 502")
}

// locate gives a finding the place of an offset in the template. Its width is that
// of the word at the beginning of rest.
func (c *checker) locate(f *Finding, offset int, rest string) {
	before := c.text[:min(offset, len(c.text))]
	line := strings.Count(before, "\n")
	column := utf8.RuneCountInString(before[strings.LastIndexByte(before, '\n')+1:]) + 1
	if key := c.place.key; key != (hcl1.Position{}) {
		f.File, f.Line, f.Column = key.File, key.Line, key.Column
		f.Message = fmt.Sprintf("line %d, column %d of contents: %s", line+1, column, f.Message)
		return
	}
	f.File, f.Line, f.Column = c.place.file, c.place.first+line+1, column
	f.width = max(1, len(regexp.MustCompile(`^[.$]?[\w.]*`).FindString(rest)))
	own := strings.Split(c.text, "\n")[line]
	if lines := c.l.lines(f.File); f.Line <= len(lines) {
		f.source = strings.TrimSuffix(lines[f.Line-1], "\r")
		if indent, ok := strings.CutSuffix(f.source, strings.TrimSuffix(own, "\r")); ok { // <<- cuts it off
			f.Column += utf8.RuneCountInString(indent)
		}
	}
}

// part goes through a part of the template, or through the whole. A part that calls
// itself is not gone through again.
func (c *checker) part(name string, dot value) {
	c.used[name] = true
	if slices.Contains(c.calling, name) {
		return
	}
	root, vars := c.root, c.vars
	c.root, c.vars = dot, nil
	c.calling = append(c.calling, name)
	c.list(c.trees[name].Root, dot)
	c.calling = c.calling[:len(c.calling)-1]
	c.root, c.vars = root, vars
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

func (c *checker) list(list *parse.ListNode, dot value) {
	if list == nil {
		return
	}
	for _, n := range list.Nodes {
		if c.steps++; c.steps > maxSteps {
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
		case *parse.ContinueNode:
			if c.catalog != nil {
				c.catalog.left = true
			}
		}
	}
}

// branch goes through an if, with or range, and both of its lists.
func (c *checker) branch(n *parse.BranchNode, dot value) {
	vars, guards, outer := c.vars, c.guards, c.catalog
	c.asked = nil
	v := c.pipeline(n.Pipe, dot)
	inner, around := dot, branch{}
	switch n.NodeType {
	case parse.NodeRange:
		key, element := elements(v.typ)
		inner = value{typ: element, constant: v.constant}
		c.declare(n.Pipe, value{typ: key, constant: v.constant}, inner)
		if !slices.Contains(c.guards, v.list) {
			around = branch{pos: n.Pipe.Pos, list: v.list}
		}
		if calls := ofCatalog[strings.Fields(v.list + " -")[0]]; calls != nil {
			c.catalog = &catalog{pos: n.Pipe.Pos, calls: calls}
		}
	case parse.NodeWith:
		c.guards = slices.Concat(guards, c.asked)
		inner = value{typ: v.typ, constant: v.constant} // a list that is not empty
		c.declare(n.Pipe, v)
	default:
		c.guards = slices.Concat(guards, c.asked)
		c.declare(n.Pipe, v)
	}
	chosen := outer != nil && outer.chosen
	if outer != nil && n.NodeType == parse.NodeIf {
		outer.chosen = true
	}
	open := slices.Clone(c.blocks.open)
	c.blocks.around = append(c.blocks.around, around)
	c.list(n.List, inner)
	then := c.blocks.open
	if n.ElseList != nil {
		c.blocks.open = open
		c.blocks.around[len(c.blocks.around)-1] = branch{otherwise: true}
		c.list(n.ElseList, dot)
		c.blocks.open = then
	}
	c.blocks.around = c.blocks.around[:len(c.blocks.around)-1]
	if outer != nil && n.NodeType == parse.NodeIf {
		outer.chosen = chosen || outer.left
	}
	c.vars, c.guards, c.catalog = vars, guards, outer
}
