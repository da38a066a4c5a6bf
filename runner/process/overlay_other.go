//go:build !linux

package process

import (
	"errors"
	"os/exec"
)

var errNoOverlay = errors.New("only Linux has mount namespaces")

// OverlayMain does nothing: there are no mount namespaces.
func OverlayMain() {}

// CanOverlay implements System.
func (e *Executor) CanOverlay() error { return errNoOverlay }

func overlaid(*exec.Cmd, []Overlay) (*exec.Cmd, error) { return nil, errNoOverlay }
