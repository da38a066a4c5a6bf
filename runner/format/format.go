// Package format tells whether a file's content is what it should be, without
// a command: JSON, YAML, TOML, HCL, XML, or X.509 certificates and keys. It is
// pure.
package format

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
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
func Check(f Format, file File, now time.Time) error {
	return check(f, file, now).in(file)
}

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

// in returns p as an error about file.
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
