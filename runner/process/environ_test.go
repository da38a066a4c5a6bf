package process

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestEnvironOfManyFiles(t *testing.T) {
	var files []string
	for i := range 10_000 {
		files = append(files, fmt.Sprintf("/etc/app/conf.d/%06d", i))
	}
	env := Environ([]string{}, ReasonStart, files)
	text := strings.TrimPrefix(env[1], "RESTENCIL_FILES=")
	shown := strings.Split(text, "\n")
	if len(text) > variableSize || len(text) < variableSize-100 || shown[len(shown)-1] != files[len(shown)-1] {
		t.Errorf("%d bytes that end in %q", len(text), shown[len(shown)-1])
	}
	if want := fmt.Sprintf("RESTENCIL_FILES_MORE=%d", 10_000-len(shown)); env[2] != want {
		t.Errorf("%s, want %s", env[2], want)
	}
	t.Setenv("INHERITED", "yes")
	if env := Environ(nil, ReasonStart, nil); !slices.Contains(env, "INHERITED=yes") {
		t.Error("nil is not the process's own environment")
	}
}
