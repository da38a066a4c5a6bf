package process

import (
	"testing"

	"go.uber.org/goleak"
)

// TestMain stands in for a command that is shown staged files, too.
func TestMain(m *testing.M) {
	OverlayMain()
	goleak.VerifyTestMain(m)
}
