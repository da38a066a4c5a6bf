package faults

import (
	"strings"
	"testing"
)

// TestJudges: what judges files sees what is wrong with them.
func TestJudges(t *testing.T) {
	three := "upstream web {\n" + strings.Repeat("  server 10.0.0.1:80;\n", 3) + "}\n"
	two := strings.Replace(three, "  server 10.0.0.1:80;\n", "", 1)
	ones := "begin\n" + strings.Repeat("1\n", 2*numbers) + "\nend\n"
	for _, test := range []struct {
		name  string
		judge func(string) error
		files []string // all right but the last
	}{
		{"fewer than at first", neverFewer(3), []string{three, two}},
		{"fewer than once", neverFewer(2), []string{two, three, two}},
		{"half a file", neverFewer(1), []string{three, two[:len(two)-3]}},
		{"no content", neverFewer(0), []string{""}},
		{"a number that went down", onlyUp(), []string{ones, strings.Replace(ones, "1", "0", 1)}},
		{"a number that is gone", onlyUp(), []string{ones, strings.Replace(ones, "1", "", 1)}},
		{"a number that is no more", onlyUp(), []string{ones, strings.Replace(ones, "1", "none", 1)}},
		{"half the numbers", onlyUp(), []string{ones, ones[:len(ones)/2]}},
		{"another file", oneOf([]string{"a", "b"}), []string{"a", "b", "a", "c"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			for i, file := range test.files {
				if err, wrong := test.judge(file), i == len(test.files)-1; (err != nil) != wrong {
					t.Errorf("file %d: %v", i, err)
				}
			}
		})
	}
}
