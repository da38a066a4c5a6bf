package compat

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"restencil/funcs"
)

// TestEveryFunctionHasASubject needs no server: it wants each function that
// templates can call in some template of testdata.
func TestEveryFunctionHasASubject(t *testing.T) {
	paths, err := filepath.Glob("testdata/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	called := make(map[string]bool)
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, word := range regexp.MustCompile(`\w+`).FindAllString(string(data), -1) {
			called[word] = true
		}
	}
	names := funcs.Names()
	for _, name := range names {
		if !called[name] {
			t.Errorf("no template calls %s", name)
		}
	}
	for _, f := range functions {
		if !slices.Contains(names, f.name) && !slices.Contains(builtins, f.name) {
			t.Errorf("the generator's table has %s, which is no function", f.name)
		}
	}
}

// builtins are the engine's own functions.
var builtins = []string{
	"and", "call", "eq", "ge", "gt", "html", "index", "js", "le", "len", "lt", "ne", "not", "or", "print", "printf", "println", "slice", "urlquery",
}
