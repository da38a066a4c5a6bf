package journal

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"sync"
	"time"

	"restencil/renderer/atomicfile"
	"restencil/runner/journal/disk"
	"restencil/runner/journal/history"
)

const (
	// durable has a write return when it will outlast a loss of power.
	durable = true
	// soon leaves that to the system.
	soon = false

	// maxFile is how long a bundle's file may become, in bytes, before it is
	// replaced by its last line; or maxLines such lines, if that is more.
	maxFile  = 64 << 10
	maxLines = 8
)

// An entry is a bundle's file, and what it holds.
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
func (j *Journal) enter(bundle string, lock func() error) (*entry, error) {
	e, err := j.entry(bundle, lock)
	if err != nil {
		return nil, err
	}
	e.mu.Lock()
	if e.loaded {
		return e, nil
	}
	if err := e.load(j.disk); err != nil {
		e.mu.Unlock()
		return nil, err
	}
	return e, nil
}

// entry returns the entry of a bundle. It is remembered only while nobody else can
// change the file.
func (j *Journal) entry(bundle string, lock func() error) (*entry, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if err := lock(); err != nil {
		return nil, err
	}
	e := j.entries[bundle]
	if e == nil {
		name := fileName(bundle)
		e = &entry{
			path:    filepath.Join(j.bundlesDir(), name+".jsonl"),
			history: history.History{Bundle: bundle, Dir: filepath.Join(j.dir, "history", name), Disk: j.disk},
			record:  record{Version: version, Bundle: bundle},
		}
		if j.lock.Held() {
			j.entries[bundle] = e
		}
	}
	return e, nil
}

// load reads e's file.
func (e *entry) load(d disk.Disk) error {
	r, end, size, err := read(e.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		e.record.Unknown = d.WasDamaged(e.path)
	case errors.As(err, &damage{}):
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

// A damage is why a bundle's file holds no record.
type damage struct{ error }

// unknown is what follows from a file that is damaged.
const unknown = "what was loaded last is not known, so that commands run to be safe"

// read returns the newest whole record of a bundle's file, where in the file that
// ends, and the size of the file. The error is fs.ErrNotExist where there is no file,
// and a damage where it holds no record.
func read(path string) (r record, end, size int, err error) {
	data, err := atomicfile.ReadFile(path)
	if err != nil {
		return record{}, 0, 0, fmt.Errorf("cannot read the state directory: %w", err)
	}
	r, end, err = lastRecord(data)
	if err == nil && fileName(r.Bundle)+".jsonl" != filepath.Base(path) {
		err = fmt.Errorf("it is of another bundle, %q", r.Bundle)
	}
	if err != nil {
		return record{}, 0, 0, damage{fmt.Errorf("%w; %s", err, unknown)}
	}
	return r, end, len(data), nil
}

// update changes what is known of a bundle and writes it down.
func (j *Journal) update(bundle string, sync bool, change func(*entry)) error {
	e, err := j.enter(bundle, j.lockToWrite)
	if err != nil {
		return err
	}
	defer e.mu.Unlock()
	before := e.record
	change(e)
	if !e.behind && !before.Unknown && e.record.equal(before) {
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
		err = j.disk.Replace(e.path, line)
	} else {
		size, err = j.disk.Append(e.path, e.size, line, sync)
	}
	if err != nil {
		return j.failed(err)
	}
	e.size, e.behind, e.record.Unknown = size, false, false
	return nil
}
