package journal

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"path/filepath"
	"reflect"
	"slices"
	"sync"
	"time"
	"unicode/utf8"

	"restencil/renderer/atomicfile"
	"restencil/runner/journal/disk"
	"restencil/runner/journal/history"
	"restencil/runner/journal/swap"
)

const (
	durable = true  // a write returns when it will outlast a loss of power
	soon    = false // that is left to the system

	// A bundle's file is replaced by its last line when it is longer than maxFile
	// bytes and maxLines such lines.
	maxFile  = 64 << 10
	maxLines = 8
)

// An entry is a bundle's file and its content.
type entry struct {
	path    string
	history history.History

	mu     sync.Mutex
	loaded bool
	record record
	size   int64 // of the part of the file that counts
	behind bool  // the file does not hold the record, because a write failed
}

// enter returns the entry of a bundle, locked, after lock has locked the directory.
// It is kept only while no other process can change the file.
func (j *Journal) enter(bundle string, lock func() error) (*entry, error) {
	j.mu.Lock()
	if err := lock(); err != nil {
		j.mu.Unlock()
		return nil, err
	}
	e := j.entries[bundle]
	if e == nil {
		name := fileName(bundle)
		e = &entry{
			path:    filepath.Join(j.bundles, name+".jsonl"),
			history: history.History{Bundle: bundle, Dir: filepath.Join(j.dir, "history", name), Disk: j.disk},
			record:  record{Version: version, Bundle: bundle},
		}
		if j.lock.Held() {
			j.entries[bundle] = e
		}
	}
	j.mu.Unlock()
	e.mu.Lock()
	if !e.loaded {
		if err := e.load(j.disk); err != nil {
			e.mu.Unlock()
			return nil, err
		}
	}
	return e, nil
}

func (e *entry) load(d disk.Disk) error {
	r, end, size, err := read(e.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		e.record.Unknown = d.WasDamaged(e.path)
	case errors.As(err, &damageError{}):
		d.Damaged(e.path, err)
		e.record.Unknown = true
	case err != nil:
		return err
	default:
		e.record, e.size = r, int64(end)
		if end < size {
			e.record.Unknown = true
			d.Warn(fmt.Errorf("the state file %s ends in the middle of a record; %s", e.path, unknown))
		}
	}
	e.loaded = true
	return nil
}

// A damageError is why a bundle's file holds no record.
type damageError struct{ error }

const unknown = "it is not known what the programs have loaded, so commands run once more"

// read returns the newest whole record of a bundle's file, where in the file that
// ends, and the size of the file. The error is fs.ErrNotExist where there is no file,
// and a damageError where it holds no record.
func read(path string) (r record, end, size int, err error) {
	data, err := atomicfile.ReadFile(path)
	if err != nil {
		return record{}, 0, 0, fmt.Errorf("cannot read the state directory: %w", err)
	}
	r, end, err = lastRecord(data)
	if err == nil && fileName(r.Bundle)+".jsonl" != filepath.Base(path) {
		err = fmt.Errorf("it belongs to bundle %q", r.Bundle)
	}
	if err != nil {
		return record{}, 0, 0, damageError{fmt.Errorf("%w; %s", err, unknown)}
	}
	return r, end, len(data), nil
}

// update calls change with the entry of a bundle, and saves it where it differs.
func (j *Journal) update(bundle string, sync bool, change func(*entry)) error {
	e, err := j.enter(bundle, j.lockToWrite)
	if err != nil {
		return err
	}
	defer e.mu.Unlock()
	before := e.record
	change(e)
	if reflect.DeepEqual(e.record, before) && !e.behind && !before.Unknown {
		return nil
	}
	if err := e.save(j.disk, sync); err != nil {
		return j.failed(err)
	}
	return nil
}

// save appends the record to the file, or replaces a file that is long.
func (e *entry) save(d disk.Disk, sync bool) error {
	e.record.Time = time.Now().UTC().Round(0)
	e.behind = true
	line, err := e.record.encode()
	if err != nil {
		return err
	}
	size := int64(len(line))
	if e.size > max(maxFile, maxLines*size) {
		err = d.Replace(e.path, line)
	} else {
		size, err = d.Append(e.path, e.size, line, sync)
	}
	if err != nil {
		return err
	}
	e.size, e.behind, e.record.Unknown = size, false, false
	return nil
}

// version is that of the format. A record of another version is not understood.
const version = 2

// A record is the state of a bundle: one line of its file. The last line counts.
type record struct {
	Version int       `json:"version"`
	Bundle  string    `json:"bundle"`
	Time    time.Time `json:"time"`
	State
	Swap *swapRecord `json:"swap,omitempty"` // nil: none is under way
}

// A swapRecord is a swap, and the state before it without the verdict.
type swapRecord struct {
	swap.Swap
	Before State `json:"before"`
}

// swap returns the swap that is under way, nil: none.
func (r *record) swap() *swap.Swap {
	if r.Swap == nil {
		return nil
	}
	return &r.Swap.Swap
}

// set replaces the state, except for the verdict, and ends a swap.
func (r *record) set(s State) {
	s.Verdict = r.Verdict
	r.State, r.Swap = s, nil
}

// owe records that files change to what desired says. A hash that is the one applied
// last is owed too, since the files were something else in between.
func (r *record) owe(desired string, files []string) {
	if r.Applied == desired {
		r.Applied = ""
	}
	r.Desired = desired
	all := slices.Concat(r.Files, files)
	slices.Sort(all)
	r.Files = slices.Compact(all)
}

// apply records that the files of this hash have been loaded.
func (r *record) apply(hash string) { r.set(State{Desired: hash, Applied: hash}) }

// encode returns r as a line: a checksum, and the record as JSON.
func (r *record) encode() ([]byte, error) {
	texts := slices.Concat([]string{r.Bundle, r.Desired, r.Applied}, r.Files, r.Elements)
	if r.Swap != nil {
		for _, m := range r.Swap.Moves {
			texts = append(texts, m.Path, m.Temp, m.Kept)
		}
	}
	for _, s := range texts {
		if !utf8.ValidString(s) {
			return nil, fmt.Errorf("%q is not UTF-8", s) // JSON would hold another text
		}
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(r); err != nil {
		return nil, err
	}
	return append([]byte(checksum(b.Bytes())+" "), b.Bytes()...), nil
}

func checksum(line []byte) string {
	return fmt.Sprintf("%08x", crc32.Checksum(bytes.TrimSuffix(line, []byte("\n")), crc32.MakeTable(crc32.Castagnoli)))
}

// lastRecord returns the newest whole record in a bundle's file, and where its line
// ends. What follows is damaged, or was not written to its end.
func lastRecord(data []byte) (r record, end int, err error) {
	err = errors.New("it holds no whole record")
	for end = bytes.LastIndexByte(data, '\n') + 1; end > 0; {
		start := bytes.LastIndexByte(data[:end-1], '\n') + 1
		if r, err = decodeRecord(data[start:end]); err == nil {
			return r, end, nil
		}
		end = start
	}
	return record{}, 0, err
}

func decodeRecord(line []byte) (record, error) {
	var r record
	sum, line, _ := bytes.Cut(line, []byte(" "))
	if string(sum) != checksum(line) {
		return record{}, errors.New("its checksum is wrong")
	}
	if err := json.Unmarshal(line, &r); err != nil {
		return record{}, err
	}
	if r.Version != version {
		return record{}, fmt.Errorf("version %d is not known here", r.Version)
	}
	if r.Swap == nil {
		return r, nil
	}
	return r, r.Swap.Check()
}
