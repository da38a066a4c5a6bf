package test

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"restencil/test/await"
	"restencil/test/binary"
)

// TestOnceAtTerminal: a run with -once shows what is missing as long as it is, and then
// what it has done; with JSON lines, a chosen level or no terminal it shows no such thing.
func TestOnceAtTerminal(t *testing.T) {
	for _, c := range []struct {
		args []string
		want bool
	}{{nil, true}, {[]string{"-log-format", "json"}, false}, {[]string{"-log-level", "info"}, false}} {
		term, slave := openTerminal(t)
		dir := t.TempDir()
		writeFile(t, filepath.Join(dir, "a.ctmpl"), `{{ key "there" }}`)
		writeFile(t, filepath.Join(dir, "b.ctmpl"), `{{ key "missing" }}`)
		writeFile(t, filepath.Join(dir, "data.yaml"), "keys: {there: x}")
		cmd := exec.Command(binary.Path(t), append(c.args, "-local", "data.yaml", "-template", "a.ctmpl:a:echo loaded", "-template", "b.ctmpl:b", "-once", "-timeout", "2s")...)
		cmd.Dir, cmd.Stdout, cmd.Stderr = dir, slave, slave
		cmd.Env = append(cmd.Environ(), "TERM=xterm")
		if err := cmd.Run(); cmd.ProcessState.ExitCode() != 14 {
			t.Fatal(err)
		}
		_, _ = fmt.Fprintln(slave, "the end")
		printed := ""
		await.Eventually(t, func() error {
			if printed = term.printed.String(); !strings.Contains(printed, "the end") {
				return fmt.Errorf("printed %q", printed)
			}
			return nil
		})
		for _, text := range []string{"1 of 2 not done, after 1s:", "  b: waiting since ", "\x1b[Jwrote 1 file: a\r\nran 1 command: echo loaded\r\n"} {
			if got := strings.Contains(printed, text); got != c.want {
				t.Errorf("%q: %q is printed: %v: %q", c.args, text, got, printed)
			}
		}
		if !c.want && strings.Contains(printed, "\x1b[") {
			t.Errorf("%q: printed %q", c.args, printed)
		}
	}
}
