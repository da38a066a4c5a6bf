package quick

import (
	"slices"
	"strings"
	"testing"

	"restencil/funcs"
)

func TestPureFunctionsExist(t *testing.T) {
	known := append(funcs.Names(), "define", "html", "js", "print", "printf", "println", "urlquery")
	for name := range strings.FieldsSeq(pureFunctions) {
		if !slices.Contains(known, name) {
			t.Errorf("there is no function %s", name)
		}
	}
	for _, name := range []string{"", "sprig", "key", "timestamp", "env", "sprig_keys"} {
		if pure(name) {
			t.Errorf("%q is no such function", name)
		}
	}
}
