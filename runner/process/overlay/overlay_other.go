//go:build !linux

package overlay

import (
	"errors"
	"os/exec"
)

var errNone = errors.New("only Linux has mount namespaces")

// Main does nothing: there are no mount namespaces.
func Main() {}

// Supported says why the system does not allow it.
func Supported() error { return errNone }

// Command fails.
func Command(*exec.Cmd, []File) (*exec.Cmd, error) { return nil, errNone }
