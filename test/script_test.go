package test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"restencil/test/await"
	"restencil/test/binary"
)

// TestScripts runs scripts/*.txtar: whole behaviours of the command line, as a
// person would type them. Beside testscript's own commands there are
//
//	exits CODE PROGRAM ARGS…   runs the program and wants this exit code
//	waitfile FILE TEXT         waits until the file holds just this line
//	waitgrep FILE REGEXP       waits until something in the file matches
//	daemon NAME PROGRAM ARGS…  starts a program; what it prints goes to the file NAME.log
//	signal NAME SIGNAL         sends it a signal, such as HUP
//	ended NAME CODE            waits until it has ended, and wants this exit code; -1 for KILL
//	end NAME CODE              the same after SIGTERM
//
// and the condition [root].
func TestScripts(t *testing.T) {
	program := binary.Path(t)
	testscript.Run(t, testscript.Params{
		Dir:                 "scripts",
		RequireExplicitExec: true,
		Setup: func(e *testscript.Env) error {
			e.Setenv("PATH", filepath.Dir(program)+string(filepath.ListSeparator)+e.Getenv("PATH"))
			e.Setenv("STATE_DIRECTORY", filepath.Join(e.WorkDir, ".state"))
			e.Values[daemonsKey{}] = make(daemons)
			return nil
		},
		Condition: func(name string) (bool, error) {
			if name == "root" {
				return os.Geteuid() == 0, nil
			}
			return false, fmt.Errorf("unknown condition %q", name)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits":    exits,
			"waitfile": waitFile,
			"waitgrep": waitGrep,
			"daemon":   startDaemon,
			"signal":   signalDaemon,
			"ended":    ended,
			"end":      end,
		},
	})
}

// exits runs a program and wants an exit code.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM ARGS…")
	}
	err := ts.Exec(args[1], args[2:]...)
	code := 0
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		code = exit.ExitCode()
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if strconv.Itoa(code) != args[0] {
		ts.Fatalf("exit code %d, want %s", code, args[0])
	}
}

func waitFile(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: waitfile FILE TEXT")
	}
	path := ts.MkAbs(args[0])
	wait(ts, func() error {
		got, err := os.ReadFile(path)
		if err == nil && strings.TrimSuffix(string(got), "\n") != args[1] {
			err = fmt.Errorf("%s holds «%s», want «%s»", args[0], await.Clip(string(got)), await.Clip(args[1]))
		}
		return err
	})
}

func waitGrep(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: waitgrep FILE REGEXP")
	}
	pattern, err := regexp.Compile(args[1])
	ts.Check(err)
	path := ts.MkAbs(args[0])
	wait(ts, func() error {
		got, err := os.ReadFile(path)
		if err == nil && !pattern.Match(got) {
			err = fmt.Errorf("%s holds %s, want %q in it", args[0], got, args[1])
		}
		return err
	})
}

func wait(ts *testscript.TestScript, check func() error) {
	ts.Check(await.Poll(await.Timeout, check))
}
