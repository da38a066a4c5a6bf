//go:build unix

package token

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"restencil/watch/vault/client"
)

func TestTokenCommand(t *testing.T) {
	for name, c := range map[string]struct {
		o    Options
		want client.Token
		err  string
	}{
		"shell":          {Options{Command: []string{"echo hello; echo ' tok ' ; echo"}}, "tok", ""},
		"program":        {Options{Command: []string{"echo", "a b"}}, "a b", ""},
		"environment":    {Options{Command: []string{"echo $A$HOME"}, CommandEnv: []string{"A=tok"}}, "tok", ""},
		"nothing":        {Options{Command: []string{"true"}}, "", "token_command true: it printed no token"},
		"fails":          {Options{Command: []string{"echo " + canary + "; echo " + canary + " >&2; exit 3"}}, "", "token_command echo: exit status 3"},
		"variable":       {Options{Command: []string{"A=" + canary + " false"}}, "", "token_command: exit status 1"},
		"not there":      {Options{Command: []string{"no-such-program"}}, "", `token_command no-such-program: exec: "no-such-program": executable file not found in $PATH`},
		"empty":          {Options{Command: []string{" "}}, "", "token_command: executable file not found in $PATH"},
		"too long":       {Options{Command: []string{"sleep", "60"}, CommandTimeout: 50 * time.Millisecond}, "", "token_command sleep: it took longer than 50ms"},
		"leaves a child": {Options{Command: []string{"sleep 60 & echo tok"}}, "tok", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g, err := commandToken(t.Context(), c.o)
			if g.token != c.want || (err != nil || c.err != "") && (err == nil || err.Error() != c.err) {
				t.Errorf("got %q, %v", string(g.token), err)
			}
		})
	}
}

func TestTokenCommandPrintsTooMuch(t *testing.T) {
	_, err := commandToken(t.Context(), Options{Command: []string{"head -c 3000000 /dev/zero"}})
	if err == nil {
		t.Error("no error")
	}
}

func TestTokenCommandEndsWithItsGroup(t *testing.T) {
	file := filepath.Join(t.TempDir(), "pid")
	o := Options{Command: []string{"sleep 60 & echo $! > " + file + "; wait"}, CommandTimeout: 200 * time.Millisecond}
	if _, err := commandToken(t.Context(), o); err == nil {
		t.Fatal("no error")
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(10 * time.Second); !gone(pid); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("a process of the command's group lives on")
		}
	}
}

// gone tells whether a process has ended; its parent may not have buried it yet.
func gone(pid int) bool {
	if errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
		return true
	}
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	return err == nil && strings.Contains(string(stat), ") Z ")
}

// A command that prints the same token again gives nothing new, and is not run
// more and more often as that token comes to its end.
func TestTokenCommandOfOneToken(t *testing.T) {
	m := &Manager{life: newLife(Options{}, defaultRetry)}
	l := m.life
	l.replaceable, l.from = true, "token_command"
	now := time.Now()
	l.accept(now, now, grant{token: canary, known: true, ttl: time.Hour})
	for range 5 {
		m.handle(obtain, now, grant{token: canary}, nil)
	}
	if l.epoch.Number != 1 || l.failures != 5 || len(l.notices) != 1 {
		t.Errorf("epoch %d, %d failures, notices %v", l.epoch.Number, l.failures, l.notices)
	}
}
