//go:build unix

package command

import (
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestLine(t *testing.T) {
	tests := []struct {
		args, want []string
	}{
		{[]string{"nginx"}, []string{"nginx"}},
		{[]string{" nginx\n"}, []string{"nginx"}},
		{[]string{"$HOME/reload.sh"}, []string{"$HOME/reload.sh"}},
		{[]string{"nginx -s reload"}, []string{"sh", "-c", "nginx -s reload"}},
		{[]string{"a\tb"}, []string{"sh", "-c", "a\tb"}},
		{[]string{"nginx", "-s", "reload"}, []string{"nginx", "-s", "reload"}},
		{[]string{"a b", ""}, []string{"a b", ""}},
		{[]string{" "}, nil},
		{[]string{" ", "a"}, nil},
	}
	for _, tt := range tests {
		got, err := Line(tt.args)
		if diff := cmp.Diff(tt.want, got); diff != "" || (err != nil) != (tt.want == nil) {
			t.Errorf("%q: %v, error %v", tt.args, diff, err)
		}
	}
}

func TestLineWithoutPath(t *testing.T) {
	t.Setenv("PATH", "")
	got, err := Line([]string{"exit 0"})
	if err != nil || !filepath.IsAbs(got[0]) {
		t.Errorf("%q, %v; want a shell by its path", got, err)
	}
}
