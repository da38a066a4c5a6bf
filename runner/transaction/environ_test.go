package transaction

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// variables returns those of env that are ours, sorted.
func variables(env []string) []string {
	ours := slices.DeleteFunc(slices.Clone(env), func(s string) bool {
		return !strings.HasPrefix(s, "RESTENCIL_") || slices.Contains(os.Environ(), s)
	})
	slices.Sort(ours)
	return ours
}

func TestEnviron(t *testing.T) {
	common := []string{
		"RESTENCIL_BUNDLE=web",
		"RESTENCIL_STAGED_KEY_PEM=/etc/tls-1/key.pem",
		"RESTENCIL_STAGED_MORE=0",
		"RESTENCIL_STAGED_NGINX_CONF=/etc/nginx/.n",
	}
	v := testView()
	env := v.environ([]string{"A=b"})
	if env[0] != "A=b" {
		t.Errorf("%q", env)
	}
	want := append(common, "RESTENCIL_STAGED=/etc/nginx/.n\n/etc/nginx/sites/.d\n/etc/haproxy/.d\n/etc/tls-1/key.pem")
	slices.Sort(want)
	if diff := cmp.Diff(want, variables(env)); diff != "" {
		t.Errorf("for all (-want +got):\n%s", diff)
	}
	v.checked = v.files[1:2]
	want = append(slices.Clip(common), "RESTENCIL_STAGED=/etc/nginx/sites/.d")
	slices.Sort(want)
	if diff := cmp.Diff(want, variables(v.environ(nil))); diff != "" {
		t.Errorf("for one (-want +got):\n%s", diff)
	}
	if len(v.environ(nil)) <= len(want) && len(os.Environ()) > 0 {
		t.Error("not the process's own environment")
	}
}

// However many files there are, a command can be started.
func TestEnvironIsBounded(t *testing.T) {
	v := &view{bundle: "web"}
	for i := range 5000 {
		path := fmt.Sprintf("/a/%0100d", i)
		v.files = append(v.files, viewFile{path: path, staged: path})
	}
	v.checked = v.files
	size := 0
	env := v.environ([]string{})
	for _, e := range env {
		size += len(e)
	}
	if size > 40<<10 {
		t.Errorf("%d bytes", size)
	}
	var shown, more int
	for _, e := range env {
		if list, ok := strings.CutPrefix(e, "RESTENCIL_STAGED="); ok {
			shown = len(strings.Split(list, "\n"))
		}
		fmt.Sscanf(e, "RESTENCIL_STAGED_MORE=%d", &more)
	}
	if shown+more != 5000 || shown == 0 {
		t.Errorf("%d shown, %d more", shown, more)
	}
}

// The name that means something else is no file's.
func TestEnvironReservedName(t *testing.T) {
	v := &view{bundle: "web", files: []viewFile{{path: "/more", staged: "/.m"}}}
	v.checked = v.files
	if env := v.environ([]string{}); slices.Contains(env, "RESTENCIL_STAGED_MORE=/.m") {
		t.Errorf("%q", env)
	}
}
