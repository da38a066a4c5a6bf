package format

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"

	"golang.org/x/text/encoding/charmap"
)

// checkXML wants a well-formed document of XML 1.0 with one root element, in
// UTF-8, ASCII or ISO 8859-1. Entities are the five that need no declaration:
// a DOCTYPE is not read.
func checkXML(content []byte) error {
	content = bytes.TrimPrefix(content, []byte("\uFEFF"))
	c := xmlCheck{decoder: xml.NewDecoder(bytes.NewReader(content))}
	c.decoder.CharsetReader = charsetReader
	for {
		line, column := c.decoder.InputPos()
		token, err := c.decoder.Token()
		if errors.Is(err, io.EOF) {
			return c.end()
		}
		if err != nil {
			return c.wrong(err)
		}
		if what := c.take(token, line == 1 && column == 1); what != "" {
			return wrongAt(line, column, what)
		}
	}
}

// An xmlCheck is as far as the decoder is.
type xmlCheck struct {
	decoder *xml.Decoder
	depth   int
	roots   int
	doctype bool
}

// take returns what is wrong with a token, which may be the first.
func (c *xmlCheck) take(token xml.Token, first bool) string {
	switch t := token.(type) {
	case xml.StartElement:
		return c.open(t)
	case xml.EndElement:
		c.depth--
	case xml.CharData:
		if c.depth == 0 && len(bytes.TrimSpace(t)) > 0 {
			return "text outside the root element"
		}
	case xml.ProcInst:
		if strings.EqualFold(t.Target, "xml") && !first {
			return "an XML declaration that is not at the beginning"
		}
	case xml.Directive:
		if c.roots > 0 || c.doctype {
			return "a declaration that is not before the root element"
		}
		c.doctype = true
	}
	return ""
}

func (c *xmlCheck) open(e xml.StartElement) string {
	c.depth++
	if c.depth == 1 {
		c.roots++
	}
	if c.roots > 1 {
		return "a second root element"
	}
	seen := make(map[xml.Name]bool, len(e.Attr))
	for _, a := range e.Attr {
		if seen[a.Name] {
			return "an attribute that the element has already"
		}
		seen[a.Name] = true
	}
	return ""
}

func (c *xmlCheck) end() error {
	if c.roots == 0 {
		line, column := c.decoder.InputPos()
		return wrongAt(line, column, "no root element")
	}
	return nil
}

func (c *xmlCheck) wrong(err error) error {
	line, column := c.decoder.InputPos()
	return wrongAt(line, column, inWords(err.Error(), xmlPhrases, "not well-formed XML"))
}

// xmlPhrases are for the decoder's errors, of which many quote the content.
var xmlPhrases = []phrase{
	{"invalid character entity", "an entity that is not known"},
	{"unexpected EOF", "it ends too early"},
	{"unexpected end element", "the end of an element that did not begin"},
	{"closed by", "the end of another element than the one that is open"},
	{"illegal character code", "a character that XML does not allow"},
	{"invalid UTF-8", "not UTF-8"},
	{"declared but", "an encoding that is not known"},
	{"opening charset", "an encoding that is not known"},
	{"unsupported version", "a version of XML other than 1.0"},
	{"expected attribute name", "an attribute is expected"},
	{"attribute name without =", "'=' is expected after an attribute's name"},
	{"unquoted or missing attribute", "an attribute's value is expected, in quotes"},
	{"expected element name", "an element's name is expected after '<'"},
	{"expected />", "'>' is expected after '/'"},
	{"invalid XML name", "not a name"},
	{"unescaped <", "'<' in an attribute"},
	{"unescaped ]]>", "']]>' outside of CDATA"},
	{"comment", "'--' in a comment"},
}

// charsetReader reads what contains ASCII.
func charsetReader(name string, r io.Reader) (io.Reader, error) {
	switch strings.ToLower(name) {
	case "us-ascii":
		return r, nil
	case "iso-8859-1":
		return charmap.ISO8859_1.NewDecoder().Reader(r), nil
	}
	return nil, errors.New("unknown")
}
