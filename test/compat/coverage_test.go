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
	called := make(map[string]bool)
	for _, s := range certificates { // each is a template by itself
		call(called, s.text)
	}
	for _, d := range differences {
		call(called, d.text)
	}
	for _, pattern := range []string{"testdata/*.txtar", "testdata/vault/*.txtar", "testdata/nomad/*.txtar"} {
		paths, err := filepath.Glob(pattern)
		if err != nil || len(paths) == 0 {
			t.Fatal("no subjects:", err)
		}
		for _, path := range paths {
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			call(called, string(data))
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

// call adds the words of a template to those that are called.
func call(called map[string]bool, text string) {
	for _, word := range regexp.MustCompile(`\w+`).FindAllString(text, -1) {
		called[word] = true
	}
}

// builtins are the engine's own functions.
var builtins = []string{
	"and", "call", "eq", "ge", "gt", "html", "index", "js", "le", "len", "lt", "ne", "not", "or", "print", "printf", "println", "slice", "urlquery",
}
