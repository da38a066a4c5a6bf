//go:build unix

package renderer

import "syscall"

// nonblock has a file opened without waiting, be it a pipe.
const nonblock = syscall.O_NONBLOCK
