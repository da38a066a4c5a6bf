package status

import (
	"strings"
	"testing"
	"time"
)

// What a user is told to run means the bundle also after a shell has read it.
func TestDoIsForAShell(t *testing.T) {
	for name, want := range map[string]string{
		"web":          "restencil explain web",
		"/etc/my file": "restencil explain '/etc/my file'",
		"$PASSWORD":    "restencil explain '$PASSWORD'",
		"it's":         `restencil explain 'it'\''s'`,
	} {
		b := Bundle{Name: name, State: Failed}
		if do := b.Do(time.Now()); !strings.HasSuffix(do, want) {
			t.Errorf("of %s: %q, want it to end with %q", name, do, want)
		}
	}
}
