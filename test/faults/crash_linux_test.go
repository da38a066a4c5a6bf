package faults

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// commandsEnd waits until nothing is left that a killed daemon had started.
func (r *crashRig) commandsEnd() {
	r.t.Helper()
	for deadline := time.Now().Add(crashPatience); r.anyLeft(); time.Sleep(time.Millisecond) {
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
