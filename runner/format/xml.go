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
	decoder.CharsetReader = func(name string, r io.Reader) (io.Reader, error) { // of what contains ASCII
		switch strings.ToLower(name) {
		case "us-ascii":
			return r, nil
		case "iso-8859-1":
			return charmap.ISO8859_1.NewDecoder().Reader(r), nil
		}
		return nil, errors.New("it is not known")
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
