//go:build unix

package vault

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestTokenCommand(t *testing.T) {
	for name, c := range map[string]struct {
		o    Token
		want token
		err  string
	}{
		"shell":          {Token{Command: []string{"echo hello; echo ' tok ' ; echo"}}, "tok", ""},
		"program":        {Token{Command: []string{"echo", "a b"}}, "a b", ""},
		"environment":    {Token{Command: []string{"echo $A$HOME"}, CommandEnv: []string{"A=tok"}}, "tok", ""},
		"nothing":        {Token{Command: []string{"true"}}, "", "token_command true: it printed no token"},
		"fails":          {Token{Command: []string{"echo " + canary + "; echo " + canary + " >&2; exit 3"}}, "", "token_command echo: exit status 3"},
		"variable":       {Token{Command: []string{"A=" + canary + " false"}}, "", "token_command: exit status 1"},
		"not there":      {Token{Command: []string{"no-such-program"}}, "", `token_command no-such-program: exec: "no-such-program": executable file not found in $PATH`},
		"empty":          {Token{Command: []string{" "}}, "", "token_command: executable file not found in $PATH"},
		"too long":       {Token{Command: []string{"sleep", "60"}, CommandTimeout: 50 * time.Millisecond}, "", "token_command sleep: it took longer than 50ms"},
		"leaves a child": {Token{Command: []string{"sleep 60 & echo tok"}}, "tok", ""},
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
	_, err := commandToken(t.Context(), Token{Command: []string{"head -c 3000000 /dev/zero"}})
	if err == nil {
		t.Error("no error")
	}
}

func TestTokenCommandEndsWithItsGroup(t *testing.T) {
	file := filepath.Join(t.TempDir(), "pid")
	o := Token{Command: []string{"sleep 60 & echo $! > " + file + "; wait"}, CommandTimeout: 200 * time.Millisecond}
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
	l := life{again: true, retry: DefaultOptions().Retry, from: "token_command"}
	s := &session{life: l}
	now := time.Now()
	s.life.accept(now, now, grant{token: canary, known: true, ttl: time.Hour})
	for range 5 {
		s.heed(result{task: obtain, serial: s.life.serial, grant: grant{token: canary}})
	}
	if s.life.generation != 1 || s.life.failures != 5 || len(s.life.notices) != 1 {
		t.Errorf("generation %d, %d failures, notices %v", s.life.generation, s.life.failures, s.life.notices)
	}
}
