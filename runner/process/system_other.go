//go:build !linux

package process

import (
	"os"
	"os/exec"
)

// dieWithParent does nothing: the system does not support it.
func dieWithParent(*exec.Cmd) {}

// members returns an unknown process: the group has some, and the system lists none.
func members(int, os.Signal) map[int]bool { return map[int]bool{0: false} }
