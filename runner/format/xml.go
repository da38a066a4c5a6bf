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
func checkXML(content []byte) *problem {
	decoder := xml.NewDecoder(bytes.NewReader(bytes.TrimPrefix(content, []byte("\uFEFF"))))
	decoder.CharsetReader = charsetReader
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
			if repeats(t.Attr) {
				what = "an attribute that the element has already"
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
			var syntax *xml.SyntaxError
			if errors.As(err, &syntax) {
				return &problem{line, column, "not well-formed XML", syntax.Msg}
			}
			return &problem{line, column, "not well-formed XML", err.Error()}
		}
		if what != "" {
			return &problem{line: line, column: column, what: what}
		}
	}
}

// repeats tells whether an attribute is there twice, which the decoder lets
// pass.
func repeats(attributes []xml.Attr) bool {
	seen := make(map[xml.Name]bool, len(attributes))
	for _, a := range attributes {
		seen[a.Name] = true
	}
	return len(seen) < len(attributes)
}

// charsetReader reads what contains ASCII.
func charsetReader(name string, r io.Reader) (io.Reader, error) {
	switch strings.ToLower(name) {
	case "us-ascii":
		return r, nil
	case "iso-8859-1":
		return charmap.ISO8859_1.NewDecoder().Reader(r), nil
	}
	return nil, errors.New("it is not known")
}
