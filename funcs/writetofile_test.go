package funcs

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestWriteToFile(t *testing.T) {
	p, err := parsePage(`{{ "body" | writeToFile "/etc/a" "" "" "0644" }}|{{ writeToFile "b" "0" "0" "4755" "append,newline" "x\n" }}` +
		`{{ writeToFile "c" "" "" "600" "newline" "" }}{{ writeToFile "d" "" "" "0" "append" "newline" "last" }}`)
	if err != nil {
		t.Fatal(err)
	}
	got, err := p.render()
	if err != nil || got != "|" {
		t.Errorf("rendered %q, error %v", got, err)
	}
	want := []File{
		{Path: "/etc/a", Perms: 0o644, Content: "body"},
		{Path: "b", User: "0", Group: "0", Perms: 0o4755, Append: true, Content: "x\n\n"},
		{Path: "c", Perms: 0o600, Content: "\n"},
		{Path: "d", Content: "last"},
	}
	if diff := cmp.Diff(want, p.world.files); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
}

func TestWriteToFileErrors(t *testing.T) {
	tests := []pureTest{
		{text: `{{ writeToFile "a" "" "" "0644" }}`, fail: "writeToFile: wrong number of arguments, expected 5 or 6, but got 4"},
		{text: `{{ writeToFile "a" "" "" "rw" "x" }}`, fail: `writeToFile: permissions of a: strconv.ParseUint: parsing "rw": invalid syntax`},
		{text: `{{ writeToFile "a" "" "" "40000000000" "x" }}`, fail: "value out of range"},
		{text: `{{ writeToFile "a" "no-such-user" "" "0644" "x" }}`, fail: "writeToFile: owner of a: user: unknown user no-such-user"},
		{text: `{{ writeToFile "a" "" "no-such-group" "0644" "x" }}`, fail: "writeToFile: group of a: group: unknown group no-such-group"},
		{text: `{{ writeToFile "a" "" "" 0644 "x" }}`, fail: "expected string; found 0644"},
		{text: `{{ writeToFile "a" "" "" "0644" 1 }}`, fail: "expected string; found 1"},
	}
	runPureTests(t, tests)
	for _, tt := range tests {
		p, err := parsePage(tt.text)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.render(); err == nil || len(p.world.files) > 0 {
			t.Errorf("%s: error %v, files %v", tt.text, err, p.world.files)
		}
	}
}
