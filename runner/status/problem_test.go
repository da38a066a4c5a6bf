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

// A command may print notices and warnings before it says what is wrong.
func TestCauseIsTheLineWithTheError(t *testing.T) {
	for name, test := range map[string]struct{ output, want string }{
		"nginx -s reload": {"2026/11/30 [notice] 1#1: signal process started\n2026/11/30 [error] 1#1: invalid PID number\n", "2026/11/30 [error] 1#1: invalid PID number"},
		"nginx -t":        {"nginx: [warn] conflicting server name\nnginx: [emerg] unknown directive\nnginx: configuration file test failed\n", "nginx: [emerg] unknown directive"},
		"haproxy":         {"[NOTICE]   (1) : haproxy version is 2.6\n[ALERT]    (1) : config : unknown keyword\n", "[ALERT]    (1) : config : unknown keyword"},
		"another":         {"no such unit\nsee its log\n", "no such unit"},
		"nothing":         {"", ""},
	} {
		want := "web: reload failed: exit status 1"
		if test.want != "" {
			want += ": " + test.want
		}
		b := Bundle{Name: "web", State: Failed, Why: "exit status 1", Progress: Progress{Step: "reload", Output: test.output}}
		if got := b.Line(time.Now()); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}
