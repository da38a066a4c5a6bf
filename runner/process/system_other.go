//go:build !linux

package process

import (
	"os"
	"os/exec"
)

// dieWithParent does nothing: the system has no means for it.
func dieWithParent(*exec.Cmd) {}

func diesWithParent(*exec.Cmd) bool { return false }

// members returns that there is somebody, and does not know whom.
func members(int, os.Signal) map[int]bool { return map[int]bool{0: false} }
