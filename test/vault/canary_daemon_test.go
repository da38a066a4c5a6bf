package vault

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"restencil/test/await"
	"restencil/test/binary"
	"restencil/test/servers"
)

// The tests of canaries look at all that restencil prints and writes at the
// lowest log level, in text and in JSON, but for
//
//   - the destinations, which are to hold secrets, and the configuration and
//     the files beside it, which people wrote;
//   - what commands print, which goes where restencil's own output goes, as
//     with consul-template: where a command prints secrets, the log is looked
//     at that restencil writes to a file;
//   - standard output with -dry, which is the files;
//   - names: of a path, a key or a service that a template makes of a secret, the
//     store's own log tells as well.

// failing are templates that fail because of what a secret is. Each says what
// the error could tell, and {{P}} is the secret's value.
var failing = map[string]string{
	"int":        `{{ {{P}} | parseInt }}`,
	"float":      `{{ {{P}} | parseFloat }}`,
	"bool":       `{{ {{P}} | parseBool }}`,
	"json":       `{{ {{P}} | parseJSON }}`,
	"yaml":       `{{ printf "%s: [" {{P}} | parseYAML }}`,
	"index":      `{{ index .Data.data "password" 7000 }}`,
	"map":        `{{ index (sprig_dict {{P}} 1) {{P}} | add "x" }}`,
	"slice":      `{{ slice {{P}} 7000 }}`,
	"field":      `{{ {{P}}.Nothing }}`,
	"range":      `{{ range {{P}} }}{{ end }}`,
	"rangelower": `{{ range {{P}} | toLower }}{{ end }}`,
	"loop":       `{{ range loop {{P}} }}{{ end }}`,
	"compare":    `{{ if lt {{P}} 1 }}{{ end }}`,
	"add":        `{{ add {{P}} 1 }}`,
	"template":   `{{ executeTemplate {{P}} }}`,
	"call":       `{{ call {{P}} }}`,
	"pattern":    `{{ "x" | regexMatch {{P}} }}`,
	"base64":     `{{ {{P}} | base64Encode | parseInt }}`,
	"decode":     `{{ {{P}} | base64Decode }}`,
	"lower":      `{{ {{P}} | toLower | parseInt }}`,
	"hexadec":    `{{ printf "%x" {{P}} | parseInt }}`,
	"quoted":     `{{ printf "%q" {{P}} | parseInt }}`,
	"reverse":    `{{ {{P}} | sprig_splitList "" | sprig_reverse | sprig_join "" | parseInt }}`,
	"whole":      `{{ .Data | toJSON | parseInt }}`,
	"pretty":     `{{ .Data.data | toJSONPretty | parseInt }}`,
	"list":       `{{ {{P}} | split "<" | toYAML | parseInt }}`,
	"fail":       `{{ sprig_fail {{P}} }}`,
	"date":       `{{ sprig_mustToDate "2006" {{P}} }}`,
	"must":       `{{ mustEnv {{P}} }}`,
	"sockaddr":   `{{ sockaddr {{P}} }}`,
	"plugin":     `{{ plugin "cat" {{P}} }}`,
	"program":    `{{ plugin {{P}} }}`,
	"talkative":  `{{ plugin "sh" "-c" "echo \"$0\"; echo \"$0\" >&2; exit 1" {{P}} }}`,
	"writefile":  `{{ {{P}} | writeToFile "/nowhere/at/all" "" "" "0600" }}`,
	"writename":  `{{ "x" | writeToFile (print "/nowhere/" {{P}}) "" "" "0600" }}`,
	"writewrong": `{{ "x" | writeToFile "/nowhere" {{P}} {{P}} {{P}} }}`,
	"path":       `{{ secret (print "secret/" {{P}} "/x") }}`,
	"version":    `{{ secret (print "secret/app?version=" {{P}}) }}`,
	"pairs":      `{{ secret "secret/app" {{P}} }}`,
	"write":      `{{ secret "transit/encrypt/none" (print "plaintext=" {{P}}) }}`,
	"certs":      `{{ pkiCert "pki/issue/app" (print "common_name=" {{P}}) }}`,
	"certpath":   `{{ pkiCert (print "pki/issue/" {{P}}) "common_name=a" }}`,
	"certtext":   `{{ with pkiCert "pki/issue/app" "common_name=a.example" }}{{ .Key | parseInt }}{{ end }}`,
	"certjson":   `{{ with pkiCert "pki/issue/app" "common_name=a.example" }}{{ .Key | base64Encode | parseJSON }}{{ end }}`,
	"username":   `{{ with secret "leased/login" }}{{ .Data.password | parseInt }}{{ end }}`,
	"decrypted":  `{{ with secret "transit/decrypt/app" "ciphertext={{CIPHER}}" }}{{ .Data.plaintext | base64Decode | parseInt }}{{ end }}`,
	"wrapped":    `{{ with secret "sys/wrapping/wrap" (print "a=" {{P}}) }}{{ .Data | toJSON | parseInt }}{{ end }}`,
	"token":      `{{ with secret "auth/token/create" "ttl=1h" "policies=default" }}{{ .Auth.ClientToken | parseInt }}{{ end }}`,
	"env":        `{{ env {{P}} | parseInt }}`,
}

// A menagerie is a site with secrets of all kinds.
type menagerie struct {
	*site
	canaries
	cipher string
}

func newMenagerie(t *testing.T) *menagerie {
	v := servers.Vault(t)
	m := &menagerie{site: newSite(t, v)}
	m.put("app", map[string]any{"password": m.value("a password")})
	m.leased()
	v.Write("leased/login", map[string]any{"password": m.value("a leased password"), "ttl": "1h"})
	v.Write("sys/mounts/v1", map[string]any{"type": "kv"})
	v.Write("v1/app", map[string]any{"password": m.value("a password of version 1")})
	m.authority("1h")
	v.Write("sys/mounts/transit", map[string]any{"type": "transit"})
	v.Write("transit/keys/app", nil)
	plain := base64.StdEncoding.EncodeToString([]byte(m.value("a plaintext")))
	m.cipher = v.Write("transit/encrypt/app", map[string]any{"plaintext": plain}).Data["ciphertext"].(string)
	m.add("the secret id", m.appRole(map[string]any{}, "issue_burst = 100", `default_lease_duration = "1s"`))
	m.block("consul", `consul { address = "127.0.0.1:1" }`)
	m.block("status", `status { address = "127.0.0.1:0" }`)
	return m
}

// text returns the text of a template in which {{P}} is the secret's value.
func (m *menagerie) text(text string) string {
	text = strings.NewReplacer("{{P}}", ".Data.data.password", "{{CIPHER}}", m.cipher).Replace(text)
	return `{{ with secret "secret/app" }}` + text + `{{ end }}`
}

// good adds templates that render, and notes what they render.
func (m *menagerie) good() {
	m.template("all", m.text(`{{ .Data.data.password }}`)+
		`{{ with secret "v1/app" }}{{ .Data.password }}{{ end }}`+
		`{{ with secret "leased/login" }}{{ .Data.password }} {{ .LeaseID }}{{ end }}`+
		`{{ with secret "auth/token/create" "ttl=2h" "policies=default" }}{{ .Auth.ClientToken }}{{ end }}`)
	m.template("key.pem", `{{ with pkiCert "pki/issue/app" "common_name=www.example" }}{{ .Cert }}{{ .Key }}{{ end }}`)
}

// learn takes up the secrets that were made while the daemon ran.
func (m *menagerie) learn() {
	m.t.Helper()
	for _, secret := range m.proxy.secrets() {
		for line := range strings.SplitSeq(secret, `\n`) { // of a key
			if len(line) >= leastCanary && !strings.HasPrefix(line, "-----") {
				m.add("an issued secret", line)
			}
		}
	}
}

// look has the commands and the listener tell all that they know, and about each of
// these, and looks for canaries in that.
func (m *menagerie) look(d *siteDaemon, about ...string) {
	m.t.Helper()
	m.lookHTTP(d, about...)
	for _, args := range [][]string{{"lint", "-config", m.config()}, {"lint", "-format", "sarif", "-config", m.config()}, {"record", "-config", m.config(), "-timeout", "3s", "-log-level", "trace"}} {
		out, _ := exec.Command(binary.Path(m.t), args...).CombinedOutput()
		m.learn() // what record was given
		m.clean(m.t, args[0], string(out))
	}
	commands := [][]string{{"status"}, {"diff"}, {"history"}}
	for _, name := range about {
		path := m.file(name)
		if strings.Contains(name, "/") || m.blocks["bundle "+name] != "" {
			path = name
		}
		commands = append(commands, []string{"status", path}, []string{"explain", path}, []string{"diff", path}, []string{"history", path})
	}
	m.learn()
	for _, args := range commands {
		for _, more := range [][]string{nil, {"-json"}} {
			args := append(args, more...)
			_, out := m.ask(args...)
			m.clean(m.t, strings.Join(args, " "), out)
		}
	}
	if _, out := m.ask("status"); !strings.Contains(out, "BUNDLE") {
		m.t.Errorf("status prints\n%s", out)
	}
}

// lookHTTP looks for canaries in what the listener serves.
func (m *menagerie) lookHTTP(d *siteDaemon, about ...string) {
	m.t.Helper()
	at := regexp.MustCompile(`served at (http://127[^/]*/)`).FindStringSubmatch(d.Log.String())
	if at == nil {
		m.t.Fatal("the status is not served")
	}
	paths := []string{"", "ready", "metrics", "v1/status", "v1/events"}
	for _, name := range about {
		switch {
		case m.blocks["bundle "+name] != "":
		case strings.Contains(name, "/"):
			continue // it is a query
		default:
			name = m.file(name)
		}
		for _, path := range []string{"status", "diff", "history"} {
			paths = append(paths, "v1/"+path+"?bundle="+url.QueryEscape(name))
		}
	}
	for _, path := range paths {
		ctx, cancel := context.WithTimeout(m.t.Context(), await.Timeout)
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, at[1]+path, nil)
		if err != nil {
			m.t.Fatal(err)
		}
		reply, err := http.DefaultClient.Do(req)
		if err != nil {
			m.t.Fatal(err)
		}
		var text strings.Builder
		if path == "v1/events" { // which does not end: two messages will do
			for lines := bufio.NewReader(reply.Body); strings.Count(text.String(), "\n\n") < 2; {
				line, err := lines.ReadString('\n')
				if err != nil {
					m.t.Fatal(err)
				}
				text.WriteString(line)
			}
		} else if _, err := io.Copy(&text, reply.Body); err != nil {
			m.t.Fatal(err)
		}
		reply.Body.Close()
		cancel()
		m.learn()
		m.clean(m.t, "/"+path, text.String())
		if code := reply.StatusCode; code != http.StatusOK && path != "ready" {
			m.t.Errorf("/%s answers %d %q", path, code, text.String())
		}
	}
}

// check looks for canaries everywhere.
func (m *menagerie) check(d *siteDaemon) {
	m.t.Helper()
	m.learn()
	m.clean(m.t, "standard error", d.Log.String())
	m.clean(m.t, "standard output", d.stdout.String())
	m.cleanTree(m.t, m.dir, "conf", "out")
}

// TestNoSecretInTheLog has everything go wrong that can because of what a
// secret is, and looks at all that comes of it.
func TestNoSecretInTheLog(t *testing.T) {
	t.Parallel()
	for _, format := range []string{"text", "json"} {
		t.Run(format, func(t *testing.T) {
			t.Parallel()
			m := newMenagerie(t)
			consul := servers.Consul(t)
			m.block("consul", fmt.Sprintf("consul { address = %q }\n cache = true", consul.Addr()))
			m.good()
			m.template("environ", "x", fmt.Sprintf("exec {\n command = \"false\"\n env {\n custom = [\"APP_PASSWORD=%s\"]\n }\n}", m.add("a word of env", rand.Text())))
			m.template("cached", `{{ keyOrDefault "none" "x" }}`)
			for name, text := range failing {
				m.template(name, m.text(text))
			}
			m.template("commanded", m.text(`{{ .Data.data.password }}`), fmt.Sprintf("command = \"env >%s\"", m.path("command")))
			d := m.start("-log-level", "trace", "-log-format", format, "-log-file", m.path("log"))
			await.Eventually(t, await.Exists(m.file("all")))
			await.Eventually(t, await.Exists(m.file("key.pem")))
			await.Eventually(t, await.Exists(m.path("command")))
			await.Eventually(t, d.says("parseInt"))
			next := m.value("the next password")
			m.put("app", map[string]any{"password": next})
			m.template("changed", m.text(`{{ .Data.data.password }}, changed`))
			d.reload()
			await.Eventually(t, await.Holds(m.file("changed"), next+", changed"))
			time.Sleep(2 * time.Second) // for all to have gone wrong once
			m.look(d, "int", "commanded", "environ", "secret/data/app")
			d.Signal(syscall.SIGQUIT) // which makes other programs in Go print their stacks
			d.stop()
			m.check(d)
		})
	}
}

// loud are bundles that print their file at a step, and fail at it once there
// is {{FILE}}.bad.
var loud = map[string]string{
	"check":  "check = \"cat $RESTENCIL_STAGED; ls -l $RESTENCIL_STAGED >>{{MODES}}; false\"",
	"reload": "reload = \"cat {{FILE}}; cat {{FILE}} >&2; test ! -e {{FILE}}.bad\"\n rollback = true\n retry {\n backoff = \"100ms\"\n max_backoff = \"200ms\"\n }",
	"verify": "reload = \"true\"\n verify {\n command = \"cat {{FILE}}; test ! -e {{FILE}}.bad\"\n for = \"0s\"\n within = \"200ms\"\n interval = \"50ms\"\n }",
	"slow":   "reload = \"test ! -e {{FILE}}.bad || exec sleep 20; touch {{FILE}}.loaded\"\n rollback = true",
}

// loud adds these bundles, and templates that do so without one.
func (m *menagerie) loud() {
	for name, settings := range loud {
		settings = strings.NewReplacer("{{FILE}}", m.file(name), "{{MODES}}", m.path("modes")).Replace(settings)
		m.block("bundle "+name, fmt.Sprintf("bundle %q {\n%s\n}", name, settings))
		m.template(name, m.text(`{{ .Data.data.password }}`), fmt.Sprintf("bundle = %q", name))
	}
	// What is made of a secret no longer looks like it.
	m.block("bundle derived", "bundle \"derived\" {\n check = \"test ! -e "+m.file("check")+".bad\"\n}")
	m.template("derived", m.text(`{{ .Data.data.password | base64Encode }} {{ printf "%x" .Data.data.password }}
a={{ .Data.data.password | toLower }} {{ .Data.data.password | sprig_splitList "" | sprig_reverse | sprig_join "" }}
{{ range .Data.data.password | sprig_splitList "" }}{{ . }}
{{ end }}`), `bundle = "derived"`)
	m.template("json", m.text(`{{ .Data.data.password }}`), `format = "json"`)
	m.template("yaml", m.text(`a: [{{ .Data.data.password }}`), `format = "yaml"`)
	m.template("x509", m.text(`{{ .Data.data.password }}`), `format = "x509"`)
	m.template("toml", m.text(`a = {{ .Data.data.password }}`), `format = "toml"`)
	m.template("hcl", m.text(`a = ${ {{- .Data.data.password -}} }`), `format = "hcl"`)
	m.template("xml", m.text(`<a></{{ .Data.data.password }}>`), `format = "xml"`)
	m.template("plain", m.text(`{{ .Data.data.password }}`), fmt.Sprintf("command = \"cat %s; false\"", m.file("plain")))
	m.block("env", fmt.Sprintf("exec {\n command = \"env >%s; exec sleep 20\"\n reload_signal = \"\"\n}", m.path("child")))
}

// TestNoSecretOfCommands has commands print the files at every step, and fail,
// and looks at the log and at what is kept of them; also when restencil is
// killed in the midst of a change.
func TestNoSecretOfCommands(t *testing.T) {
	t.Parallel()
	m := newMenagerie(t)
	m.good()
	m.loud()
	if err := os.Mkdir(m.path("logs"), 0o755); err != nil {
		t.Fatal(err)
	}
	d := m.start("-log-level", "trace", "-log-file", m.path("logs", "log"))
	await.Eventually(t, await.Exists(m.file("slow.loaded")))
	await.Eventually(t, await.Exists(m.file("derived")))
	for _, name := range []string{"all", "key.pem", "reload", "verify", "plain"} {
		await.Eventually(t, await.Exists(m.file(name)))
		write(t, m.file(name)+".bad", "")
	}
	write(t, m.file("check")+".bad", "")
	next := m.value("the next password")
	m.put("app", map[string]any{"password": next})
	for _, name := range []string{"check", "derived", "reload", "verify", "json", "yaml", "x509", "toml", "hcl", "xml", "plain"} {
		await.Eventually(t, m.logged(name, "fail"))
	}
	m.look(d, "check", "verify", "derived", "secret/data/app")
	for _, args := range [][]string{{"history"}, {"history", "verify"}, {"rollback", "verify"}, {"rollback", "reload", "1"}, {"accept", "check"}} {
		out, _ := exec.Command(binary.Path(t), append(args, "-state-dir", m.path("state"))...).CombinedOutput()
		m.clean(t, strings.Join(args, " "), string(out))
	}
	await.Eventually(t, await.Holds(m.file("slow"), next))
	write(t, m.file("slow")+".bad", "") // its command does not end any more
	last := m.value("the last password")
	m.put("app", map[string]any{"password": last})
	await.Eventually(t, await.Holds(m.file("slow"), last))
	d.Kill()
	m.learn()
	m.cleanTree(t, m.dir, "conf", "out")
	for line := range strings.Lines(content(t, m.path("modes"))) {
		if !strings.HasPrefix(line, "-rw-------") {
			t.Errorf("a staged file has the mode %s", line)
		}
	}
}

// logged returns a check that the log file has a line with these words.
func (m *menagerie) logged(words ...string) func() error {
	return func() error {
		var text strings.Builder
		logs, _ := filepath.Glob(m.path("logs", "*"))
		for _, path := range logs {
			part, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			text.Write(part)
		}
	lines:
		for line := range strings.Lines(text.String()) {
			for _, word := range words {
				if !strings.Contains(line, word) {
					continue lines
				}
			}
			return nil
		}
		return fmt.Errorf("no line of the log file has all of %q", words)
	}
}

// TestNoSecretAtTheEnd looks at what restencil prints when an error ends it,
// and when it only shows what it would do.
func TestNoSecretAtTheEnd(t *testing.T) {
	t.Parallel()
	m := newMenagerie(t)
	m.good()
	m.run(0, "-once")
	stdout, stderr := m.run(0, "-dry", "-once", "-log-level", "trace")
	if len(m.found(stdout)) == 0 {
		t.Error("-dry does not show the file")
	}
	m.learn()
	m.clean(t, "-dry", stderr)
	for _, name := range []string{"int", "json", "range", "talkative", "pairs", "write", "certs"} {
		one := *m.site
		one.blocks, one.order = make(map[string]string), nil
		one.template(name, m.text(failing[name]))
		cmd := one.command("-once", "-log-level", "trace", "-vault-retry-attempts", "1", "-vault-retry-backoff", "10ms")
		out, _ := cmd.CombinedOutput()
		m.clean(t, "-once with "+name, string(out))
	}
	m.cleanTree(t, m.dir, "conf", "out")
}

// TestNoSecretOfLogins lets logins fail that have a secret to tell.
func TestNoSecretOfLogins(t *testing.T) {
	t.Parallel()
	v := servers.Vault(t)
	for _, method := range []string{"approle", "jwt"} {
		v.Write("sys/auth/"+method, map[string]any{"type": method})
	}
	for name, login := range map[string]string{
		"approle":       `approle { role_id = "nobody" ` + "\n" + ` secret_id = "{{S}}" }`,
		"wrapped":       `approle { role_id = "nobody" ` + "\n" + ` secret_id = "{{S}}" ` + "\n" + ` secret_id_wrapped = true }`,
		"jwt":           `jwt { role = "app" ` + "\n" + ` token = "{{S}}" }`,
		"kubernetes":    `k8s_auth_role_name = "app" ` + "\n" + ` k8s_service_account_token = "{{S}}"`,
		"token":         `token = "{{S}}"`,
		"odd token":     `token = "{{S}}\r\n{{S}}"`,
		"unwrap":        `token = "{{S}}" ` + "\n" + ` unwrap_token = true`,
		"wrap info":     `token = "{\"token\":\"{{S}}\",\"accessor\":\"x\",\"ttl\":1,\"creation_time\":\"2020-01-01T00:00:00Z\",\"creation_path\":\"x\"}"`,
		"command":       `token_command = "cat {{FILE}}"`,
		"loud command":  `token_command = "cat {{FILE}}; cat {{FILE}} >&2; exit 1"`,
		"long command":  `token_command = "cat {{FILE}}; cat {{FILE}} {{FILE}} | xargs"`,
		"file":          `vault_agent_token_file = "{{FILE}}"`,
		"wrapped file":  `vault_agent_token_file = "{{FILE}}" ` + "\n" + ` unwrap_token = true`,
		"secret's file": `approle { role_id = "nobody" ` + "\n" + ` secret_id_file = "{{FILE}}" }`,
		"jwt's file":    `jwt { role = "app" ` + "\n" + ` token_file = "{{FILE}}" }`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, v)
			var c canaries
			secret := c.add("the secret", rand.Text())
			write(t, s.path("conf", "secret"), secret+"\n")
			s.vault = strings.NewReplacer("{{S}}", secret, "{{FILE}}", s.path("conf", "secret")).Replace(login)
			s.template("a", `{{ with secret "secret/a" }}{{ .Data }}{{ end }}`)
			shown, _ := s.run(0, "-print-config")
			c.clean(t, "-print-config", shown)
			d := s.start("-log-level", "trace", "-log-file", s.path("log"))
			await.Eventually(t, d.says("WARN"))
			d.reload()
			time.Sleep(300 * time.Millisecond) // for some attempts
			d.stop()
			c.clean(t, "standard error", d.Log.String())
			c.clean(t, "standard output", d.stdout.String())
			c.cleanTree(t, s.dir, "conf")
			absent(t, s.file("a"))
		})
	}
}
