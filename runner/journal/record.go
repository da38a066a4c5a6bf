package journal

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"slices"
	"time"
	"unicode/utf8"

	"restencil/runner/journal/swap"
)

// version is that of the format. A record of another version is not understood.
const version = 2

// A record is all that is known of a bundle at some time: one line of its file. The
// last line counts.
type record struct {
	Version int       `json:"version"`
	Bundle  string    `json:"bundle"`
	Time    time.Time `json:"time"`
	State
	Swap *swapRecord `json:"swap,omitempty"` // nil: none is under way
}

// A swapRecord is a swap, and what was known before it, except for the verdict.
type swapRecord struct {
	swap.Swap
	Before State `json:"before"`
}

// underWay returns the swap that is under way, or nil.
func (r *record) underWay() *swap.Swap {
	if r.Swap == nil {
		return nil
	}
	return &r.Swap.Swap
}

// equal tells whether r and o say the same, whenever they were written.
func (r *record) equal(o record) bool {
	return r.Swap == o.Swap && r.Desired == o.Desired && r.Applied == o.Applied && slices.Equal(r.Files, o.Files) && r.Verdict == o.Verdict
}

// set replaces what is known, except for the verdict. No swap is under way then.
func (r *record) set(s State) {
	s.Verdict = r.Verdict
	r.State, r.Swap = s, nil
}

// begin enters a swap that leads to desired. files are its destinations as the caller
// names them.
func (r *record) begin(desired string, files []string, s swap.Swap) {
	before := r.State
	before.Verdict = Verdict{}
	r.owe(desired, files)
	r.Swap = &swapRecord{s, before}
}

// swapped enters that all moves have been made.
func (r *record) swapped() {
	if r.Swap != nil {
		done := *r.Swap
		done.Done = true
		r.Swap = &done
	}
}

// owe enters that files change to what desired says. A hash that is the one applied
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

// apply enters that the files of this hash have been loaded.
func (r *record) apply(hash string) { r.set(State{Desired: hash, Applied: hash}) }

// undo enters that the files are what they were, and what loads them too.
func (r *record) undo() {
	switch {
	case r.Swap == nil:
		r.apply(r.Applied)
	case r.Swap.Done:
		r.apply(r.Swap.Before.Desired)
	default:
		r.set(r.Swap.Before)
	}
}

// recovered enters what became of the swap after a crash.
func (r *record) recovered(o swap.Outcome) {
	switch o {
	case swap.Cancelled:
		r.set(r.Swap.Before)
	case swap.Undone:
		// Nobody knows what has been loaded.
		if before := r.Swap.Before.Desired; before != "" {
			r.Desired = before
		}
		r.Applied = ""
	}
	r.Swap = nil
}

// encode returns r as a line: a checksum, and the record as JSON.
func (r *record) encode() ([]byte, error) {
	texts := slices.Concat([]string{r.Bundle, r.Desired, r.Applied}, r.Files)
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

// checksum returns the checksum of a line's JSON.
func checksum(line []byte) string {
	return fmt.Sprintf("%08x", crc32.Checksum(bytes.TrimSuffix(line, []byte("\n")), crc32.MakeTable(crc32.Castagnoli)))
}

// lastRecord returns the newest whole record in a bundle's file, and where its line
// ends. If something follows, that was cut off as it was written, or is damaged.
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
