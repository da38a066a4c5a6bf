package local

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
)

// readJSON reads a JSON file. Numbers keep their text.
func readJSON(data []byte) (*value, error) {
	r := &jsonReader{data: data, dec: json.NewDecoder(bytes.NewReader(data))}
	r.dec.UseNumber()
	if len(bytes.TrimSpace(data)) == 0 {
		return &value{}, nil
	}
	tok, err := r.next()
	if err != nil {
		return nil, err
	}
	v, err := r.read(tok, 0)
	if err != nil {
		return nil, err
	}
	if _, err := r.dec.Token(); !errors.Is(err, io.EOF) {
		return nil, r.at().errorf("there is more after the end of the data")
	}
	return v, nil
}

// A jsonReader makes values of JSON tokens. It knows the position of each
// because it counts lines as far as the decoder has come.
type jsonReader struct {
	data []byte
	dec  *json.Decoder

	here    position // of the last token's first byte
	counted int      // bytes of data that lines and lineAt cover
	lines   int      // line ends before counted
	lineAt  int      // where the line of counted begins
}

// next returns the next token and notes where it begins.
func (r *jsonReader) next() (json.Token, error) {
	r.here = r.at()
	tok, err := r.dec.Token()
	if err == nil {
		return tok, nil
	}
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &syntax):
		// The offset is that after the byte that is wrong.
		return nil, r.position(max(0, int(syntax.Offset)-1)).errorf("%s", syntax)
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		return nil, r.position(len(r.data)).errorf("the file ends in the middle of the data")
	}
	return nil, r.here.errorf("%v", err)
}

// at returns where the next token begins: after what the decoder has read,
// and what may stand between tokens.
func (r *jsonReader) at() position {
	offset := int(r.dec.InputOffset())
	for offset < len(r.data) && bytes.IndexByte([]byte(" \t\r\n:,"), r.data[offset]) >= 0 {
		offset++
	}
	return r.position(offset)
}

func (r *jsonReader) position(offset int) position {
	if offset < r.counted {
		r.counted, r.lines, r.lineAt = 0, 0, 0
	}
	for ; r.counted < min(offset, len(r.data)); r.counted++ {
		if r.data[r.counted] == '\n' {
			r.lines++
			r.lineAt = r.counted + 1
		}
	}
	return position{line: r.lines + 1, column: r.counted - r.lineAt + 1}
}

// read returns the value that begins with tok.
func (r *jsonReader) read(tok json.Token, depth int) (*value, error) {
	if depth > maxDepth {
		return nil, r.here.errorf("nested deeper than %d levels", maxDepth)
	}
	v := &value{position: r.here, kind: scalar, size: 1}
	switch tok := tok.(type) {
	case nil:
		v.kind = null
	case string:
		v.text = tok
	case json.Number:
		v.text = tok.String()
	case bool:
		v.text = "false"
		if tok {
			v.text = "true"
		}
	case json.Delim:
		if tok == '{' {
			return r.readTable(depth)
		}
		return r.readList(depth)
	}
	return v, nil
}

func (r *jsonReader) readTable(depth int) (*value, error) {
	b := newTable(r.here)
	for {
		tok, err := r.next()
		if err != nil {
			return nil, err
		}
		name, ok := tok.(string)
		if !ok { // the closing brace; the decoder lets nothing else through
			return b.table, nil
		}
		f := field{position: r.here, name: name}
		if tok, err = r.next(); err != nil {
			return nil, err
		}
		if f.value, err = r.read(tok, depth+1); err != nil {
			return nil, err
		}
		if err := b.add(f); err != nil {
			return nil, err
		}
	}
}

func (r *jsonReader) readList(depth int) (*value, error) {
	v := &value{position: r.here, kind: list, size: 1}
	for {
		tok, err := r.next()
		if err != nil {
			return nil, err
		}
		if tok == json.Delim(']') {
			return v, nil
		}
		item, err := r.read(tok, depth+1)
		if err != nil {
			return nil, err
		}
		v.items = append(v.items, item)
		v.size += item.size
	}
}
