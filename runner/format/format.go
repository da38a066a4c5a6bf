// Package format checks the content of files without a command: JSON, YAML, TOML,
// HCL, XML, and X.509 certificates and keys. It is pure.
package format

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/BurntSushi/toml"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"gopkg.in/yaml.v2"

	"restencil/watch/lazyregexp"
)

// A Format is the format of a file's content.
type Format string

// The formats.
const (
	JSON Format = "json" // one value (RFC 8259)
	YAML Format = "yaml" // any number of documents
	TOML Format = "toml"
	HCL  Format = "hcl"  // version 2; the syntax alone, nothing is evaluated
	XML  Format = "xml"  // well-formed, with one root element
	X509 Format = "x509" // PEM: valid certificates or a private key; see Pair
)

// All returns the formats, in the order in which messages name them.
func All() []Format { return []Format{JSON, YAML, TOML, HCL, XML, X509} }

// A File is a file to check.
type File struct {
	Name    string // for errors
	Content []byte
	Secret  bool // errors must not quote the content
}

// Check returns what is wrong with a file of format f. The error is one line: the
// file's name, the line and the column where they are known, and the message of the
// format's parser, which may quote the content, unless the file is secret. Only
// [X509] uses now.
//
// Content that is "" is right as YAML, TOML and HCL, and wrong as JSON, XML and
// X.509. Check is safe on hostile content: its time is about linear in the
// content's length, and its memory a fixed multiple of that.
//
// Check of "" returns nil, and of an unknown format an error.
func Check(f Format, file File, now time.Time) (err error) {
	defer func() {
		if recover() != nil { // not quoted: it may have part of the content
			err = (&problem{summary: fmt.Sprintf("the parser of %s failed", f)}).in(file)
		}
	}()
	var p *problem
	switch f {
	case "":
	case JSON:
		p = checkJSON(file.Content)
	case YAML:
		p = checkYAML(file.Content)
	case TOML:
		p = checkTOML(file.Content)
	case HCL:
		p = checkHCL(file.Name, file.Content)
	case XML:
		p = checkXML(file.Content)
	case X509:
		p = checkX509(file.Content, now)
	default:
		p = &problem{summary: fmt.Sprintf("unknown format %q", f)}
	}
	return p.in(file)
}

// maxDepth bounds how deep content may be nested for a recursive parser that has no
// bound of its own: no recover helps after a stack overflow.
const maxDepth = 1000

// A problem is what is wrong with content, and where. Nil: nothing is.
type problem struct {
	line, column int    // from 1; 0: not known
	summary      string // quotes nothing
	detail       string // the message of the parser, which may quote the content
}

// at returns a problem at an offset in content. Columns count bytes.
func at(content []byte, offset int, summary, detail string) *problem {
	before := content[:min(max(offset, 0), len(content))]
	line := bytes.Count(before, []byte("\n")) + 1
	return &problem{line, len(before) - bytes.LastIndexByte(before, '\n'), summary, detail}
}

// in returns p as the error of a file; nil for nil.
func (p *problem) in(file File) error {
	if p == nil {
		return nil
	}
	text := file.Name + ": "
	switch {
	case p.line > 0 && p.column > 0:
		text += fmt.Sprintf("line %d, column %d: ", p.line, p.column)
	case p.line > 0:
		text += fmt.Sprintf("line %d: ", p.line)
	}
	text += p.summary
	if p.detail != "" && !file.Secret {
		text += ": " + fmt.Sprintf("%.300s", strings.Join(strings.Fields(p.detail), " ")) // one line
	}
	return errors.New(text)
}

// checkJSON accepts one value of RFC 8259 in UTF-8. Names may be repeated: the RFC
// does not forbid it.
func checkJSON(content []byte) *problem {
	for i := 0; i < len(content); {
		r, size := utf8.DecodeRune(content[i:])
		if r == utf8.RuneError && size == 1 { // the parser accepts it
			return at(content, i, "not UTF-8", "")
		}
		i += size
	}
	var raw json.RawMessage
	err := json.Unmarshal(content, &raw)
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		return at(content, int(syntax.Offset)-1, "not valid JSON", err.Error())
	}
	return nil
}

// checkYAML accepts any number of documents. It does not decode their values: an
// alias is looked up but not expanded, so that a few of them cannot fill the memory.
func checkYAML(content []byte) *problem {
	decoder := yaml.NewDecoder(bytes.NewReader(content))
	for {
		err := decoder.Decode(&discard{})
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			p := &problem{summary: "not valid YAML", detail: strings.TrimPrefix(err.Error(), "yaml: ")}
			if start, rest, ok := strings.Cut(p.detail, ": "); ok {
				if _, err := fmt.Sscanf(start, "line %d", &p.line); err == nil {
					p.detail = rest
				}
			}
			return p
		}
	}
}

// A discard ignores the value of YAML or TOML that it is decoded from.
type discard struct{}

func (*discard) UnmarshalYAML(func(any) error) error { return nil }

func (*discard) UnmarshalTOML(any) error { return nil }

func checkTOML(content []byte) *problem {
	if p := boundTOML(content); p != nil {
		return p
	}
	_, err := toml.Decode(string(content), &discard{})
	if syntax, ok := errors.AsType[toml.ParseError](err); ok {
		return &problem{syntax.Position.Line, syntax.Position.Col, "not valid TOML", syntax.Message}
	}
	if err != nil {
		return &problem{summary: "not valid TOML", detail: err.Error()}
	}
	return nil
}

// tomlToken is a string, a comment or a separator.
var tomlToken = lazyregexp.New(`(?s)"""(?:\\.|[^\\])*?"""|'''.*?'''|"(?:\\.|[^"\\\n])*"|'[^'\n]*'|#[^\n]*|[][{}=,.\n]`)

// boundTOML returns a problem where the parser would overflow the stack or fill the
// memory. The parser is recursive, and stores the path of each key once for each
// part of that path: a few megabytes of long table names and short keys become many
// gigabytes. The content need not be TOML.
func boundTOML(content []byte) *problem {
	var (
		open   []int // the length of the path at each open bracket
		table  int   // the length of the path of the current table
		path   int   // the length of the path of the key whose value is being read
		start  int   // where the current key or value begins
		dots   int   // dots since start
		keyed  bool  // the line has a key: its brackets are no table header
		memory int   // what the parser needs for paths, in bytes
	)
	begin := func(at int) { start, dots = at, 0 }
	// extend returns the length of the path of the key that ends at end.
	extend := func(parent, end int) int {
		length := parent + end - start + 16*(dots+1)
		memory += length * (dots + 1)
		return length
	}
	for _, token := range tomlToken.Get().FindAllIndex(content, -1) {
		n := len(open)
		switch content[token[0]] {
		case '[', '{':
			open = append(open, path)
			begin(token[1])
		case ']', '}':
			if n == 1 && !keyed {
				table = extend(0, token[0])
			}
			if n > 0 {
				path, open = open[n-1], open[:n-1]
			}
		case '=':
			parent := table
			if n > 0 {
				parent = open[n-1]
			}
			path, keyed = extend(parent, token[0]), true
			begin(token[1])
		case '.':
			dots++
		case ',':
			begin(token[1])
		case '\n':
			if n == 0 {
				path, keyed = table, false
				begin(token[1])
			}
		}
		if len(open) > maxDepth {
			return at(content, token[0], "nested too deep", "")
		}
		if memory > 16<<20+64*len(content) {
			return at(content, token[0], "keys too many or too long", "")
		}
	}
	return nil
}

// maxNumber bounds the length of a number in HCL, in bytes: the parser needs time by
// the square of it.
const maxNumber = 1000

// checkHCL accepts the syntax of HCL 2, and evaluates nothing.
func checkHCL(name string, content []byte) *problem {
	start := hcl.Pos{Line: 1, Column: 1}
	tokens, _ := hclsyntax.LexConfig(content, name, start)
	if p := boundHCL(tokens); p != nil {
		return p
	}
	_, problems := hclsyntax.ParseConfig(content, name, start)
	for _, d := range problems {
		if d.Severity != hcl.DiagError {
			continue
		}
		p := &problem{summary: "not valid HCL", detail: d.Summary + "; " + d.Detail}
		if d.Subject != nil {
			p.line, p.column = d.Subject.Start.Line, d.Subject.Start.Column
		}
		return p
	}
	return nil
}

// boundHCL returns a problem where the parser would overflow the stack. It recurses
// into brackets, into the operand of an operator, and into the body of an %{ if } or
// a %{ for }. The content need not be HCL.
func boundHCL(tokens hclsyntax.Tokens) *problem {
	depth := 0         // of the parser
	begins := []int{0} // the depth at which the content of each open bracket begins
	for i, t := range tokens {
		next := tokens[min(i+1, len(tokens)-1)]
		within := begins[len(begins)-1]
		switch t.Type {
		case hclsyntax.TokenBang, hclsyntax.TokenMinus, hclsyntax.TokenQuestion:
			depth++
		case hclsyntax.TokenComma, hclsyntax.TokenEqual: // another expression
			depth = within
		case hclsyntax.TokenTemplateControl:
			switch string(next.Bytes) {
			case "if", "for":
				depth++
			case "endif", "endfor":
				depth = max(depth-1, within)
			}
			depth++
			begins = append(begins, depth)
		case hclsyntax.TokenOBrack, hclsyntax.TokenOBrace, hclsyntax.TokenOParen, hclsyntax.TokenOQuote, hclsyntax.TokenOHeredoc, hclsyntax.TokenTemplateInterp:
			if t.Type == hclsyntax.TokenOBrack && next.Type == hclsyntax.TokenStar { // the rest of the expression is deeper
				depth++
			}
			depth++
			begins = append(begins, depth)
		case hclsyntax.TokenCBrace, hclsyntax.TokenCBrack, hclsyntax.TokenCParen, hclsyntax.TokenCQuote, hclsyntax.TokenCHeredoc, hclsyntax.TokenTemplateSeqEnd:
			depth = max(within-1, 0)
			begins = begins[:max(1, len(begins)-1)]
		}
		start := t.Range.Start
		switch {
		case depth >= maxDepth:
			return &problem{line: start.Line, column: start.Column, summary: "nested too deep"}
		case t.Type == hclsyntax.TokenNumberLit && len(t.Bytes) > maxNumber:
			return &problem{line: start.Line, column: start.Column, summary: "a number that is too long"}
		}
	}
	return nil
}

// latin1 returns in UTF-8 what r has in ISO 8859-1, whose bytes are Unicode's first 256
// characters.
func latin1(r io.Reader) (io.Reader, error) {
	content, err := io.ReadAll(r)
	runes := make([]rune, len(content))
	for i, b := range content {
		runes[i] = rune(b)
	}
	return strings.NewReader(string(runes)), err
}

// checkXML accepts a well-formed document of XML 1.0 with one root element, in
// UTF-8, ASCII or ISO 8859-1. It does not read a DOCTYPE, so only the five predefined
// entities are known.
func checkXML(content []byte) *problem {
	decoder := xml.NewDecoder(bytes.NewReader(bytes.TrimPrefix(content, []byte("\uFEFF"))))
	decoder.CharsetReader = func(name string, r io.Reader) (io.Reader, error) { // called for other encodings than UTF-8
		switch strings.ToLower(name) {
		case "us-ascii":
			return r, nil
		case "iso-8859-1":
			return latin1(r)
		}
		return nil, errors.New("unknown encoding")
	}
	depth, roots := 0, 0
	for {
		line, column := decoder.InputPos()
		token, err := decoder.Token()
		wrong := ""
		switch t := token.(type) {
		case xml.StartElement:
			depth++
			if depth == 1 {
				roots++
			}
			if roots > 1 {
				wrong = "a second root element"
			}
			seen := make(map[xml.Name]bool, len(t.Attr))
			for _, a := range t.Attr {
				if seen[a.Name] { // the decoder accepts it
					wrong = "an attribute that the element has already"
				}
				seen[a.Name] = true
			}
		case xml.EndElement:
			depth--
		case xml.CharData:
			if depth == 0 && len(bytes.TrimSpace(t)) > 0 {
				wrong = "text outside the root element"
			}
		case xml.ProcInst:
			if t.Target == "xml" && (line > 1 || column > 1) {
				wrong = "an XML declaration that is not at the beginning"
			}
		}
		switch {
		case errors.Is(err, io.EOF) && roots == 0:
			wrong = "no root element"
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			line, column = decoder.InputPos()
			if syntax, ok := errors.AsType[*xml.SyntaxError](err); ok {
				return &problem{line, column, "not well-formed XML", syntax.Msg}
			}
			return &problem{line, column, "not well-formed XML", err.Error()}
		}
		if wrong != "" {
			return &problem{line: line, column: column, summary: wrong}
		}
	}
}
