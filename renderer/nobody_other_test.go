//go:build unix && !linux

package renderer_test

import (
	"os"
	"testing"
)

// asNobody calls fn with no more rights to files than any user has.
func asNobody(t *testing.T, fn func()) {
	t.Helper()
	if os.Getuid() == 0 {
		t.Skip("running as root")
	}
	fn()
}
