package history

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"unicode/utf8"
)

// version is that of the format. A file of another version is not understood.
const version = 2

// A generationFile is a Generation as it is written.
type generationFile struct {
	Version int    `json:"version"`
	Bundle  string `json:"bundle"`
	Generation
	Files []keptFile `json:"files"`
}

// A keptFile is a File as it is written. At most one of Text and Bytes is set.
type keptFile struct {
	File
	Perm  string `json:"perm"` // octal
	Text  string `json:"text,omitempty"`
	Bytes []byte `json:"bytes,omitempty"` // content that is not UTF-8
}

func encode(bundle string, g Generation) ([]byte, error) {
	out := generationFile{Version: version, Bundle: bundle, Generation: g}
	for _, f := range g.Files {
		for _, s := range []string{f.Path, f.User, f.Group} {
			if !utf8.ValidString(s) {
				return nil, fmt.Errorf("%q is not UTF-8", s)
			}
		}
		f.Size, f.Sum = int64(len(f.Content)), sum(f.Content)
		k := keptFile{File: f, Perm: strconv.FormatUint(uint64(f.Perm), 8)}
		switch {
		case f.Secret:
		case utf8.Valid(f.Content):
			k.Text = string(f.Content)
		default:
			k.Bytes = f.Content
		}
		out.Files = append(out.Files, k)
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(out)
	return b.Bytes(), err
}

func decode(data []byte) (Generation, error) {
	var in generationFile
	if err := json.Unmarshal(data, &in); err != nil {
		return Generation{}, err
	}
	if in.Version != version {
		return Generation{}, fmt.Errorf("version %d is not known here", in.Version)
	}
	g := in.Generation
	for _, k := range in.Files {
		f, err := k.decode()
		if err != nil {
			return Generation{}, fmt.Errorf("%s: %w", k.Path, err)
		}
		g.Files = append(g.Files, f)
	}
	return g, nil
}

func (k keptFile) decode() (File, error) {
	f := k.File
	perm, err := strconv.ParseUint(k.Perm, 8, 32)
	if err != nil {
		return File{}, err
	}
	f.Perm = fs.FileMode(perm)
	if f.Secret {
		return f, nil
	}
	f.Content = k.Bytes
	if len(f.Content) == 0 {
		f.Content = []byte(k.Text)
	}
	if sum(f.Content) != f.Sum || int64(len(f.Content)) != f.Size {
		return File{}, errors.New("its content has changed since")
	}
	return f, nil
}

// sum returns the SHA-256 of data in hexadecimal.
func sum(data []byte) string { return fmt.Sprintf("%x", sha256.Sum256(data)) }
