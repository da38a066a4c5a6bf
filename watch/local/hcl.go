package local

import (
	"cmp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// readHCL reads an HCL file in which only plain values stand: no variables,
// functions or operators. A block is a map, its labels are maps within it, and
// blocks of the same name and labels are one.
func readHCL(data []byte) (*value, error) {
	if err := checkTokens(data); err != nil {
		return nil, err
	}
	file, diags := hclsyntax.ParseConfig(data, "", hcl.InitialPos)
	if diags.HasErrors() {
		return nil, hclError(diags)
	}
	root := newHCLTable(position{line: 1, column: 1})
	r := hclReader{data: data}
	if err := r.readBody(file.Body.(*hclsyntax.Body), root, 0); err != nil {
		return nil, err
	}
	if len(root.table.fields) == 0 {
		return &value{}, nil
	}
	return root.table, nil
}

func hclPosition(r hcl.Range) position { return position{line: r.Start.Line, column: r.Start.Column} }

// hclError returns the first error of diags.
func hclError(diags hcl.Diagnostics) error {
	for _, d := range diags {
		if d.Severity != hcl.DiagError {
			continue
		}
		var p position
		if d.Subject != nil {
			p = hclPosition(*d.Subject)
		}
		if d.Summary == "Invalid argument name" {
			return p.errorf("a name in quotes can only stand in a map, as in keys = { \"a/b\" = 1 }")
		}
		return p.errorf("%s", sentence(cmp.Or(d.Detail, d.Summary)))
	}
	return diags
}

// sentence makes the first line of a diagnostic into an error message.
func sentence(s string) string {
	s, _, _ = strings.Cut(s, "\n")
	s = strings.TrimSuffix(s, ".")
	first, n := utf8.DecodeRuneInString(s)
	return string(unicode.ToLower(first)) + s[n:]
}

// checkTokens refuses all that is not plain data before the parser sees it:
// it says more clearly what is wrong, and bounds how deep the parser recurses.
func checkTokens(data []byte) error {
	tokens, diags := hclsyntax.LexConfig(data, "", hcl.InitialPos)
	if diags.HasErrors() {
		return hclError(diags)
	}
	depth := 0
	for i, tok := range tokens {
		p := hclPosition(tok.Range)
		switch tok.Type {
		case hclsyntax.TokenOBrace, hclsyntax.TokenOBrack:
			if depth++; depth > maxDepth {
				return p.errorf("nested deeper than %d levels", maxDepth)
			}
		case hclsyntax.TokenCBrace, hclsyntax.TokenCBrack:
			depth--
		case hclsyntax.TokenTemplateInterp, hclsyntax.TokenTemplateControl:
			return p.errorf("%s begins an expression, and a data file has none; write %c%s for the text itself",
				tok.Bytes, tok.Bytes[0], tok.Bytes)
		case hclsyntax.TokenMinus:
			if i+1 == len(tokens) || tokens[i+1].Type != hclsyntax.TokenNumberLit {
				return p.errorf("only a plain value can stand here, not an expression")
			}
		case hclsyntax.TokenOQuote, hclsyntax.TokenCQuote, hclsyntax.TokenQuotedLit,
			hclsyntax.TokenOHeredoc, hclsyntax.TokenCHeredoc, hclsyntax.TokenStringLit,
			hclsyntax.TokenNumberLit, hclsyntax.TokenIdent,
			hclsyntax.TokenEqual, hclsyntax.TokenColon, hclsyntax.TokenComma,
			hclsyntax.TokenNewline, hclsyntax.TokenComment, hclsyntax.TokenEOF:
		default:
			return p.errorf("%q cannot stand in a data file", tok.Bytes)
		}
	}
	return nil
}

// An hclTable is a table that blocks are joined into.
type hclTable struct {
	*tableBuilder
	blocks map[string]*hclTable // those of its fields that blocks made
}

func newHCLTable(p position) *hclTable {
	return &hclTable{tableBuilder: newTable(p), blocks: make(map[string]*hclTable)}
}

// block returns the table of the blocks of this name.
func (t *hclTable) block(name string, p position) (*hclTable, error) {
	if b := t.blocks[name]; b != nil {
		return b, nil
	}
	b := newHCLTable(p)
	t.blocks[name] = b
	return b, t.add(field{position: p, name: name, value: b.table})
}

// An hclReader makes values of HCL syntax.
type hclReader struct{ data []byte }

// readBody adds what body holds, in the order of the file.
func (r *hclReader) readBody(body *hclsyntax.Body, into *hclTable, depth int) error {
	var parts []hclsyntax.Node
	for _, a := range body.Attributes {
		parts = append(parts, a)
	}
	for _, b := range body.Blocks {
		parts = append(parts, b)
	}
	slices.SortFunc(parts, func(a, b hclsyntax.Node) int {
		return cmp.Compare(a.Range().Start.Byte, b.Range().Start.Byte)
	})
	for _, part := range parts {
		if err := r.readPart(part, into, depth+1); err != nil {
			return err
		}
	}
	return nil
}

func (r *hclReader) readPart(part hclsyntax.Node, into *hclTable, depth int) error {
	switch part := part.(type) {
	case *hclsyntax.Attribute:
		v, err := r.read(part.Expr, depth)
		if err != nil {
			return err
		}
		return into.add(field{position: hclPosition(part.NameRange), name: part.Name, value: v})
	case *hclsyntax.Block:
		return r.readBlock(part, into, depth)
	}
	return nil
}

func (r *hclReader) readBlock(b *hclsyntax.Block, into *hclTable, depth int) error {
	t, err := into.block(b.Type, hclPosition(b.TypeRange))
	for i, label := range b.Labels {
		if err != nil {
			return err
		}
		t, err = t.block(label, hclPosition(b.LabelRanges[i]))
	}
	if err != nil {
		return err
	}
	return r.readBody(b.Body, t, depth)
}

func (r *hclReader) read(expr hclsyntax.Expression, depth int) (*value, error) {
	p := hclPosition(expr.Range())
	switch expr := expr.(type) {
	case *hclsyntax.ObjectConsExpr:
		return r.readObject(expr, depth)
	case *hclsyntax.TupleConsExpr:
		return r.readTuple(expr, depth)
	case *hclsyntax.LiteralValueExpr:
		if expr.Val.IsNull() {
			return &value{position: p, size: 1}, nil
		}
		return r.source(expr), nil
	case *hclsyntax.UnaryOpExpr: // a minus and a number, says checkTokens
		return r.source(expr), nil
	case *hclsyntax.TemplateExpr:
		text, diags := expr.Value(nil)
		if diags.HasErrors() {
			return nil, hclError(diags)
		}
		return &value{position: p, kind: scalar, text: text.AsString(), size: 1}, nil
	case *hclsyntax.ScopeTraversalExpr:
		return nil, p.errorf("a text stands in quotes: %q", r.source(expr).text)
	}
	return nil, p.errorf("only a plain value can stand here, not an expression")
}

// source returns what is written, so that 1.10 stays 1.10.
func (r *hclReader) source(expr hclsyntax.Expression) *value {
	text := expr.Range().SliceBytes(r.data)
	return &value{position: hclPosition(expr.Range()), kind: scalar, text: string(text), size: 1}
}

func (r *hclReader) readTuple(expr *hclsyntax.TupleConsExpr, depth int) (*value, error) {
	v := &value{position: hclPosition(expr.Range()), kind: list, size: 1}
	for _, e := range expr.Exprs {
		item, err := r.read(e, depth+1)
		if err != nil {
			return nil, err
		}
		v.items = append(v.items, item)
	}
	return v, nil
}

func (r *hclReader) readObject(expr *hclsyntax.ObjectConsExpr, depth int) (*value, error) {
	b := newTable(hclPosition(expr.Range()))
	for _, item := range expr.Items {
		name, err := r.readName(item.KeyExpr, depth)
		if err != nil {
			return nil, err
		}
		v, err := r.read(item.ValueExpr, depth+1)
		if err != nil {
			return nil, err
		}
		if err := b.add(field{position: hclPosition(item.KeyExpr.Range()), name: name, value: v}); err != nil {
			return nil, err
		}
	}
	return b.table, nil
}

// readName returns the name of an object's field: bare, quoted or a number.
func (r *hclReader) readName(expr hclsyntax.Expression, depth int) (string, error) {
	if word := hcl.ExprAsKeyword(expr); word != "" {
		return word, nil
	}
	if key, ok := expr.(*hclsyntax.ObjectConsKeyExpr); ok {
		expr = key.Wrapped
	}
	v, err := r.read(expr, depth)
	if err != nil {
		return "", err
	}
	if v.kind != scalar {
		return "", v.errorf("a name must be plain text")
	}
	return v.text, nil
}
