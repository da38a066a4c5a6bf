//go:build !linux

package overlay

import (
	"errors"
	"os/exec"
)

var errUnsupported = errors.New("only Linux has mount namespaces")

// Main does nothing: there are no mount namespaces.
func Main() {}

// Supported returns why the system does not allow overlays.
func Supported() error { return errUnsupported }

// Command fails.
func Command(*exec.Cmd, []File) (*exec.Cmd, error) { return nil, errUnsupported }
