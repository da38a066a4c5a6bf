package config

import (
	"errors"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"restencil/runner"
	"restencil/runner/process"
	"restencil/template"
	"restencil/watch"
	"restencil/watch/consul"
	"restencil/watch/nomad"
	"restencil/watch/schedule"
	"restencil/watch/transport"
	"restencil/watch/vault"
)

// parseIn parses a command line where the given files stand.
func parseIn(t *testing.T, files map[string]string, args ...string) *Config {
	t.Helper()
	t.Chdir(t.TempDir())
	for name, content := range files {
		writeFile(t, name, content)
	}
	c, err := Parse(args, []string{"PATH=/bin"})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestRunner(t *testing.T) {
	c := parseIn(t, map[string]string{
		"in": "text",
		"c": `
			wait = "1s:2s"
			default_delimiters { left = "<<" right = ">>" }
			template {
				source = "in"
				destination = "out"
				perms = 0100640
				user = "u"
				gid = 5
				create_dest_dirs = false
				backup = true
				left_delimiter = "[["
				function_denylist = ["plugin"]
				sandbox_path = "/box"
				error_on_missing_key = true
				error_fatal = true
				command = "reload it"
				exec { env { pristine = true custom = ["A=b"] } }
			}
			template { contents = "inline" destination = "b" wait = "3s" command = "" error_fatal = false }`,
	}, "-config", "c", "-template", "in:c:cmd")
	got, err := c.Runner()
	if err != nil {
		t.Fatal(err)
	}
	overlay := []string{"CONSUL_HTTP_SSL=false", "CONSUL_HTTP_SSL_VERIFY=true"}
	want := runner.Options{
		Limits: runner.Limits{Attempts: map[watch.Store]int{watch.Consul: 0, watch.Vault: 0, watch.Nomad: 0}},
		Templates: []runner.Template{{
			Options: template.Options{
				Name: "in", Text: "text", LeftDelim: "[[", RightDelim: ">>", ErrorOnMissingKey: true,
				FunctionDenylist: []string{"plugin"}, SandboxPath: "/box",
			},
			Member: runner.Member{
				Destination: "out", Perm: 0o640, User: "u", Group: "5", NoParents: true, Backup: true,
				Wait: runner.Wait{Min: time.Second, Max: 2 * time.Second},
			},
			Command: runner.Command{Args: []string{"reload it"}, Timeout: 30 * time.Second, Env: append(overlay, "A=b")},
			OnError: runner.ErrorFatal,
		}, {
			Options: template.Options{Name: "contents for b", Text: "inline", LeftDelim: "<<", RightDelim: ">>"},
			Member:  runner.Member{Destination: "b", Wait: runner.Wait{Min: 3 * time.Second, Max: 12 * time.Second}},
			OnError: runner.ErrorTolerated,
		}, {
			Options: template.Options{Name: "in", Text: "text", LeftDelim: "<<", RightDelim: ">>"},
			Member:  runner.Member{Destination: "c", Wait: runner.Wait{Min: time.Second, Max: 2 * time.Second}},
			Command: runner.Command{Args: []string{"cmd"}, Timeout: 30 * time.Second, Env: append([]string{"PATH=/bin"}, overlay...)},
		}},
	}
	ignore := cmpopts.IgnoreFields(runner.Options{}, "LookupEnv", "Events")
	if diff := cmp.Diff(want, got, ignore, cmpopts.IgnoreUnexported(runner.Options{}, template.Secrets{}), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestRunnerErrors(t *testing.T) {
	c := parseIn(t, map[string]string{
		"in": "text",
		"c": `template { source = "nope.tpl" destination = "a" }
template { source = "in" contents = "x" destination = "a" }
template { destination = "a" }
template { source = "in" }`,
	}, "-config", "c", "-template", "nope.tpl:a", "-template", "in")
	_, err := c.Runner()
	const want = `c:1:1: failed to read template: open nope.tpl: no such file or directory
c:2:1: template: cannot specify both 'source' and 'contents'
c:3:1: template: must specify exactly one of 'source' or 'contents'
c:4:1: in: missing destination: which file to write (or print it with -dry)
failed to read template: open nope.tpl: no such file or directory
in: missing destination: which file to write (or print it with -dry)`
	if err == nil || err.Error() != want {
		t.Errorf("error:\n%v\nwant:\n%s", err, want)
	}
	if e := (*Error)(nil); !errors.As(err, &e) || e.Code != ExitRunner {
		t.Errorf("error %#v, want exit code %d", err, ExitRunner)
	}
}

// TestRunnerModes: a dry run needs no destination, and -once waits for nothing
// but gives up on a store that is away.
func TestRunnerModes(t *testing.T) {
	c := parseIn(t, map[string]string{"in": "text"}, "-template", "in", "-dry", "-once", "-wait", "5s")
	got, err := c.Runner()
	if err != nil {
		t.Fatal(err)
	}
	if !got.Dry || !got.Once || got.Templates[0].Wait != (runner.Wait{}) || got.Limits.Attempts[watch.Consul] != 12 {
		t.Errorf("%+v", got)
	}
}

func TestAttempts(t *testing.T) {
	for _, c := range []struct {
		args []string
		want int
	}{
		{nil, 0},
		{[]string{"-once"}, 12},
		{[]string{"-consul-retry-attempts", "12"}, 12},
		{[]string{"-consul-retry-attempts", "0", "-once"}, 0},
		{[]string{"-consul-retry=false"}, -1},
	} {
		opts, err := parseIn(t, nil, c.args...).Runner()
		if got := opts.Limits.Attempts[watch.Consul]; err != nil || got != c.want {
			t.Errorf("%q: %d attempts, %v, want %d", c.args, got, err, c.want)
		}
	}
}

func TestConsulOptions(t *testing.T) {
	c := parseIn(t, map[string]string{"c": `
		max_stale = "5s"
		block_query_wait = "10s"
		consul {
			address = "a" namespace = "n" token = "t" token_file = "f"
			auth { username = "u" password = "p" }
			retry { backoff = "1s" max_backoff = "2s" }
			ssl { verify = false cert = "c" key = "k" ca_cert = "ca" ca_path = "cas" server_name = "s" }
			transport {
				dial_keep_alive = "1s" dial_timeout = "2s" disable_keep_alives = true idle_conn_timeout = "3s"
				max_idle_conns = 4 max_idle_conns_per_host = 5 max_conns_per_host = 6 tls_handshake_timeout = "7s"
			}
		}`}, "-config", "c")
	want := consul.DefaultOptions()
	want.Address, want.Namespace, want.Token, want.TokenFile = "a", "n", "t", "f"
	want.Username, want.Password = "u", "p"
	want.MaxStale, want.BlockQueryWait = 5*time.Second, 10*time.Second
	want.Retry = schedule.Backoff{Base: time.Second, Max: 2 * time.Second}
	want.TLS = transport.TLS{Enabled: true, SkipVerify: true, Cert: "c", Key: "k", CACert: "ca", CAPath: "cas", ServerName: "s"}
	want.Transport = transport.Options{
		DialKeepAlive: time.Second, DialTimeout: 2 * time.Second, DisableKeepAlives: true, IdleConnTimeout: 3 * time.Second,
		MaxIdleConns: 4, MaxIdleConnsPerHost: 5, MaxConnsPerHost: 6, TLSHandshakeTimeout: 7 * time.Second,
	}
	if diff := cmp.Diff(want, consulOptions(c)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(consul.DefaultOptions(), consulOptions(parseIn(t, nil))); diff != "" {
		t.Errorf("defaults (-want +got):\n%s", diff)
	}
}

func TestRunnerChild(t *testing.T) {
	overlay := []string{"CONSUL_HTTP_SSL=false", "CONSUL_HTTP_SSL_VERIFY=true"}
	for _, c := range []struct {
		name, file string
		args       []string
		want       *runner.Child
	}{
		{name: "none"},
		{name: "an empty one", file: `exec { command = [""] }`},
		{
			name: "by the flag", args: []string{"-exec", "app -x"},
			want: &runner.Child{
				Args: []string{"app -x"}, Env: append([]string{"PATH=/bin"}, overlay...),
				KillSignal: os.Interrupt, KillTimeout: 30 * time.Second, Restart: process.RestartNever,
			},
		},
		{
			name: "in full", file: `exec {
				command = ["app", "-x"] enabled = false timeout = "1s" kill_signal = "SIGTERM" kill_timeout = "2s"
				reload_signal = "SIGHUP" splay = "3s" restart = "on-failure" env { pristine = true custom = ["A=b"] }
			}`,
			want: &runner.Child{
				Args: []string{"app", "-x"}, Env: append(overlay, "A=b"),
				KillSignal: syscall.SIGTERM, KillTimeout: 2 * time.Second,
				ReloadSignal: syscall.SIGHUP, Splay: 3 * time.Second, Restart: process.RestartOnFailure,
			},
		},
		{
			name: "without signals", file: `exec { command = "app" kill_signal = "" reload_signal = "" kill_timeout = 0 restart = "always" env { pristine = true } }`,
			want: &runner.Child{
				Args: []string{"app"}, Env: overlay,
				KillSignal: syscall.Signal(0), ReloadSignal: syscall.Signal(0), Restart: process.RestartAlways,
			},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			opts, err := parseIn(t, map[string]string{"c": c.file}, append(c.args, "-config", "c")...).Runner()
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, opts.Child); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// consulOptions and vaultOptions are those of the blocks without a label.
func consulOptions(c *Config) consul.Options {
	return c.Reaches()[watch.Consul].Options.(consul.Options)
}
func vaultOptions(c *Config) vault.Options { return c.Reaches()[watch.Vault].Options.(vault.Options) }

// Blocks with a label are other clusters. They take nothing from the environment and
// from other blocks, but for what is about Consul as a whole.
func TestClusters(t *testing.T) {
	t.Chdir(t.TempDir())
	writeFile(t, ".vault-token", "of-home")
	writeFile(t, "c.hcl", `
		consul { address = "main:8500" token = "own" }
		consul "eu" {
			address = "eu:8500"
			token = "t"
			ssl { ca_cert = "ca.pem" }
			retry { attempts = 3 }
		}
		vault "team-b" {
			address = "https://b:8200"
			namespace = "team-b"
			approle { role_id = "r" }
		}
		nomad { region = "main" }
		nomad "north" { address = "http://n:4646" token = "t" retry { attempts = 4 } }
		template { contents = "x" destination = "y" consul = "eu" vault = "team-b" nomad = "north" }
		template { contents = "x" destination = "z" consul = "default" }`)
	writeFile(t, "d.json", `{"consul": [{"max_connections": 7}, {"us": {"address": "us:8500"}}], "vault": {"c": {"address": "https://c:8200"}}}`)
	c, err := Parse([]string{"-config", "c.hcl", "-config", "d.json", "-max-stale", "5s"}, []string{
		"HOME=.", "CONSUL_HTTP_TOKEN=environment", "CONSUL_HTTP_ADDR=environment", "VAULT_TOKEN=environment", "VAULT_ADDR=environment", "VAULT_AGENT_ADDR=environment",
		"NOMAD_ADDR=http://environment", "NOMAD_NAMESPACE=environment", "NOMAD_CACERT=environment", "NOMAD_HTTP_AUTH=u:p",
	})
	if err != nil || len(c.Warnings) > 0 {
		t.Fatal(err, c.Warnings)
	}
	eu, us := consul.DefaultOptions(), consul.DefaultOptions()
	eu.NoEnvironment, eu.Address, eu.Token, eu.TLS, eu.Retry.Attempts, eu.MaxStale = true, "eu:8500", "t", transport.TLS{Enabled: true, CACert: "ca.pem"}, 3, 5*time.Second
	us.NoEnvironment, us.Address, us.MaxStale = true, "us:8500", 5*time.Second
	for store, want := range map[watch.Store]consul.Options{"consul/eu": eu, "consul/us": us} {
		if diff := cmp.Diff(any(want), c.Reaches()[store].Options); diff != "" {
			t.Errorf("%s (-want +got):\n%s", store, diff)
		}
	}
	if o := consulOptions(c); o.NoEnvironment || o.Address != "main:8500" || o.MaxConnections != 7 {
		t.Errorf("the block without a label: %+v", o)
	}
	b, other := c.Reaches()["vault/team-b"].Options.(vault.Options), c.Reaches()["vault/c"].Options.(vault.Options)
	if !b.NoEnvironment || b.Address != "https://b:8200" || b.Namespace != "team-b" || b.Token.Text != "" || b.Token.Login.RoleID != "r" {
		t.Errorf("vault team-b: %+v", b)
	}
	if other.Address != "https://c:8200" || other.Token.Text != "" || other.Token.Login.Method != "" {
		t.Errorf("vault c: %+v", other)
	}
	north := nomad.DefaultOptions()
	north.Address, north.Token, north.Retry.Attempts, north.MaxStale = "http://n:4646", "t", 4, 5*time.Second
	if diff := cmp.Diff(any(north), c.Reaches()["nomad/north"].Options); diff != "" {
		t.Errorf("nomad north (-want +got):\n%s", diff)
	}
	if o := c.Reaches()[watch.Nomad].Options.(nomad.Options); o.Address != "http://environment" || o.Region != "main" || o.TLS.CACert != "environment" || o.Username != "u" || o.Password != "p" {
		t.Errorf("the block without a label: %+v", o)
	}
	opts, err := c.Runner()
	if err != nil {
		t.Fatal(err)
	}
	if got := opts.Templates[0].Clusters; got != (template.Clusters{Consul: "eu", Vault: "team-b", Nomad: "north"}) {
		t.Errorf("clusters of the template: %+v", got)
	}
	if got := opts.Limits.Attempts["consul/eu"]; got != 3 {
		t.Errorf("consul/eu has %d attempts", got)
	}
	text := printed(t, c)
	writeFile(t, "again.hcl", text)
	again, err := Parse([]string{"-config", "again.hcl"}, nil)
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	if got := again.Clusters(watch.Consul); len(got) != 2 || again.Consul.Clusters[0].Of.Retry.Attempts != 3 {
		t.Errorf("printed and read again: %v in\n%s", got, text)
	}
}
