package cache

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"time"

	"restencil/watch"
)

// A content is what stands in the file, after its first line and the sum of
// what follows.
type content struct {
	Schema  string // see schemaOf
	Of      string
	Records []record
}

// A record is the last answer to a query.
type record struct {
	Query  watch.Query
	Used   int64  // when somebody watched the query last, in seconds since 1970
	Answer []byte // see encodeAnswer
	Index  uint64
	Time   time.Time // when it was received
}

// size returns about how much room the record takes in the file.
func (r record) size() int { return len(r.Answer) + len(r.Query.Name) + len(r.Query.Params) + 64 }

// firstLine is that of the file.
const firstLine = "restencil cache 1\n"

// slack is how much larger a file may be than the answers that it may hold.
const slack = 16 << 20

// Why a file is not used.
var (
	errNotOurs    = errors.New("it is no cache of restencil's")
	errDamaged    = errors.New("it is damaged")
	errTooLarge   = errors.New("it is too large")
	errOldVersion = errors.New("it is of another version of restencil")
	errOther      = errors.New("it is about another store")
)

// readFile returns the content of the file at path; the zero content where
// there is no file.
func readFile(path string, most int) (content, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return content{}, nil
	}
	if err != nil {
		return content{}, err
	}
	if !info.Mode().IsRegular() {
		return content{}, errNotOurs
	}
	if info.Size() > int64(most)+slack {
		return content{}, errTooLarge
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return content{}, err
	}
	return parse(b)
}

// parse returns the content of a file's bytes.
func parse(b []byte) (content, error) {
	rest, ours := bytes.CutPrefix(b, []byte(firstLine))
	switch {
	case !ours && bytes.HasPrefix(b, []byte("restencil cache ")):
		return content{}, errOldVersion
	case !ours:
		return content{}, errNotOurs
	case len(rest) < sha256.Size:
		return content{}, errDamaged
	}
	sum, body := rest[:sha256.Size], rest[sha256.Size:]
	if got := sha256.Sum256(body); !bytes.Equal(sum, got[:]) {
		return content{}, errDamaged
	}
	var c content
	if err := decode(body, reflect.ValueOf(&c).Elem()); err != nil {
		return content{}, errOldVersion // what it holds is what was written
	}
	return c, nil
}

// format returns the bytes of a file.
func (c content) format() []byte {
	head := len(firstLine) + sha256.Size
	b := append(make([]byte, 0, head), firstLine...)
	b = encode(b[:head], reflect.ValueOf(c))
	sum := sha256.Sum256(b[head:])
	copy(b[len(firstLine):], sum[:])
	return b
}

// writeFile makes the file at path hold b, all at once, readable by its owner
// alone. It makes the directory where there is none.
func writeFile(path string, b []byte) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	temp := path + ".new"
	if err := removeIfThere(temp); err != nil { // since a crash
		return err
	}
	err := fill(temp, b)
	if err == nil {
		err = os.Rename(temp, path)
	}
	if err != nil {
		return errors.Join(err, removeIfThere(temp))
	}
	return nil
}

func fill(path string, b []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

func removeIfThere(path string) error {
	if err := os.Remove(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// encodeAnswer returns the bytes of an answer's data: 0 for nil, else 1 and the
// value of the type. It returns false where the data is of another.
func encodeAnswer(data any, t reflect.Type) ([]byte, bool) {
	if data == nil {
		return []byte{0}, true
	}
	v := reflect.ValueOf(data)
	if v.Type() != t {
		return nil, false
	}
	return encode([]byte{1}, v), true
}

// decodeAnswer undoes encodeAnswer.
func decodeAnswer(b []byte, t reflect.Type) (any, error) {
	if len(b) == 1 && b[0] == 0 {
		return nil, nil
	}
	if len(b) == 0 || b[0] != 1 {
		return nil, errBadBytes
	}
	v := reflect.New(t).Elem()
	if err := decode(b[1:], v); err != nil {
		return nil, err
	}
	return v.Interface(), nil
}
