//go:build !linux

package process

import "os/exec"

// dieWithParent does nothing: the system has no means for it.
func dieWithParent(*exec.Cmd) {}

func diesWithParent(*exec.Cmd) bool { return false }
