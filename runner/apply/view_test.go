package apply

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"restencil/renderer"
)

// testView is of four files, the last of which is right already.
func testView() *view {
	files := []file{
		{path: "/etc/nginx/nginx.conf", template: "in/nginx.conf.ctmpl", staged: "/etc/nginx/.n", temp: true},
		{path: "/etc/nginx/sites/default", template: "in/site.ctmpl", staged: "/etc/nginx/sites/.d", temp: true},
		{path: "/etc/haproxy/default", template: "nginx.conf", staged: "/etc/haproxy/.d", temp: true},
		{path: "/etc/tls-1/key.pem", template: "in/key.ctmpl", staged: "/etc/tls-1/key.pem"},
	}
	return &view{bundle: "web", files: files, about: files, tree: &lazyTree{root: "/tree"}}
}

func TestExpand(t *testing.T) {
	all := "/etc/nginx/.n /etc/nginx/sites/.d /etc/haproxy/.d /etc/tls-1/key.pem"
	tests := []struct {
		arg  string
		own  bool // the check is of the first file alone
		want string
		err  string
	}{
		{arg: "-c", want: "-c"},
		{arg: "} {.Bundle}", want: "} {.Bundle}"},
		{arg: `nginx -t -c {{ .Staged "nginx.conf" }}`, want: "nginx -t -c /etc/nginx/.n"},
		{arg: `{{ .Staged "key.pem" }}`, want: "/etc/tls-1/key.pem"},
		{arg: `{{ .Staged "/etc/haproxy/default" }}`, want: "/etc/haproxy/.d"},
		{arg: `{{ .Staged "/etc/nginx/../haproxy//default" }}`, want: "/etc/haproxy/.d"},
		{arg: `{{ .Staged "in/site.ctmpl" }}`, want: "/etc/nginx/sites/.d"},
		{arg: "{{ .Bundle }}{{ range .Files }} {{ . }}{{ end }}", want: "web " + all},
		{arg: "{{ .StagedRoot }}/etc", want: "/tree/etc"},
		{arg: "{{ .Staged }} {{ .File }}", own: true, want: "/etc/nginx/.n /etc/nginx/.n"},
		{arg: `{{ .Files }} {{ .Staged "key.pem" }}`, own: true, want: "[/etc/nginx/.n] /etc/tls-1/key.pem"},
		{
			arg: `{{ .Staged "default" }}`,
			err: `"default" fits both /etc/nginx/sites/default and /etc/haproxy/default: give the whole path`,
		},
		{
			arg: `{{ .Staged "x" }}`,
			err: `bundle "web" has no file "x", but /etc/nginx/nginx.conf, /etc/nginx/sites/default, /etc/haproxy/default, /etc/tls-1/key.pem`,
		},
		{
			arg: "{{ .File }}",
			err: `bundle "web" has several files, so say which: /etc/nginx/nginx.conf, /etc/nginx/sites/default, /etc/haproxy/default, /etc/tls-1/key.pem`,
		},
		{arg: `{{ .Staged "a" "b" }}`, err: "Staged wants one name, not 2"},
		{arg: "{{ .State }}", err: `template: check:1:3: executing "check" at <.State>: can't evaluate field State in type *apply.view`},
		{arg: "{{ .Staged", err: "template: check:1: unclosed action"},
	}
	for _, tt := range tests {
		v := testView()
		if tt.own {
			v = v.of(0)
		}
		got, err := v.expand([]string{"cmd", tt.arg})
		if tt.err != "" {
			want := fmt.Sprintf("check %q: %s", tt.arg, tt.err)
			if errText(err) != want {
				t.Errorf("%s: error %v, want %s", tt.arg, err, want)
			}
			continue
		}
		if diff := cmp.Diff([]string{"cmd", tt.want}, got); err != nil || diff != "" {
			t.Errorf("%s: %v (-want +got):\n%s", tt.arg, err, diff)
		}
	}
}

func TestManyNamesAreCutShort(t *testing.T) {
	v := &view{bundle: "web"}
	for i := range 12 {
		v.files = append(v.files, file{path: fmt.Sprint("/f", i)})
	}
	_, err := v.Staged("x")
	if want := `bundle "web" has no file "x", but /f0, /f1, /f2, /f3, /f4, /f5, /f6, /f7, /f8, /f9, 2 more`; errText(err) != want {
		t.Errorf("%v, want %s", err, want)
	}
}

func TestValidateCheck(t *testing.T) {
	if err := ValidateCheck(Command{Args: []string{"a", `{{ .Staged "x" }}`, "{ {"}}); err != nil {
		t.Error(err)
	}
	err := ValidateCheck(Command{Args: []string{"a", "{{ .Staged"}})
	if want := `check "{{ .Staged": template: check:1: unclosed action`; errText(err) != want {
		t.Errorf("%v, want %s", err, want)
	}
}

// variables returns those of env that are ours, sorted.
func variables(env []string) []string {
	ours := slices.DeleteFunc(slices.Clone(env), func(s string) bool {
		return !strings.HasPrefix(s, "RESTENCIL_") || strings.HasPrefix(s, "RESTENCIL_TEST_")
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
		"RESTENCIL_STAGED_ROOT=/tree",
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
	v.tree.root = ""
	want = append(slices.Clip(common[:4]), "RESTENCIL_STAGED=/etc/nginx/sites/.d")
	slices.Sort(want)
	if diff := cmp.Diff(want, variables(v.of(1).environ(nil))); diff != "" {
		t.Errorf("for one (-want +got):\n%s", diff)
	}
	if len(v.environ(nil)) <= len(want) && len(os.Environ()) > 0 {
		t.Error("not the process's own environment")
	}
}

// However many files there are, a command can be started.
func TestEnvironIsBounded(t *testing.T) {
	v := &view{bundle: "web", tree: &lazyTree{}}
	for i := range 5000 {
		path := fmt.Sprintf("/a/%0100d", i)
		v.files = append(v.files, file{path: path, staged: path})
	}
	v.about = v.files
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

// The names that mean something else are no file's.
func TestEnvironReservedNames(t *testing.T) {
	v := &view{bundle: "web", tree: &lazyTree{root: "/tree"}, files: []file{{path: "/root", staged: "/.r"}, {path: "/more", staged: "/.m"}}}
	v.about = v.files
	env := v.environ([]string{})
	last := make(map[string]string)
	for _, e := range env {
		name, value, _ := strings.Cut(e, "=")
		last[name] = value
	}
	if last["RESTENCIL_STAGED_ROOT"] != "/tree" || last["RESTENCIL_STAGED_MORE"] != "0" {
		t.Errorf("%q", env)
	}
	v.tree.root = ""
	if slices.Contains(v.environ([]string{}), "RESTENCIL_STAGED_ROOT=/.r") {
		t.Error("a file was taken for the tree")
	}
}

// What a check is given comes from the transaction.
func TestCheckEnvironment(t *testing.T) {
	b := newBench(t)
	b.change.Members[0].Check = Command{Args: []string{"lint", "{{ .File }}"}, Env: []string{"A=b"}}
	var seen []Command
	b.onRun = func(c Command) { seen = append(seen, c) }
	wantOutcome(t, b.apply(t.Context()), Applied, "")
	lint, all := seen[0], seen[1]
	if !renderer.IsTemp(lint.Args[1]) || lint.Timeout != checkTimeout || lint.Env[0] != "A=b" {
		t.Errorf("%+v", lint)
	}
	if !slices.Contains(lint.Env, "RESTENCIL_STAGED="+lint.Args[1]) || !slices.Contains(lint.Env, "RESTENCIL_STAGED_A="+lint.Args[1]) {
		t.Errorf("%q, want %s", lint.Env, lint.Args[1])
	}
	if vars := variables(all.Env); len(vars) != 5 { // bundle, list, more and two names
		t.Errorf("%q", vars)
	}
}
