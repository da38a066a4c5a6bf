package logging

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"restencil/renderer/atomicfile"
)

const (
	defaultFileName = "consul-template.log" // as there, for old clean-up scripts
	defaultMaxAge   = 24 * time.Hour
	filePerm        = 0o640
)

// A file is the current log file; it begins the next one when that is due.
type file struct {
	o              File
	dir, base, ext string

	*os.File
	stamp  int64 // in its name
	opened time.Time
	size   int64
	torn   bool // it ends within a line
}

func openFile(o File) (*file, error) {
	dir, name := filepath.Split(o.Path)
	name = cmp.Or(name, defaultFileName)
	ext := filepath.Ext(name)
	f := &file{
		o:    o,
		dir:  filepath.Clean(dir),
		base: strings.TrimSuffix(name, ext),
		ext:  cmp.Or(ext, ".log"),
	}
	if o.MaxAge <= 0 {
		f.o.MaxAge = defaultMaxAge
	}
	if err := f.next(); err != nil {
		return nil, err
	}
	if err := f.prune(); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// write writes a line, to a new file if that is due. Where none can be made, the
// line goes to the old one, and write returns why.
func (f *file) write(_ slog.Level, line []byte) error {
	var rotated error
	if f.o.MaxBytes > 0 && f.size >= f.o.MaxBytes || time.Since(f.opened) >= f.o.MaxAge {
		old := f.File
		if rotated = f.next(); rotated == nil {
			rotated = errors.Join(old.Close(), f.prune())
		}
	}
	if f.torn {
		if _, err := f.WriteString("\n"); err != nil {
			return errors.Join(rotated, err)
		}
		f.torn = false
	}
	n, err := f.Write(line)
	f.size += int64(n)
	f.torn = n > 0 && n < len(line)
	return errors.Join(rotated, err)
}

func (f *file) next() error {
	now := time.Now()
	stamp := now.UnixNano()
	next, err := atomicfile.OpenFile(filepath.Join(f.dir, f.name(stamp)), os.O_CREATE|os.O_APPEND|os.O_WRONLY, filePerm)
	if err != nil {
		return err
	}
	f.File, f.stamp, f.opened, f.size, f.torn = next, stamp, now, 0, false
	return nil
}

func (f *file) name(stamp int64) string {
	return fmt.Sprintf("%s-%d%s", f.base, stamp, f.ext)
}

// prune removes the oldest of the old files, where there are more than keep. Files
// with similar names, such as app-web.log beside app.log, are not among them.
func (f *file) prune() error {
	if f.o.Keep == 0 {
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
	for _, stamp := range stamps[:max(0, len(stamps)-max(0, f.o.Keep))] {
		if err := os.Remove(filepath.Join(f.dir, f.name(stamp))); !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}
