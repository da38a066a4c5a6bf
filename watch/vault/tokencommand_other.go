//go:build !unix

package vault

import (
	"os/exec"
	"strings"
)

// commandLine returns the program and arguments that args stand for. There is
// no shell (COMPAT 4.6.1).
func commandLine(args []string) ([]string, error) {
	words := strings.Fields(args[0])
	switch {
	case len(args) > 1 && len(words) > 0:
		return args, nil
	case len(words) == 1:
		return words, nil
	}
	return nil, exec.ErrNotFound
}

// ownGroup does nothing: there are no process groups.
func ownGroup(*exec.Cmd) {}

// endGroup does nothing: there are no process groups.
func endGroup(*exec.Cmd) {}
