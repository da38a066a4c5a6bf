package faults

import (
	"os"
	"path/filepath"
	"slices"
	"time"
)

// commandsEnd waits until nothing is left that a killed daemon had started: no
// process has the directory of the daemon as its own. (The environment would not do:
// a process has none while it becomes another program, which takes long on a busy
// machine.) One look is not enough, for a process may hand over to one that was not
// there when the look began.
func (r *crashRig) commandsEnd() {
	r.t.Helper()
	const looks = 10 // in a row that find nothing
	deadline := time.Now().Add(crashTimeout)
	for quiet := 0; quiet < looks; time.Sleep(2 * time.Millisecond) {
		if quiet++; r.anyLeft() {
			quiet = 0
		}
		if time.Now().After(deadline) {
			r.t.Fatal("a command does not end")
		}
	}
}

func (r *crashRig) anyLeft() bool {
	own, err := os.Stat(r.dir)
	if err != nil {
		r.t.Fatal(err)
	}
	dirs, err := filepath.Glob("/proc/[0-9]*/cwd")
	if err != nil {
		r.t.Fatal(err)
	}
	return slices.ContainsFunc(dirs, func(path string) bool {
		dir, err := os.Stat(path) // what cannot be read has ended, or is somebody else's
		return err == nil && os.SameFile(dir, own)
	})
}
