// Package format tells whether a file's content is what it should be, without
// a command: JSON, YAML, TOML, HCL, XML, or X.509 certificates and keys. It is
// pure.
package format

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/BurntSushi/toml"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"golang.org/x/text/encoding/charmap"
	"gopkg.in/yaml.v2"
)

// A Format is what a file must hold.
type Format string

// The formats.
const (
	JSON Format = "json" // one value (RFC 8259)
	YAML Format = "yaml" // any number of documents
	TOML Format = "toml"
	HCL  Format = "hcl"  // version 2; the syntax alone, nothing is evaluated
	XML  Format = "xml"  // well-formed, with one root element
	X509 Format = "x509" // PEM: certificates, which are not expired, or a key; together they match
)

// All returns the formats, in the order in which they are named to a person.
func All() []Format { return []Format{JSON, YAML, TOML, HCL, XML, X509} }

// A File is what is checked.
type File struct {
	Name    string // as errors say it
	Content []byte
	Secret  bool // errors must not quote the content
}

// Check tells what is wrong with a file as f. The error is one line that begins
// with the file's name and has the line and the column where they are known. It
// ends with what the format's parser says, which may quote the content, unless
// the file is secret. now is for [X509] only.
//
// Content that is "" is right as YAML, TOML and HCL, and wrong as JSON, XML and
// X.509. Check is safe on hostile content: its time is about linear in the
// content's length, and its memory a fixed multiple of that.
//
// Check of "" is nil, and of another format that is not known an error.
func Check(f Format, file File, now time.Time) error { return check(f, file, now).in(file) }

// check is Check without the name. A parser that panics has not understood the
// content, which is all that need be known: what it panicked with may quote it.
func check(f Format, file File, now time.Time) (p *problem) {
	content := file.Content
	defer func() {
		if recover() != nil {
			p = &problem{what: fmt.Sprintf("the parser of %s failed", f)}
		}
	}()
	switch f {
	case "":
		return nil
	case JSON:
		return checkJSON(content)
	case YAML:
		return checkYAML(content)
	case TOML:
		return checkTOML(content)
	case HCL:
		return checkHCL(file.Name, content)
	case XML:
		return checkXML(content)
	case X509:
		return checkX509(content, now)
	}
	return &problem{what: fmt.Sprintf("unknown format %q", f)}
}

// maxDepth is how deep content may be nested where the parser is recursive and
// has no bound: a stack that overflows cannot be recovered from.
const maxDepth = 1000

// A problem is what is wrong with content, and where; nil: nothing.
type problem struct {
	line, column int    // from 1; 0: not known
	what         string // in words that quote nothing
	says         string // what the parser says, which may quote the content
}

// at returns what is wrong at an offset in content. Columns are counted in bytes.
func at(content []byte, offset int, what, says string) *problem {
	before := content[:min(max(offset, 0), len(content))]
	line := bytes.Count(before, []byte("\n")) + 1
	return &problem{line, len(before) - bytes.LastIndexByte(before, '\n'), what, says}
}

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
	text += p.what
	if p.says != "" && !file.Secret {
		text += ": " + fmt.Sprintf("%.300s", strings.Join(strings.Fields(p.says), " ")) // one line
	}
	return errors.New(text)
}

// checkJSON wants one value of RFC 8259 in UTF-8. Names may be repeated, as the
// RFC leaves open what that means.
func checkJSON(content []byte) *problem {
	for i := 0; i < len(content); {
		r, size := utf8.DecodeRune(content[i:])
		if r == utf8.RuneError && size == 1 { // which the parser lets pass
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

// checkYAML wants every document to parse. Values are not decoded: an alias is
// looked up but not expanded, so that a few of them cannot fill the memory.
func checkYAML(content []byte) *problem {
	decoder := yaml.NewDecoder(bytes.NewReader(content))
	for {
		err := decoder.Decode(&ignored{})
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			p := &problem{what: "not valid YAML", says: strings.TrimPrefix(err.Error(), "yaml: ")}
			if start, rest, ok := strings.Cut(p.says, ": "); ok {
				if _, err := fmt.Sscanf(start, "line %d", &p.line); err == nil {
					p.says = rest
				}
			}
			return p
		}
	}
}

// ignored is a value of YAML or TOML that is not looked at.
type ignored struct{}

func (*ignored) UnmarshalYAML(func(any) error) error { return nil }

func (*ignored) UnmarshalTOML(any) error { return nil }

func checkTOML(content []byte) *problem {
	if p := boundTOML(content); p != nil {
		return p
	}
	_, err := toml.Decode(string(content), &ignored{})
	if syntax, ok := errors.AsType[toml.ParseError](err); ok {
		return &problem{syntax.Position.Line, syntax.Position.Col, "not valid TOML", syntax.Message}
	}
	if err != nil {
		return &problem{what: "not valid TOML", says: err.Error()}
	}
	return nil
}

// tomlToken is a string, a comment or a separator.
var tomlToken = regexp.MustCompile(`(?s)"""(?:\\.|[^\\])*?"""|'''.*?'''|"(?:\\.|[^"\\\n])*"|'[^'\n]*'|#[^\n]*|[][{}=,.\n]`)

// boundTOML returns a problem where content is not to be given to the parser,
// which is recursive, and keeps for each key the path to it as often as that has
// parts: a few megabytes of long table names and short keys are many gigabytes
// of paths. The content need not be TOML.
func boundTOML(content []byte) *problem {
	var (
		open   []int // for each bracket that is open, how long the path is there
		header int   // how long the path of the table is
		path   int   // and that of the key whose value is being read
		start  int   // where that key began, or the value
		dots   int   // since then
		keyed  bool  // there was a key since the last line of no bracket
		cost   int   // what the parser would keep, in bytes
	)
	begin := func(at int) { start, dots = at, 0 }
	enter := func(above, end int) int {
		length := above + end - start + 16*(dots+1)
		cost += length * (dots + 1)
		return length
	}
	for _, token := range tomlToken.FindAllIndex(content, -1) {
		n := len(open)
		switch content[token[0]] {
		case '[', '{':
			open = append(open, path)
			begin(token[1])
		case ']', '}':
			if n == 1 && !keyed {
				header = enter(0, token[0])
			}
			if n > 0 {
				path, open = open[n-1], open[:n-1]
			}
		case '=':
			above := header
			if n > 0 {
				above = open[n-1]
			}
			path, keyed = enter(above, token[0]), true
			begin(token[1])
		case '.':
			dots++
		case ',':
			begin(token[1])
		case '\n':
			if n == 0 {
				path, keyed = header, false
				begin(token[1])
			}
		}
		if len(open) > maxDepth {
			return at(content, token[0], "nested too deep", "")
		}
		if cost > 16<<20+64*len(content) {
			return at(content, token[0], "keys too many or too long", "")
		}
	}
	return nil
}

// maxNumber is how many bytes a number of HCL may have: reading one takes the
// square of that.
const maxNumber = 1000

// checkHCL wants what the parser of HCL 2 takes. Nothing is evaluated.
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
		p := &problem{what: "not valid HCL", says: d.Summary + "; " + d.Detail}
		if d.Subject != nil {
			p.line, p.column = d.Subject.Start.Line, d.Subject.Start.Column
		}
		return p
	}
	return nil
}

// boundHCL returns a problem where the content is not to be given to the parser,
// which is recursive: into brackets, into what follows an operator, and into the
// body of an %{ if } or a %{ for }. The content need not be HCL.
func boundHCL(tokens hclsyntax.Tokens) *problem {
	steps := []int{0} // for each bracket that is open, how much deeper the parser is within it
	depth := 0        // the sum of that
	step := func(n int) {
		steps[len(steps)-1] += n
		depth += n
	}
	for i, t := range tokens {
		next := tokens[min(i+1, len(tokens)-1)]
		switch t.Type {
		case hclsyntax.TokenBang, hclsyntax.TokenMinus, hclsyntax.TokenQuestion:
			step(1)
		case hclsyntax.TokenComma, hclsyntax.TokenEqual: // another expression
			step(-steps[len(steps)-1])
		case hclsyntax.TokenTemplateControl:
			switch string(next.Bytes) {
			case "if", "for":
				step(1)
			case "endif", "endfor":
				step(-min(1, steps[len(steps)-1]))
			}
			steps = append(steps, 0)
		case hclsyntax.TokenOBrack:
			if next.Type == hclsyntax.TokenStar { // what follows is deeper than what it is of
				step(1)
			}
			steps = append(steps, 0)
		case hclsyntax.TokenOBrace, hclsyntax.TokenOParen, hclsyntax.TokenOQuote, hclsyntax.TokenOHeredoc, hclsyntax.TokenTemplateInterp:
			steps = append(steps, 0)
		case hclsyntax.TokenCBrace, hclsyntax.TokenCBrack, hclsyntax.TokenCParen, hclsyntax.TokenCQuote, hclsyntax.TokenCHeredoc, hclsyntax.TokenTemplateSeqEnd:
			step(-steps[len(steps)-1])
			steps = steps[:max(1, len(steps)-1)]
		}
		what := ""
		switch {
		case len(steps)+depth > maxDepth:
			what = "nested too deep"
		case t.Type == hclsyntax.TokenNumberLit && len(t.Bytes) > maxNumber:
			what = "a number that is too long"
		}
		if what != "" {
			return &problem{line: t.Range.Start.Line, column: t.Range.Start.Column, what: what}
		}
	}
	return nil
}

// checkXML wants a well-formed document of XML 1.0 with one root element, in
// UTF-8, ASCII or ISO 8859-1. Entities are the five that need no declaration:
// a DOCTYPE is not read.
func checkXML(content []byte) *problem {
	decoder := xml.NewDecoder(bytes.NewReader(bytes.TrimPrefix(content, []byte("\uFEFF"))))
	decoder.CharsetReader = func(name string, r io.Reader) (io.Reader, error) { // of what contains ASCII
		switch strings.ToLower(name) {
		case "us-ascii":
			return r, nil
		case "iso-8859-1":
			return charmap.ISO8859_1.NewDecoder().Reader(r), nil
		}
		return nil, errors.New("unknown encoding")
	}
	depth, roots := 0, 0
	for {
		line, column := decoder.InputPos()
		token, err := decoder.Token()
		what := ""
		switch t := token.(type) {
		case xml.StartElement:
			depth++
			if depth == 1 {
				roots++
			}
			if roots > 1 {
				what = "a second root element"
			}
			seen := make(map[xml.Name]bool, len(t.Attr))
			for _, a := range t.Attr {
				if seen[a.Name] { // which the decoder lets pass
					what = "an attribute that the element has already"
				}
				seen[a.Name] = true
			}
		case xml.EndElement:
			depth--
		case xml.CharData:
			if depth == 0 && len(bytes.TrimSpace(t)) > 0 {
				what = "text outside the root element"
			}
		case xml.ProcInst:
			if t.Target == "xml" && (line > 1 || column > 1) {
				what = "an XML declaration that is not at the beginning"
			}
		}
		switch {
		case errors.Is(err, io.EOF) && roots == 0:
			what = "no root element"
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			line, column = decoder.InputPos()
			if syntax, ok := errors.AsType[*xml.SyntaxError](err); ok {
				return &problem{line, column, "not well-formed XML", syntax.Msg}
			}
			return &problem{line, column, "not well-formed XML", err.Error()}
		}
		if what != "" {
			return &problem{line: line, column: column, what: what}
		}
	}
}
