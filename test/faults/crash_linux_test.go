package faults

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// commandsEnd waits until nothing is left that a killed daemon had started. One
// look is not enough: a process has no environment while it becomes another
// program, and may hand over to one that was not there when the look began.
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
	environs, err := filepath.Glob("/proc/[0-9]*/environ")
	if err != nil {
		r.t.Fatal(err)
	}
	for _, path := range environs {
		if path == "/proc/"+strconv.Itoa(os.Getpid())+"/environ" {
			continue
		}
		// What cannot be read has ended, or is somebody else's.
		environ, _ := os.ReadFile(path)
		if bytes.Contains(environ, []byte(r.mark()+"\x00")) {
			return true
		}
	}
	return false
}
