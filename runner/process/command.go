package process

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"restencil/runner/process/overlay"
)

// A Command is a program to run.
type Command struct {
	// Args is the program and its arguments. A single element of several words is
	// for the shell, "sh -c" (COMPAT 4.6.1). Empty: no command.
	Args []string

	// Timeout is how long the command may take. After that its process group is
	// killed, and the command has failed. Zero: it is started and left alone, and
	// its exit status is ignored (COMPAT 2.5.5).
	Timeout time.Duration

	// Env is the whole environment, in the form of os.Environ. Nil: that of this
	// process.
	Env []string

	// Mask replaces secrets in each line of the output before it is written. Nil:
	// the output is written as it comes.
	Mask func(string) string

	// Overlay lists files that the command sees in the place of others. Not every
	// system supports that; see System.CanOverlay.
	Overlay []overlay.File
}

// None reports whether c is no command.
func (c Command) None() bool { return len(c.Args) == 0 }

// A CommandError is why a command failed. Error returns it in consul-template's words
// (COMPAT 4.6.3), Brief in one line.
type CommandError struct {
	ExitCode int    // 0: it has none
	Reason   string // why it has no exit code: "timeout", or the signal that ended it, such as "killed"
	Printed  bool   // its output was written while it ran

	text        string
	line, cause string // the command, and why it failed; for Brief
}

func (e *CommandError) Error() string { return e.text }

// Brief returns err with a message of one line, masked by mask unless that is nil. A
// command for the shell is shown as people wrote it, without "sh -c". Of a program that is
// not there it says where that was looked for.
func Brief(err error, mask func(string) string) error {
	brief := CommandError{text: strings.TrimPrefix(err.Error(), "child: ")}
	if e, ok := err.(*CommandError); ok {
		brief = *e
		if e.cause != "" {
			brief.text, brief.cause = fmt.Sprintf("%q: %s", strings.TrimPrefix(e.line, "sh -c "), e.cause), ""
		}
	} else if e, ok := errors.AsType[*exec.Error](err); ok && errors.Is(err, exec.ErrNotFound) {
		brief.text = fmt.Sprintf("there is no program %q in PATH (%s): install it, or write its whole path", e.Name, os.Getenv("PATH"))
	} else if e, ok := errors.AsType[*fs.PathError](err); ok && e.Op != "open" && errors.Is(err, fs.ErrNotExist) {
		path, _ := filepath.Abs(e.Path)
		brief.text = fmt.Sprintf("there is no program %s, or not the one that its first line names (#!): install it, or correct the path", path)
	}
	if mask != nil {
		brief.text = mask(brief.text)
	}
	if brief.text == err.Error() {
		return err
	}
	return &brief
}

// A Reason is why a command is run, or a child started or ended.
type Reason string

const (
	ReasonStart  Reason = "start"  // the first run
	ReasonChange Reason = "change" // files changed
	ReasonRetry  Reason = "retry"  // it failed or, for a child, ended by itself
	ReasonStop   Reason = "stop"   // this process ends, or another child replaces it
	ReasonSignal Reason = "signal" // a signal was passed on
)

// variableSize bounds a variable with paths, in bytes. Linux runs no command that has
// more than 128 KiB in one variable.
const variableSize = 32 << 10

// Environ returns env, or the environment of this process if env is nil, with these
// variables added:
//
//	RESTENCIL_REASON      why the command is run: start, change or retry
//	RESTENCIL_FILES       the files that changed, one per line
//	RESTENCIL_FILES_MORE  the number of files left out because there are too many
func Environ(env []string, why Reason, files []string) []string {
	if env == nil {
		env = os.Environ()
	}
	env = append(slices.Clip(env), "RESTENCIL_REASON="+string(why))
	return append(env, Variables("RESTENCIL_FILES", files)...)
}

// Variables returns two variables: name with paths, one per line, and name_MORE with
// the number of paths left out because there are too many.
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

// A FileSet is a list of distinct paths, in the order in which they were added. The
// zero value is empty.
type FileSet struct {
	list  []string
	known map[string]bool
}

// Add adds paths, except "" and those that f has.
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
