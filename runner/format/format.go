// Package format tells whether a file's content is what it should be, without
// a command: JSON, YAML, TOML, HCL, XML, or X.509 certificates and keys. It is
// pure.
package format

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/BurntSushi/toml"
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

// all are the formats, in the order in which they are named to a person.
var all = [...]Format{JSON, YAML, TOML, HCL, XML, X509}

// Known tells whether f is one of the formats. "", which is no format, is not.
func Known(f Format) bool { return slices.Contains(all[:], f) }

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
			p = &problem{what: fmt.Sprintf("not understood as %s", f)}
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
			return at(content, token[0], "too many keys of too long names", "")
		}
	}
	return nil
}
