package cache

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"restencil/renderer/atomicfile"
)

// schema is the version of what is in the file. It goes up with every change of
// the header, of a record or of the type of an answer.
const schema = 2

// A header is the first line of the file. The others are records.
type header struct {
	Schema int
	Of     string
}

// Why a file is not used.
var (
	// ErrOtherVersion is that of a file with another schema.
	ErrOtherVersion = errors.New("it is of another version of restencil")

	errNotOurs = errors.New("it is no cache of restencil's")
	errDamaged = errors.New("it is damaged")
	errOther   = errors.New("it is about another store")
)

// readFile returns the entries in the file at path, which is to be about of and
// has at most so many bytes; none where there is no file.
func readFile(path, of string, most int) ([]entry, error) {
	f, err := atomicfile.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, int64(most)))
	if err != nil {
		return nil, err
	}
	return parse(b, of)
}

// parse returns the entries in a file's bytes.
func parse(b []byte, of string) ([]entry, error) {
	if bytes.HasPrefix(b, []byte("restencil cache 1\n")) { // schema 1 was not JSON
		return nil, ErrOtherVersion
	}
	lines := json.NewDecoder(bytes.NewReader(b))
	var h header
	switch err := lines.Decode(&h); {
	case err != nil || h.Schema == 0:
		return nil, errNotOurs
	case h.Schema != schema:
		return nil, ErrOtherVersion
	case h.Of != of:
		return nil, errOther
	}
	var list []entry
	for {
		var r record
		err := lines.Decode(&r)
		if errors.Is(err, io.EOF) {
			return list, nil
		}
		if err != nil {
			return nil, errDamaged
		}
		e, err := r.entry()
		if err != nil {
			return nil, errDamaged
		}
		list = append(list, e)
	}
}

// format returns the bytes of a file with those entries, the first ones first,
// that there is room for, and the others.
func format(list []entry, of string, most int) (b []byte, left []entry) {
	var file bytes.Buffer
	lines := json.NewEncoder(&file)
	_ = lines.Encode(header{schema, of}) // into memory, of plain values
	for _, e := range list {
		end := file.Len()
		r, err := e.record()
		if err == nil {
			err = lines.Encode(r)
		}
		if err != nil || file.Len() > most {
			file.Truncate(end)
			left = append(left, e)
		}
	}
	return file.Bytes(), left
}

// writeFile makes the file at path hold b, in a directory that is made where
// there is none.
func writeFile(path string, b []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	return atomicfile.Write(path, b)
}
