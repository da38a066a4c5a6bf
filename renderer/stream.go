package renderer

import (
	"os"
	"path/filepath"
	"strconv"
)

// A Stream is one of the process's own that files are written to.
type Stream int

// The streams.
const (
	NoStream Stream = iota
	Stdout
	Stderr
)

// maxLinks is how many links are followed on the way to a stream.
const maxLinks = 40

// StreamOf tells which stream a path leads to, through whatever links:
// /dev/stdout, /dev/fd/1, /proc/self/fd/1 and so on. Such a destination must be
// written to (File.Stream): to replace it would change the machine for all.
func StreamOf(path string) Stream {
	path, err := filepath.Abs(path)
	if err != nil {
		return NoStream
	}
	for range maxLinks {
		if s := streamNamed(path); s != NoStream {
			return s
		}
		target, err := os.Readlink(path)
		if err != nil {
			return NoStream
		}
		dir, err := filepath.EvalSymlinks(filepath.Dir(path))
		if err != nil {
			return NoStream
		}
		if s := streamNamed(filepath.Join(dir, filepath.Base(path))); s != NoStream {
			return s
		}
		if !filepath.IsAbs(target) {
			target = filepath.Join(dir, target)
		}
		path = target
	}
	return NoStream
}

// streamNamed returns the stream that is called so.
func streamNamed(path string) Stream {
	dir, base := filepath.Dir(path), filepath.Base(path)
	switch dir {
	case "/dev":
		switch base {
		case "stdout":
			return Stdout
		case "stderr":
			return Stderr
		}
	case "/dev/fd", "/proc/self/fd", "/proc/thread-self/fd", "/proc/" + strconv.Itoa(os.Getpid()) + "/fd":
		switch base {
		case "1":
			return Stdout
		case "2":
			return Stderr
		}
	}
	return NoStream
}
