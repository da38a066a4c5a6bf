package journal

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"restencil/renderer/atomicfile"
)

const (
	// durable has a write return when it will outlast a loss of power.
	durable = true
	// soon leaves that to the system.
	soon = false

	// maxFile is how long a bundle's file may become, in bytes, before it is
	// written anew with its last line only; or maxLines such lines, if that
	// is more.
	maxFile  = 64 << 10
	maxLines = 8
)

// An entry is a bundle's file, and what it holds.
type entry struct {
	name string
	path string

	mu     sync.Mutex
	loaded bool
	record record
	size   int64 // of the part of the file that counts
	behind bool  // the file does not hold the record, because a write failed

	unknown bool // the file was damaged, and nothing has been written since
}

func newEntry(name, path string) *entry {
	return &entry{name: name, path: path, record: newRecord(name)}
}

// reading returns the entry of a bundle for reading.
func (j *Journal) reading(bundle string) (*entry, error) {
	return j.enter(bundle, j.lockToRead)
}

// writing returns the entry of a bundle for changing it.
func (j *Journal) writing(bundle string) (*entry, error) {
	return j.enter(bundle, j.lockToWrite)
}

// enter returns the entry of a bundle. It is remembered only while nobody else
// can change the file.
func (j *Journal) enter(bundle string, lock func() error) (*entry, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if err := lock(); err != nil {
		return nil, err
	}
	if e := j.entries[bundle]; e != nil {
		return e, nil
	}
	e := newEntry(bundle, filepath.Join(j.bundlesDir(), fileName(bundle)+".jsonl"))
	if j.lock.Held() {
		j.entries[bundle] = e
	}
	return e, nil
}

// load reads e's file, if that has not been done.
func (j *Journal) load(e *entry) error {
	if e.loaded {
		return nil
	}
	r, end, torn, err := read(e.path)
	damaged := err
	if err = j.setAside(err); err != nil {
		return err
	}
	if r != nil {
		e.record, e.size = *r, int64(end)
		if torn {
			j.warn(fmt.Errorf("the state file %s ends in the middle of a record (what was loaded last is not known, so that commands run to be safe)", e.path))
		}
	} else if damaged == nil {
		_, err := os.Lstat(e.path + damagedSuffix) // set aside before
		torn = err == nil
	}
	e.unknown = torn || damaged != nil
	e.loaded = true
	return nil
}

// read returns what a bundle's file holds, nil where there is none, and where
// in the file that ends. torn is as in lastRecord. The error may be a *damage.
func read(path string) (r *record, end int, torn bool, err error) {
	data, err := atomicfile.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, 0, false, nil
	}
	if err != nil {
		return nil, 0, false, fmt.Errorf("cannot read the state directory: %w", err)
	}
	last, end, torn, err := lastRecord(data)
	if err == nil && fileName(last.Bundle)+".jsonl" != filepath.Base(path) {
		err = fmt.Errorf("it is of another bundle, %q", last.Bundle)
	}
	if err != nil {
		return nil, 0, torn, &damage{path, err}
	}
	return &last, end, torn, nil
}

// damagedSuffix ends the name of a file that was set aside.
const damagedSuffix = ".damaged"

// A damage is what is wrong with a file of the journal.
type damage struct {
	path string
	why  error
}

func (d *damage) Error() string {
	return fmt.Sprintf("the state file %s is damaged: %v (what was loaded last is not known, so that commands run to be safe; it is kept as %s%s)", d.path, d.why, d.path, damagedSuffix)
}

// setAside returns err, unless it is a damage: then the file is moved out of
// the way, where that can be done, and that is told.
func (j *Journal) setAside(err error) error {
	d, ok := err.(*damage)
	if !ok {
		return err
	}
	if j.locked() {
		if moveErr := j.disk.rename(d.path, d.path+damagedSuffix); moveErr != nil {
			err = errors.Join(err, moveErr)
		}
	}
	j.warn(err)
	return nil
}

func (j *Journal) warn(err error) {
	if j.options.Warn != nil {
		j.options.Warn(err)
	}
}

// update changes what is known of a bundle and writes it down.
func (j *Journal) update(bundle string, sync bool, change func(*record)) error {
	if err := texts(bundle); err != nil {
		return err
	}
	e, err := j.writing(bundle)
	if err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if err := j.load(e); err != nil {
		return err
	}
	before := e.record
	change(&e.record)
	if !e.behind && !e.unknown && e.record.equal(before) {
		return nil
	}
	return j.save(e, sync)
}

// save writes e's record at the end of its file, or in place of that.
func (j *Journal) save(e *entry, sync bool) error {
	e.record.Time = time.Now().UTC().Round(0)
	e.behind = true
	line, err := e.record.encode()
	if err != nil {
		return j.failed(err)
	}
	size := int64(len(line))
	if e.size > max(maxFile, maxLines*size) {
		err = j.disk.replace(e.path, line)
	} else {
		size, err = j.disk.append(e.path, e.size, line, sync)
	}
	if err != nil {
		return j.failed(err)
	}
	e.size, e.behind, e.unknown = size, false, false
	return nil
}
