package config

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"restencil/cmd/restencil/config/stores"
)

func TestCommandEnv(t *testing.T) {
	cfg, err := Parse([]string{"-consul-addr", "c"}, []string{"PATH=/bin", "HOME=/root", "TOKEN_A=1", "TOKEN_B=2"})
	if err != nil {
		t.Fatal(err)
	}
	const consul = "CONSUL_HTTP_ADDR=c CONSUL_HTTP_SSL=false CONSUL_HTTP_SSL_VERIFY=true"
	for _, c := range []struct {
		name string
		env  Env
		want string
	}{
		{"all", Env{}, "PATH=/bin HOME=/root TOKEN_A=1 TOKEN_B=2 " + consul},
		{"pristine", Env{Pristine: true}, consul},
		{"pristine with more", Env{Pristine: true, Custom: []string{"A=b", "CONSUL_HTTP_ADDR=mine"}},
			consul + " A=b CONSUL_HTTP_ADDR=mine"},
		{"allowed", Env{Allowlist: []string{"P*", "HOM?"}}, "PATH=/bin HOME=/root " + consul},
		{"denied", Env{Denylist: []string{"TOKEN_[AB]", "HOME"}}, "PATH=/bin " + consul},
		{"denied of the allowed", Env{Allowlist: []string{"*"}, Denylist: []string{"TOKEN*"}}, "PATH=/bin HOME=/root " + consul},
		{"whole names", Env{Denylist: []string{"TOKEN"}}, "PATH=/bin HOME=/root TOKEN_A=1 TOKEN_B=2 " + consul},
		{"a malformed pattern", Env{Denylist: []string{"[", "HOME"}}, "PATH=/bin TOKEN_A=1 TOKEN_B=2 " + consul},
	} {
		if got := strings.Join(cfg.environmentOf(c.env), " "); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

func TestOverlay(t *testing.T) {
	c, err := Parse([]string{
		"-consul-addr", "c", "-consul-auth", "u", "-consul-token", "t", "-consul-ssl-verify=false",
		"-vault-addr", "http://v", "-vault-ssl-verify=false", "-vault-ssl-ca-cert", "ca",
	}, []string{"CONSUL_HTTP_SSL=1"})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"CONSUL_HTTP_ADDR=c", "CONSUL_HTTP_AUTH=u:", "CONSUL_HTTP_TOKEN=t",
		"CONSUL_HTTP_SSL=true", "CONSUL_HTTP_SSL_VERIFY=false",
		"VAULT_ADDR=http://v", "VAULT_SKIP_VERIFY=true", "VAULT_CACERT=ca",
	}
	if diff := cmp.Diff(want, stores.Environ(&c.Consul, &c.Vault)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestOverlayAlways: two variables are always there, so that a command speaks
// to Consul as restencil does.
func TestOverlayAlways(t *testing.T) {
	c, err := Parse(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := stores.Environ(&c.Consul, &c.Vault), []string{"CONSUL_HTTP_SSL=false", "CONSUL_HTTP_SSL_VERIFY=true"}; !slices.Equal(got, want) {
		t.Errorf("overlay() = %q, want %q", got, want)
	}
}

func TestLookupEnv(t *testing.T) {
	c, err := Parse([]string{"-consul-addr", "mine"}, []string{"CONSUL_HTTP_ADDR=theirs", "A=1", "A=2", "EMPTY="})
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"CONSUL_HTTP_ADDR": "mine", "A": "2", "EMPTY": "", "CONSUL_HTTP_SSL": "false"} {
		if got, ok := c.LookupEnv(name); got != want || !ok {
			t.Errorf("LookupEnv(%s) = %q, %v, want %q", name, got, ok, want)
		}
	}
	if _, ok := c.LookupEnv("NONE"); ok {
		t.Error("LookupEnv finds what is not there")
	}
}

// TestPassTokens: a store's token reaches commands unless that is turned off,
// and then by no way but the one that somebody chose for it.
func TestPassTokens(t *testing.T) {
	const secret = "s3cret"
	environ := []string{"PATH=/bin", "CT_LOCAL_CONFIG=vault { token = \"" + secret + "\" }", "VAULT_ADDR=http://v", "MY_TOKEN=mine"}
	for _, name := range []string{
		"CONSUL_TOKEN", "CONSUL_HTTP_TOKEN", "CONSUL_TOKEN_FILE", "CONSUL_HTTP_TOKEN_FILE", "CONSUL_HTTP_AUTH",
		"VAULT_TOKEN", "VAULT_K8S_SERVICE_ACCOUNT_TOKEN", "VAULT_K8S_SERVICE_ACCOUNT_TOKEN_PATH", "VAULT_HEADERS",
		"VAULT_SECRET_ID", "VAULT_APPROLE_SECRET_ID", "VAULT_WRAPPED_TOKEN", "VAULT_LDAP_PASSWORD", "VAULT_JWT", "VAULT_AUTH_JWT_FILE",
		"NOMAD_TOKEN", "NOMAD_HTTP_AUTH",
	} {
		environ = append(environ, name+"="+secret)
	}
	args := []string{"-consul-auth", "u:" + secret, "-exec", "app", "-exec-env-custom", "CONSUL_HTTP_TOKEN=chosen"}
	env := func(args ...string) []string {
		c, err := Parse(args, environ)
		if err != nil {
			t.Fatal(err)
		}
		opts, err := c.Runner()
		if err != nil {
			t.Fatal(err)
		}
		return opts.Child.Env
	}
	passed := strings.Join(env(args...), "\n")
	for _, want := range environ {
		if !strings.Contains(passed, want) {
			t.Errorf("%s is not passed on by default", want)
		}
	}
	want := []string{
		"PATH=/bin", "VAULT_ADDR=http://v", "MY_TOKEN=mine",
		"CONSUL_HTTP_SSL=false", "CONSUL_HTTP_SSL_VERIFY=true", "VAULT_ADDR=http://v", "CONSUL_HTTP_TOKEN=chosen",
	}
	if diff := cmp.Diff(want, env(append(args, "-pass-tokens=false")...)); diff != "" {
		t.Errorf("with -pass-tokens=false (-want +got):\n%s", diff)
	}
}
