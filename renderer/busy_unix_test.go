//go:build unix

package renderer_test

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"restencil/renderer"
)

// TestRunsAtOnce: a program can be run as soon as it is in place, also while others are
// started: none of those has it open for writing.
func TestRunsAtOnce(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	var others sync.WaitGroup
	defer others.Wait()
	defer cancel()
	for range 2 {
		others.Go(func() {
			for ctx.Err() == nil {
				cmd := exec.CommandContext(ctx, "true")
				for i := range 12 { // it takes the kernel a while to run it
					cmd.Env = append(cmd.Env, fmt.Sprint("E", i, "=", strings.Repeat("x", 100_000)))
				}
				_ = cmd.Run()
			}
		})
	}
	path := filepath.Join(t.TempDir(), "program")
	for i := range 100 {
		f := renderer.File{Path: path, Content: fmt.Appendf(nil, "#!/bin/sh\n# %d\n", i), Perm: 0o755}
		if _, err := renderer.Write(f); err != nil {
			t.Fatal(err)
		}
		if err := exec.Command(path).Run(); err != nil {
			t.Fatalf("after %d times: %v", i, err)
		}
	}
}
