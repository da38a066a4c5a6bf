package journal

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"path/filepath"
	"slices"
	"time"
	"unicode/utf8"

	"restencil/renderer"
)

// version is that of what is written. What has another is not understood.
const version = 2

// A record is all that is known of a bundle at some time: one line of its
// file, and only the last counts.
type record struct {
	Version int       `json:"version"`
	Bundle  string    `json:"bundle"`
	Time    time.Time `json:"time"`
	knowledge
	Verdict
	Swap *swap `json:"swap,omitempty"` // nil: none is under way
}

// knowledge is a State as it is written.
type knowledge struct {
	Desired string   `json:"desired,omitempty"`
	Applied string   `json:"applied,omitempty"`
	Files   []string `json:"files,omitempty"`
}

// A swap is one that may have left something beside the destinations.
type swap struct {
	Done   bool      `json:"done,omitempty"`  // all moves have been made
	Trial  bool      `json:"trial,omitempty"` // the moves are taken back where the new files turn out bad
	Before knowledge `json:"before"`
	Moves  []move    `json:"moves"`
}

// A move is a Move with all that is needed to tell, later, whether it has
// been made.
type move struct {
	Path string  `json:"path"`
	Temp string  `json:"temp"`
	Kept string  `json:"kept,omitempty"`
	Old  content `json:"old,omitempty"` // what was at Path
	New  content `json:"new"`           // what was at Temp

	given string // the path as the caller has it
}

func newRecord(bundle string) record {
	return record{Version: version, Bundle: bundle}
}

func (r *record) state() State {
	return State{Desired: r.Desired, Applied: r.Applied, Files: slices.Clone(r.Files), Verdict: r.Verdict}
}

// equal tells whether r and o say the same, whenever they were written.
func (r *record) equal(o record) bool {
	return r.Swap == o.Swap && r.Desired == o.Desired && r.Applied == o.Applied && slices.Equal(r.Files, o.Files) && r.Verdict == o.Verdict
}

// begin enters moves that lead to desired.
func (r *record) begin(desired string, trial bool, moves []move) {
	before := r.knowledge
	files := make([]string, len(moves))
	for i, m := range moves {
		files[i] = m.given
	}
	r.owe(desired, files)
	r.Swap = &swap{Trial: trial, Before: before, Moves: moves}
}

// swapped enters that all moves have been made.
func (r *record) swapped() {
	if r.Swap != nil {
		done := *r.Swap
		done.Done = true
		r.Swap = &done
	}
}

// owe enters that files change to what desired says. A hash that is the one
// applied last is owed too, since the files were something else in between.
func (r *record) owe(desired string, files []string) {
	if r.Applied == desired {
		r.Applied = ""
	}
	r.Desired = desired
	r.Files = union(r.Files, files)
}

// apply enters that the files of this hash have been loaded.
func (r *record) apply(hash string) {
	r.knowledge = knowledge{Desired: hash, Applied: hash}
	r.Swap = nil
}

// undo enters that the files are what they were, and what loads them too.
func (r *record) undo() {
	switch {
	case r.Swap == nil:
		r.apply(r.Applied)
	case r.Swap.Done:
		r.apply(r.Swap.Before.Desired)
	default:
		r.cancel()
	}
}

// settle enters what a verdict comes to, once it has been carried out.
func (r *record) settle(v verdict) {
	switch v {
	case cancel:
		r.cancel()
	case undo:
		r.revert()
	default:
		r.Swap = nil
	}
}

// cancel enters that the swap has never been.
func (r *record) cancel() {
	r.knowledge = r.Swap.Before
	r.Swap = nil
}

// revert enters that the files are what they were before the swap, and that
// nobody knows what has been loaded.
func (r *record) revert() {
	if before := r.Swap.Before.Desired; before != "" {
		r.Desired = before
	}
	r.Applied = ""
	r.Swap = nil
}

func union(a, b []string) []string {
	all := slices.Concat(a, b)
	slices.Sort(all)
	return slices.Compact(all)
}

// encode returns r as a line: a checksum, and the record.
func (r *record) encode() ([]byte, error) {
	if err := r.texts(); err != nil {
		return nil, err
	}
	line, err := encode(r)
	if err != nil {
		return nil, err
	}
	return append([]byte(checksum(line)+" "), line...), nil
}

// checksum returns what a line begins with, of which this is the rest.
func checksum(line []byte) string {
	return fmt.Sprintf("%08x", crc32.Checksum(bytes.TrimSuffix(line, []byte("\n")), crc32.MakeTable(crc32.Castagnoli)))
}

// texts fails where a string would not be read as it is written.
func (r *record) texts() error {
	all := slices.Concat([]string{r.Bundle, r.Desired, r.Applied}, r.Files)
	if r.Swap != nil {
		for _, m := range r.Swap.Moves {
			all = append(all, m.Path, m.Temp, m.Kept)
		}
	}
	return texts(all...)
}

func texts(all ...string) error {
	for _, s := range all {
		if !utf8.ValidString(s) {
			return fmt.Errorf("%q is not UTF-8", s)
		}
	}
	return nil
}

// encode returns v as a line of JSON.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return b.Bytes(), err
}

// lastRecord returns the newest record of a bundle's file that is whole, and where
// its line ends. torn tells that something comes after it which is no whole record:
// it was cut off as it was written, or is damaged.
func lastRecord(data []byte) (r record, end int, torn bool, err error) {
	err = errors.New("it holds no whole record")
	for end = bytes.LastIndexByte(data, '\n') + 1; end > 0; {
		start := bytes.LastIndexByte(data[:end-1], '\n') + 1
		if r, err = decodeRecord(data[start:end]); err == nil {
			return r, end, end < len(data), nil
		}
		end = start
	}
	return record{}, 0, true, err
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
	for _, m := range r.Swap.Moves {
		if err := m.check(); err != nil {
			return record{}, err
		}
	}
	return r, nil
}

// check fails where m has other names than those for temporary files: what
// they name is renamed and removed.
func (m move) check() error {
	if !filepath.IsAbs(m.Path) || m.New == "" {
		return fmt.Errorf("no path or content in the move to %q", m.Path)
	}
	names := []string{m.Temp}
	if m.Kept != "" {
		names = append(names, m.Kept)
	}
	for _, name := range names {
		if filepath.Dir(name) != filepath.Dir(m.Path) || !renderer.IsTemp(name) {
			return fmt.Errorf("%q is no name for a temporary file beside %s", name, m.Path)
		}
	}
	return nil
}
