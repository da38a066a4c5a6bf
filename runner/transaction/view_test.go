package transaction

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"restencil/runner/process"
)

// testView is of four files, the last of which is right already.
func testView() *view {
	files := []viewFile{
		{path: "/etc/nginx/nginx.conf", template: "in/nginx.conf.ctmpl", staged: "/etc/nginx/.n", temp: true},
		{path: "/etc/nginx/sites/default", template: "in/site.ctmpl", staged: "/etc/nginx/sites/.d", temp: true},
		{path: "/etc/haproxy/default", template: "nginx.conf", staged: "/etc/haproxy/.d", temp: true},
		{path: "/etc/tls-1/key.pem", template: "in/key.ctmpl", staged: "/etc/tls-1/key.pem"},
	}
	return &view{bundle: "web", files: files, checked: files}
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
		{arg: "{{ .State }}", err: `template: check:1:3: executing "check" at <.State>: can't evaluate field State in type *transaction.view`},
		{arg: "{{ .Staged", err: "template: check:1: unclosed action"},
	}
	for _, tt := range tests {
		v := testView()
		if tt.own {
			v.checked = v.files[:1]
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
		v.files = append(v.files, viewFile{path: fmt.Sprint("/f", i)})
	}
	_, err := v.Staged("x")
	if want := `bundle "web" has no file "x", but /f0, /f1, /f2, /f3, /f4, /f5, /f6, /f7, /f8, /f9, 2 more`; errText(err) != want {
		t.Errorf("%v, want %s", err, want)
	}
}

func TestValidateCheck(t *testing.T) {
	for arg, want := range map[string]string{
		`{{ .Staged "x" }}{ {`: "",
		"{{ .Staged":           `check "{{ .Staged": template: check:1: unclosed action`,
	} {
		if err := ValidateCheck(process.Command{Args: []string{"a", arg}}); errText(err) != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
}
