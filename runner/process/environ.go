package process

import (
	"os"
	"slices"
	"strconv"
	"strings"
)

// A Reason is why a command is run, or a child started or ended.
type Reason string

const (
	ReasonStart  Reason = "start"  // it is the first time
	ReasonChange Reason = "change" // files changed
	ReasonRetry  Reason = "retry"  // it failed or, for a child, ended by itself
	ReasonStop   Reason = "stop"   // the process ends, or another child takes over
	ReasonSignal Reason = "signal" // one was passed on
)

// variableSize bounds a variable with paths, in bytes. Linux takes 128 KiB in one
// variable, and does not run a command that has more.
const variableSize = 32 << 10

// Environ returns env, or the process's own environment where that is nil,
// with what a command may want to know besides:
//
//	RESTENCIL_REASON      why it is run: start, change or retry
//	RESTENCIL_FILES       the files that changed, a line each
//	RESTENCIL_FILES_MORE  how many that leaves out because there are so many
func Environ(env []string, why Reason, files []string) []string {
	if env == nil {
		env = os.Environ()
	}
	env = append(slices.Clip(env), "RESTENCIL_REASON="+string(why))
	return append(env, Variables("RESTENCIL_FILES", files)...)
}

// Variables returns two variables: NAME with paths, a line each, and NAME_MORE with
// how many that leaves out because there are so many.
func Variables(name string, paths []string) []string {
	shown, size := 0, 0
	for shown < len(paths) && size+len(paths[shown]) < variableSize {
		size += len(paths[shown]) + 1
		shown++
	}
	return []string{
		name + "=" + strings.Join(paths[:shown], "\n"),
		name + "_MORE=" + strconv.Itoa(len(paths)-shown),
	}
}

// A FileSet is a list of paths without doubles, in the order in which they
// were added. The zero value is empty.
type FileSet struct {
	list  []string
	known map[string]bool
}

func (f *FileSet) Add(paths ...string) {
	for _, p := range paths {
		if p == "" || f.known[p] {
			continue
		}
		if f.known == nil {
			f.known = make(map[string]bool)
		}
		f.known[p] = true
		f.list = append(f.list, p)
	}
}

// List returns the paths. The caller must not change it.
func (f *FileSet) List() []string { return f.list }
