//go:build !unix

package funcs

import "os/exec"

// ownGroup does nothing: there are no process groups here.
func ownGroup(*exec.Cmd) {}

// killGroup ends the process of cmd, which has been started.
func killGroup(cmd *exec.Cmd) error { return cmd.Process.Kill() }
