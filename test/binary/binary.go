// Package binary builds the restencil program for tests that run it as users
// do.
package binary

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"testing"
)

// program is built once a process, when the first test asks for it.
var program struct {
	once sync.Once
	dir  string
	err  error
}

// Path returns the program, built from this tree, with the race detector where
// the test has it. A package that calls it calls Main as well.
func Path(t testing.TB) string {
	t.Helper()
	program.once.Do(func() {
		if program.dir, program.err = os.MkdirTemp("", "restencil-test-"); program.err == nil {
			program.err = build(filepath.Join(program.dir, name()))
		}
	})
	if program.err != nil {
		t.Fatal(program.err)
	}
	return filepath.Join(program.dir, name())
}

// Main runs a package's tests, removes the program that Path built, and
// returns the exit code. It is for TestMain.
func Main(m *testing.M) int {
	if os.Getenv(raceOptions) == "" {
		// Without it, the race detector has each program that ends wait a second.
		_ = os.Setenv(raceOptions, "atexit_sleep_ms=0")
	}
	code := m.Run()
	if program.dir != "" {
		_ = os.RemoveAll(program.dir)
	}
	return code
}

const raceOptions = "GORACE"

// RaceOptions returns what a program that Path returns needs in its environment,
// where that is not the test's.
func RaceOptions() string { return raceOptions + "=" + os.Getenv(raceOptions) }

// build builds the program as "make build" does, but for the race detector, which
// needs cgo.
func build(path string) error {
	cmd := exec.Command("go", "build", "-o", path, "restencil/cmd/restencil")
	if race {
		cmd.Args = slices.Insert(cmd.Args, 2, "-race")
	} else {
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("building restencil: %w\n%s", err, out)
	}
	return nil
}

func name() string {
	if runtime.GOOS == "windows" {
		return "restencil.exe"
	}
	return "restencil"
}
