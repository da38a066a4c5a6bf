package renderer_test

import (
	"fmt"
	"os"
	"path/filepath"

	"restencil/renderer"
)

// A certificate and its key go in place together, once both are on disk.
func ExampleSwapGroups() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)

	var staged []*renderer.StagedFile
	for _, f := range []renderer.File{
		{Path: filepath.Join(dir, "tls", "cert.pem"), Content: []byte("certificate\n"), Keep: true},
		{Path: filepath.Join(dir, "tls", "key.pem"), Content: []byte("key\n"), Perm: 0o600, Keep: true},
	} {
		s, err := renderer.Stage(f)
		if err != nil {
			fmt.Println(err)
			return
		}
		defer s.Discard()
		staged = append(staged, s)
	}
	for _, r := range renderer.SwapGroups(false, staged)[0].Files {
		fmt.Println(r.Change)
	}
	// Output:
	// replaced
	// replaced
}
