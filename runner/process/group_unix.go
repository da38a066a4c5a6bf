//go:build unix && !linux

package process

import "os"

// groupOf returns that there is somebody, and does not know whom.
func groupOf(int, os.Signal) map[int]bool { return map[int]bool{0: false} }
