//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package dirlock

import "os"

// lock does nothing: the system has no such locks.
func lock(*os.File) error { return nil }

func isReadOnly(error) bool { return false }
