//go:build unix

package funcs

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// script makes a program of the shell's.
func script(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "program")
	if err := os.WriteFile(name, []byte("#!/bin/sh\n"+text), 0o700); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestPlugin(t *testing.T) {
	arguments := script(t, `for a; do printf '[%s]' "$a"; done; echo; echo; echo aside >&2`)
	failing := script(t, `echo out; echo err >&2; exit 3`)
	input := script(t, `cat; echo "$#"`)
	runPureTests(t, []pureTest{
		{text: fmt.Sprintf(`{{ plugin %q " a b " "" "\n" "c" "$HOME" "*" }}|`, arguments), want: "[a b][c][$HOME][*]|"},
		{text: fmt.Sprintf(`{{ "\n x" | plugin %q }}{{ plugin %q }}`, arguments, input), want: "[x]0"},
		{text: `{{ plugin "" "a" }}{{ plugin "echo" "é" }}`, want: "é"},
		{text: fmt.Sprintf(`{{ plugin %q }}`, failing), fail: fmt.Sprintf("error calling plugin: exec %q: exit status 3\n\nstdout:\n\nout\n\n\nstderr:\n\nerr\n", failing)},
		{text: `{{ plugin "no-such-program" }}`, fail: "exec \"no-such-program\": exec: \"no-such-program\": executable file not found in $PATH"},
		{text: fmt.Sprintf(`{{ plugin %q }}`, script(t, `kill -TERM $$`)), fail: "signal: terminated"},
		{text: `{{ plugin "echo" 1 }}`, fail: "expected string; found 1"},
		{text: fmt.Sprintf(`{{ plugin %q }}`, script(t, `cat /dev/zero`)), fail: "the output is larger than 16777216 bytes"},
	})
}

// The same arguments are the same key, whatever blanks are around them, and
// others are not.
func TestPluginAsksOnce(t *testing.T) {
	p, err := parseTest(`{{ plugin "true" "a" "b" }}{{ plugin "true" " a" "" "b\n" }}{{ plugin "true" "a b" }}{{ plugin "true" "a\" \"b" }}`)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.render(); err != nil {
		t.Fatal(err)
	}
	if len(p.execution.ran) != 3 {
		t.Errorf("the keys were %v", p.execution.ran)
	}
}

// At its time-out a program is ended with all that it has started.
func TestPluginTimeout(t *testing.T) {
	pids := filepath.Join(t.TempDir(), "pids")
	for _, tt := range []struct{ name, text string }{
		{"slow", `echo $$ >` + pids + `; sleep 60`},
		{"a slow child", `sleep 60 & echo $! >` + pids + `; wait`},
		{"a child that holds the output", `sleep 60 & echo $! >` + pids},
	} {
		t.Run(tt.name, func(t *testing.T) {
			name := script(t, tt.text)
			_, err := runPlugin(t.Context(), 300*time.Millisecond, name, nil)
			if want := fmt.Sprintf("exec %q: did not finish in 300ms", name); err == nil || err.Error() != want {
				t.Errorf("error %v; want %s", err, want)
			}
			waitForEnd(t, pids)
		})
	}
}

func TestPluginEndsWithTheContext(t *testing.T) {
	pids := filepath.Join(t.TempDir(), "pids")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() {
		for ctx.Err() == nil {
			if text, _ := os.ReadFile(pids); len(text) > 0 {
				cancel()
			}
			time.Sleep(time.Millisecond)
		}
	}()
	name := script(t, `echo $$ >`+pids+`; sleep 60`)
	e := new(Env)
	e.Begin(ctx, new(fakeExecution))
	defer e.Finish()
	start := time.Now()
	if _, err := e.plugin(name); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	if took := time.Since(start); took > 10*time.Second {
		t.Errorf("it took %v", took)
	}
	waitForEnd(t, pids)
}

// waitForEnd waits until the process whose id is in a file has ended.
func waitForEnd(t *testing.T, file string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(5 * time.Second); syscall.Kill(pid, 0) == nil && !isZombie(pid); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("process %d is still there", pid)
		}
	}
}

// isZombie tells of an orphan that has ended, where nobody reaps orphans.
func isZombie(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err == nil && strings.Contains(string(stat), ") Z ")
}
