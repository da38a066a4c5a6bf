package renderer

import (
	"os"
	"path/filepath"
	"strconv"
)

// A Stream is a standard stream of this process.
type Stream int

const (
	NoStream Stream = iota
	Stdout
	Stderr
)

const maxLinks = 40 // how many links StreamOf follows

// StreamOf returns the stream that a path leads to, through links or not:
// /dev/stdout, /dev/fd/1, /proc/self/fd/1 and so on. Such a destination must be a
// File.Stream: a rename would replace it for the whole machine.
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

func streamNamed(path string) Stream {
	switch base := filepath.Base(path); filepath.Dir(path) {
	case "/dev":
		return map[string]Stream{"stdout": Stdout, "stderr": Stderr}[base]
	case "/dev/fd", "/proc/self/fd", "/proc/thread-self/fd", "/proc/" + strconv.Itoa(os.Getpid()) + "/fd":
		return map[string]Stream{"1": Stdout, "2": Stderr}[base]
	}
	return NoStream
}
