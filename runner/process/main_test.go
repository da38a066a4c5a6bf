package process

import (
	"testing"

	"go.uber.org/goleak"

	"restencil/runner/process/overlay"
)

// TestMain stands in for a command that is shown staged files, too.
func TestMain(m *testing.M) {
	overlay.Main()
	goleak.VerifyTestMain(m)
}
