package status

import (
	"os"
	"reflect"
	"strings"
	"testing"
)

// TestDocumented: docs/status.md explains each key of the JSON form.
func TestDocumented(t *testing.T) {
	page, err := os.ReadFile("../../docs/status.md")
	if err != nil {
		t.Fatal(err)
	}
	seen := make(map[reflect.Type]bool)
	var check func(reflect.Type)
	check = func(typ reflect.Type) {
		for typ.Kind() == reflect.Slice || typ.Kind() == reflect.Pointer {
			typ = typ.Elem()
		}
		if typ.Kind() != reflect.Struct || typ.PkgPath() == "time" || seen[typ] {
			return
		}
		seen[typ] = true
		for i := range typ.NumField() {
			f := typ.Field(i)
			key, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			if !f.Anonymous && key != "-" && !strings.Contains(string(page), "`"+key+"`") {
				t.Errorf("docs/status.md does not explain %q of a %s", key, typ.Name())
			}
			check(f.Type)
		}
	}
	check(reflect.TypeFor[Status]())
}
