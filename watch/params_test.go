package watch

import (
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestPKIParams(t *testing.T) {
	body := url.Values{"common_name": {"a b?&="}, "": {"x"}}
	for _, files := range [][]string{nil, {"/etc/a b?c&d=e%41.pem"}, {"/a,b.pem", "/c.key"}} {
		gotBody, got, err := SplitPKIParams(PKIParams(body, files...))
		if err != nil || !cmp.Equal(got, files) || !cmp.Equal(gotBody, body) {
			t.Errorf("%q and %v came back as %q and %v, %v", files, body, got, gotBody, err)
		}
	}
}

// What tells queries apart stands in their text, but for what may be secret.
func TestParamsInText(t *testing.T) {
	write := Query{Kind: VaultWrite, Name: "auth/login", Params: "password=hunter2"}
	other := write
	other.Params = "password=hunter3"
	if write.String() == other.String() || strings.Contains(write.String(), "hunter") {
		t.Errorf("two writes read %s and %s", write, other)
	}
	pki := Query{Kind: VaultPKI, Name: "pki/issue/web", Params: PKIParams(url.Values{"key": {"hunter2"}}, "/a.pem")}
	if !strings.HasPrefix(pki.String(), "vault.pki(pki/issue/web->/a.pem ") || strings.Contains(pki.String(), "hunter") {
		t.Errorf("a certificate reads %s", pki)
	}
	if got := pki.Noun(); !strings.HasPrefix(got, "certificate pki/issue/web for /a.pem (parameters ") {
		t.Errorf("in a message it is %s", got)
	}
	if got := write.Noun(); !strings.HasPrefix(got, "secret auth/login (parameters ") {
		t.Errorf("in a message it is %s", got)
	}
	tests := []struct {
		q    Query
		want string
	}{
		{Query{Kind: VaultRead, Name: "a", Params: "version=2"}, "vault.read(a?version=2)"},
		{Query{Kind: VaultPKI, Name: "a", Params: PKIParams(nil, "/a.pem")}, "vault.pki(a->/a.pem)"},
		{Query{Kind: FileContent, Name: "/a/b", Params: "/a"}, "file(/a/b in /a)"},
		{Query{Kind: NomadService, Name: "web", Params: "2|k"}, "nomad.service(web:2|k)"},
	}
	for _, tt := range tests {
		if got := tt.q.String(); got != tt.want {
			t.Errorf("%#v.String() = %q, want %q", tt.q, got, tt.want)
		}
	}
}
