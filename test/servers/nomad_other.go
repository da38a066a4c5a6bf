//go:build !linux

package servers

import "syscall"

func ownMounts(attr *syscall.SysProcAttr) *syscall.SysProcAttr { return attr }
