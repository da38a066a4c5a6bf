package lint

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"text/template/parse"

	"restencil/funcs"
	"restencil/funcs/pure"
	"restencil/template"
	"restencil/watch"
	"restencil/watch/lazyregexp"
	"restencil/watch/suggest"
)

// This file follows the values in a template: what type each has, which fields it lacks,
// and whether it comes from a store.

// What is known of functions is code, not maps: those would be made at each start of the
// daemon, for a subcommand.

// builtin returns the type of what a call of a function of text/template comes to, nil
// where it can be any, and whether it is one.
func builtin(name string, args []value) (typ reflect.Type, is bool) {
	switch name {
	case "and", "call", "or":
		return nil, true
	case "index", "slice":
		if len(args) > 0 {
			typ = args[0].typ
		}
		for i := 1; name == "index" && i < len(args); i++ {
			_, typ = elements(typ)
		}
		return typ, true
	case "eq", "ge", "gt", "le", "lt", "ne", "not":
		return boolean(), true
	case "html", "js", "print", "printf", "println", "urlquery":
		return words(), true
	case "len":
		return number(), true
	}
	return nil, false
}

func boolean() reflect.Type { return reflect.TypeFor[bool]() }
func number() reflect.Type  { return reflect.TypeFor[int]() }
func words() reflect.Type   { return reflect.TypeFor[string]() }

// resultType returns the type of what a function returns as any, nil for others.
func resultType(name string) reflect.Type {
	switch name {
	case "node":
		return reflect.TypeFor[*watch.CatalogNode]()
	case "caLeaf":
		return reflect.TypeFor[*watch.LeafCert]()
	case "secret":
		return reflect.TypeFor[*watch.Secret]()
	case "pkiCert":
		return reflect.TypeFor[watch.Certificate]()
	}
	return nil
}

// lists are the functions that ask a store for a list and accept an empty one.
var lists = []string{"service", "connect", "services", "nodes", "ls", "tree", "nomadService", "nomadServices"}

// elementCalls returns, for a function that lists a catalog, those that ask for one of what
// it lists.
func elementCalls(list string) []string {
	switch list {
	case "services":
		return []string{"service", "connect"}
	case "nodes":
		return []string{"node"}
	case "nomadServices":
		return []string{"nomadService"}
	}
	return nil
}

// ofHost are the functions that ask this host for what seldom changes.
var ofHost = []string{"env", "envOrDefault", "mustEnv", "sockaddr", "timestamp", "executeTemplate", "loop", "exact"}

// variation returns what makes a function return something else each time: "time",
// "chance" or "order"; "": nothing.
func variation(name string) string {
	switch name {
	case "timestamp", "sprig_ago":
		return "time"
	case "sprig_shuffle", "sprig_randInt", "sprig_encryptAES", "sprig_bcrypt", "sprig_htpasswd",
		"sprig_genPrivateKey", "sprig_genCA", "sprig_genCAWithKey", "sprig_genSelfSignedCert",
		"sprig_genSelfSignedCertWithKey", "sprig_genSignedCert", "sprig_genSignedCertWithKey":
		return "chance"
	case "sprig_keys", "sprig_values":
		return "order"
	}
	return ""
}

var (
	unordered = lazyregexp.New(`sprig_sortAlpha|\blen\b|\bin\b|contains|sprig_has\b`) // what makes no difference of the order
	sensitive = lazyregexp.New(`(?i)\.\S*(key|password|token|secret)`)                // fields that are secret
	public    = lazyregexp.New(`/(cert|issuer)/|/ca(_chain)?(/pem)?$`)                // paths of certificates without keys
	shell     = lazyregexp.New(`(^|/)(ba|da|z|k|a)?sh$`)
)

// pipe goes through a pipeline and declares its variables.
func (c *checker) pipe(p *parse.PipeNode, dot value) value {
	v := c.pipeline(p, dot)
	c.declare(p, v)
	return v
}

// pipeline returns what a pipeline comes to.
func (c *checker) pipeline(p *parse.PipeNode, dot value) (v value) {
	if p == nil {
		return v
	}
	if c.action == "" {
		c.action = p.String()
		defer func() { c.action = "" }()
	}
	for i, command := range p.Cmds {
		if c.stops() {
			return value{}
		}
		var args []value
		for _, n := range command.Args[1:] {
			args = append(args, c.operand(n, dot))
		}
		if i > 0 {
			args = append(args, v)
		}
		if function, ok := command.Args[0].(*parse.IdentifierNode); ok {
			v = c.function(function, command.Args[1:], args)
		} else {
			v = c.operand(command.Args[0], dot)
		}
	}
	return v
}

// declare gives the variables of a pipeline their values: of the last values, as
// many as there are variables.
func (c *checker) declare(p *parse.PipeNode, values ...value) {
	if p == nil || p.IsAssign {
		return
	}
	for i, d := range p.Decl {
		v := values[max(0, len(values)-len(p.Decl)+i)]
		if c.mutable[d.Ident[0]] {
			v = value{}
		}
		c.vars = append(c.vars, variable{d.Ident[0], v})
	}
}

// operand returns what an operand comes to.
func (c *checker) operand(n parse.Node, dot value) value {
	switch n := n.(type) {
	case *parse.DotNode:
		return dot
	case *parse.FieldNode:
		return c.fields(dot, n.Ident, n.Pos)
	case *parse.VariableNode:
		of := c.root
		for _, v := range slices.Backward(c.vars) {
			if v.name == n.Ident[0] {
				of = v.value
				break
			}
		}
		return c.fields(of, n.Ident[1:], n.Pos)
	case *parse.ChainNode:
		return c.fields(c.operand(n.Node, dot), n.Field, n.Pos)
	case *parse.PipeNode:
		return c.pipe(n, dot)
	case *parse.IdentifierNode:
		return c.function(n, nil, nil)
	case *parse.StringNode:
		return value{typ: words(), constant: true}
	case *parse.BoolNode:
		return value{typ: boolean(), constant: true}
	}
	return value{constant: true}
}

// function returns what a call comes to, and looks at it.
func (c *checker) function(n *parse.IdentifierNode, nodes []parse.Node, args []value) value {
	name := n.Ident
	if now := funcs.Renamed(name); now != "" {
		c.report(n.Pos, "old-spelling", fmt.Sprintf("the function %s is deprecated", name), "write "+now)
		name = now
	}
	constant := !slices.ContainsFunc(args, func(v value) bool { return !v.constant })
	if typ, ok := builtin(name, args); ok {
		return value{typ: typ, constant: constant}
	}
	f, ok := c.funcs[name]
	if !ok {
		c.report(n.Pos, "unknown-function", fmt.Sprintf("function %q is not defined", name), didYouMean(funcs.Nearest(name)))
		return value{}
	}
	if pure.Funcs()[name] == nil && !slices.Contains(ofHost, name) {
		constant = false
		c.data = true
	}
	c.judge(name, n.Pos, nodes, args)
	v := value{typ: reflect.TypeOf(f).Out(0), constant: constant}
	if typ := resultType(name); typ != nil {
		v.typ = typ
	}
	last := value{}
	if len(args) > 0 {
		last = args[len(args)-1]
	}
	_, element := elements(last.typ)
	switch {
	case slices.Contains(lists, name):
		v.list = name
		for _, n := range nodes {
			v.list += " " + n.String()
		}
	case element != nil && name == "byTag":
		v.typ = reflect.MapOf(words(), reflect.SliceOf(element))
	case element != nil && name == "byPort":
		v.typ = reflect.MapOf(number(), reflect.SliceOf(element))
	}
	if k := v.typ.Kind(); v.list == "" && (k == reflect.Slice || k == reflect.Map || k == reflect.Interface) {
		v.list = last.list
	}
	if v.typ.Kind() == reflect.Interface {
		v.typ = nil
	}
	return v
}

// storeOf returns the system that a function asks whose argument can name a cluster; "" for
// others.
func storeOf(function string) watch.Store {
	switch function {
	case "key", "keyExists", "keyOrDefault", "ls", "safeLs", "tree", "safeTree",
		"service", "connect", "services", "node", "nodes", "peerings":
		return watch.Consul
	case "secret", "secrets", "pkiCert":
		return watch.Vault
	case "nomadService", "nomadServices", "nomadVar", "nomadVarExists", "nomadVarList", "nomadVarListSafe":
		return watch.Nomad
	}
	return ""
}

var clusterParam = lazyregexp.New(`[?&]cluster=([\w-]+)`)

// cluster looks at the cluster that the argument of a function names.
func (c *checker) cluster(function string, pos parse.Pos, argument string) {
	system, param := storeOf(function), clusterParam.Get().FindStringSubmatch(argument)
	if c.l.clusters == nil || system == "" || param == nil {
		return
	}
	name, known := param[1], c.l.clusters(system)
	if name == watch.DefaultCluster || slices.Contains(known, name) || system == watch.Vault && len(known) == 0 { // Vault gets it
		return
	}
	c.report(pos, "unknown-cluster", fmt.Sprintf("there is no block %s %q", system, name), didYouMean(suggest.Nearest(name, known)))
}

// judge looks at the call of a function for what may be wrong with it.
func (c *checker) judge(name string, pos parse.Pos, nodes []parse.Node, args []value) {
	literal := func(i int) string { // an argument, where it is literal text
		if i < len(nodes) {
			if s, ok := nodes[i].(*parse.StringNode); ok {
				return s.Text
			}
		}
		return ""
	}
	data := func(v value) bool { return !v.constant }
	c.cluster(name, pos, literal(0))
	switch name {
	case "secret", "nomadVar":
		c.secret = c.secret || !public.Get().MatchString(literal(0))
	case "writeToFile":
		c.writes = true
		if perm, err := strconv.ParseUint(literal(3), 8, 32); err == nil && perm&uint64(exposing) != 0 && sensitive.Get().MatchString(c.action) {
			c.report(nodes[3].Position(), "secret-mode", fmt.Sprintf("writeToFile gives a secret the mode %04o", perm), `write "0640" or less`)
		}
	case "executeTemplate":
		dot := value{}
		if len(args) == 2 {
			dot = args[1]
		}
		if part := literal(0); part != "" {
			outside := c.blocks
			c.blocks = new(blocks)
			c.call(pos, part, dot)
			c.blocks = outside
		} else {
			c.dynamic = true
		}
	case "plugin":
		if len(args) > 0 && data(args[0]) || shell.Get().MatchString(literal(0)) && slices.ContainsFunc(args, data) {
			c.report(pos, "shell-data", "data from a store becomes a part of a shell command, or decides which program is run",
				"name the program, and give it the data as arguments of its own")
		}
	}
	switch why := variation(name); {
	case why == "time", why == "chance":
		c.report(pos, "changes-by-itself", name+" is another text at each execution: every start, and every change of any data, replaces the file and runs the command",
			map[string]string{"time": "leave it out", "chance": "generate it once, and keep it in a store"}[why])
	case why == "order" && !unordered.Get().MatchString(c.action):
		c.report(pos, "changes-by-itself", name+" gives the elements in another order at each execution", "sort them with sprig_sortAlpha, or range over the map")
	}
	if one := c.catalog; !one.chosen && slices.Contains(one.calls, name) && slices.ContainsFunc(args, data) {
		c.report(one.pos, "all-services", fmt.Sprintf("%s is asked for everything that this range finds: one watch each, however many there are", name),
			"choose with if, by name or tag, which of them the file is about")
	}
}

// fields returns what one field after another comes to.
func (c *checker) fields(v value, names []string, pos parse.Pos) value {
	for _, name := range names {
		v = value{typ: c.field(v.typ, name, pos), constant: v.constant}
	}
	return v
}

// field returns the type of a field, a method or a value in a map.
func (c *checker) field(t reflect.Type, name string, pos parse.Pos) reflect.Type {
	if t == nil || t.Kind() == reflect.Interface {
		return nil
	}
	methods, of := t, t
	if t.Kind() == reflect.Pointer {
		of = t.Elem()
	} else {
		methods = reflect.PointerTo(t)
	}
	if m, ok := methods.MethodByName(name); ok && m.Type.NumOut() > 0 {
		return m.Type.Out(0)
	}
	switch of.Kind() {
	case reflect.Struct:
		if f, ok := of.FieldByName(name); ok && f.IsExported() {
			c.private = c.private || secretField(of, name) && !strings.Contains(c.action, "writeToFile")
			return f.Type
		}
	case reflect.Map:
		return of.Elem()
	}
	c.report(pos, "unknown-field", template.NoField(fmt.Sprintf("can't evaluate field %s in type %s", name, t)), "")
	return nil
}

// secretField reports whether a field of a certificate is its key.
func secretField(t reflect.Type, name string) bool {
	return t == reflect.TypeFor[watch.Certificate]() && name == "Key" ||
		t == reflect.TypeFor[watch.LeafCert]() && name == "PrivateKeyPEM"
}

// elements returns the types of what range gives: of the index or key, and of the
// element. They are nil where they are unknown.
func elements(t reflect.Type) (key, element reflect.Type) {
	if t == nil {
		return nil, nil
	}
	switch t.Kind() {
	case reflect.Slice, reflect.Array:
		return number(), t.Elem()
	case reflect.Map:
		return t.Key(), t.Elem()
	case reflect.Chan:
		return number(), t.Elem()
	}
	return nil, nil
}
