package logging

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"restencil/renderer/atomicfile"
)

const (
	defaultFileName = "consul-template.log" // as there, for old clean-up scripts
	defaultMaxAge   = 24 * time.Hour
	filePerm        = 0o640
)

// A file is the log file in use, and makes the next one when it is time. As a
// Writer it takes whole lines. It may be used concurrently.
type file struct {
	dir, base, ext string
	maxBytes       int64
	maxAge         time.Duration
	keep           int

	mu     sync.Mutex
	f      *os.File // nil once closed
	stamp  int64    // in its name
	opened time.Time
	size   int64
	torn   bool // it ends within a line
}

func openFile(o File) (*file, error) {
	dir, name := filepath.Split(o.Path)
	name = cmp.Or(name, defaultFileName)
	ext := filepath.Ext(name)
	f := &file{
		dir:      filepath.Clean(dir),
		base:     strings.TrimSuffix(name, ext),
		ext:      cmp.Or(ext, ".log"),
		maxBytes: o.MaxBytes,
		maxAge:   o.MaxAge,
		keep:     o.Keep,
	}
	if f.maxAge <= 0 {
		f.maxAge = defaultMaxAge
	}
	if err := f.next(); err != nil {
		return nil, err
	}
	if err := f.prune(); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// Write writes a line, to a new file if that is due. Where there can be none,
// the line goes to the old one, and Write returns why.
func (f *file) Write(line []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.f == nil {
		return len(line), nil
	}
	var rotated error
	if f.maxBytes > 0 && f.size >= f.maxBytes || time.Since(f.opened) >= f.maxAge {
		old := f.f
		if rotated = f.next(); rotated == nil {
			rotated = errors.Join(old.Close(), f.prune())
		}
	}
	if f.torn {
		if _, err := f.f.WriteString("\n"); err != nil {
			return 0, errors.Join(rotated, err)
		}
		f.torn = false
	}
	n, err := f.f.Write(line)
	f.size += int64(n)
	f.torn = n > 0 && n < len(line)
	return n, errors.Join(rotated, err)
}

// Close closes the file; lines that come later are dropped.
func (f *file) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.f == nil {
		return nil
	}
	err := f.f.Close()
	f.f = nil
	return err
}

// next makes a new file the one in use.
func (f *file) next() error {
	now := time.Now()
	stamp := now.UnixNano()
	next, err := atomicfile.OpenFile(filepath.Join(f.dir, f.name(stamp)), os.O_CREATE|os.O_APPEND|os.O_WRONLY, filePerm)
	if err != nil {
		return err
	}
	f.f, f.stamp, f.opened, f.size, f.torn = next, stamp, now, 0, false
	return nil
}

func (f *file) name(stamp int64) string {
	return fmt.Sprintf("%s-%d%s", f.base, stamp, f.ext)
}

// prune removes the oldest of the files before the one in use, where there are
// too many. What only looks alike, such as app-web.log beside app.log, is not
// among them.
func (f *file) prune() error {
	if f.keep == 0 {
		return nil
	}
	entries, err := os.ReadDir(f.dir)
	if err != nil {
		return err
	}
	var stamps []int64
	for _, e := range entries {
		text, _ := strings.CutPrefix(e.Name(), f.base+"-")
		stamp, err := strconv.ParseInt(strings.TrimSuffix(text, f.ext), 10, 64)
		if err == nil && stamp > 0 && stamp != f.stamp && e.Name() == f.name(stamp) {
			stamps = append(stamps, stamp)
		}
	}
	slices.Sort(stamps)
	var errs []error
	for _, stamp := range stamps[:max(0, len(stamps)-max(0, f.keep))] {
		if err := os.Remove(filepath.Join(f.dir, f.name(stamp))); !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}
