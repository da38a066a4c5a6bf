package config

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestPrintMasksSecrets looks for every secret in what is printed.
func TestPrintMasksSecrets(t *testing.T) {
	t.Chdir(t.TempDir())
	writeFile(t, "c", `
		consul { token = "hush" auth { password = "hush" } }
		vault  { token = "hush" k8s_service_account_token = "hush" }
		nomad  { token = "hush" auth_password = "hush" }
		status { token = "hush" }
		consul "eu" { address = "x" token = "hush" }
		vault "b" { address = "http://x" approle { role_id = "r" secret_id = "hush" } }`)
	c, err := Parse([]string{"-config", "c", "-consul-auth", "u:hush"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	text := printed(t, c)
	if strings.Contains(text, "hush") {
		t.Errorf("a secret is printed:\n%s", text)
	}
	if got := strings.Count(text, `"***"`); got != 9 {
		t.Errorf("%d secrets are masked, want 9", got)
	}
	if !strings.Contains(text, "  token = \"***\" # c:2:12\n") {
		t.Errorf("the place of consul.token is not printed:\n%s", text)
	}
}

// TestPrintMasksEnvironments: of a variable its name is printed, and of a command
// that prints a token its program.
func TestPrintMasksEnvironments(t *testing.T) {
	t.Chdir(t.TempDir())
	writeFile(t, "c", `
		exec { command = "app" env { custom = ["OWN=hush"] allowlist = ["PATH"] } }
		template { contents = "x" exec { command = "y" env { custom = ["PASSWORD=hush"] } } }
		vault { token_command = ["fetch", "-password", "hush"] }`)
	c, err := Parse([]string{"-config", "c"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	text := printed(t, c)
	if strings.Contains(text, "hush") || !strings.Contains(text, `"OWN=***"`) || !strings.Contains(text, `"PASSWORD=***"`) || !strings.Contains(text, `["fetch", "***"]`) {
		t.Errorf("printed:\n%s", text)
	}
	writeFile(t, "c", `vault { token_command = "PASSWORD=hush fetch" }`)
	if c, err = Parse([]string{"-config", "c"}, nil); err != nil {
		t.Fatal(err)
	}
	if text := printed(t, c); strings.Contains(text, "hush") || !strings.Contains(text, `token_command = ["***"]`) {
		t.Errorf("printed:\n%s", text)
	}
}

// TestPrintLogins: a way to log in to Vault is printed where it is written, and
// without its secrets.
func TestPrintLogins(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, login := range []string{
		`approle { role_id = "id" secret_id = "hush" }`,
		`jwt { role = "r" token = "hush" }`,
		`ssl { cert = "c" } cert_login { }`,
		`token_command = ["a", "b"]`,
	} {
		writeFile(t, "c", "vault { "+login+" }")
		first, err := Parse([]string{"-config", "c"}, nil)
		if err != nil {
			t.Fatal(err)
		}
		text := printed(t, first)
		writeFile(t, "again", text)
		second, err := Parse([]string{"-config", "again"}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(text, "hush") {
			t.Errorf("%s: a secret is printed", login)
		}
		secret := cmp.FilterPath(func(p cmp.Path) bool { return p.Last().String() == ".SecretID" || p.Last().String() == ".JWT" }, cmp.Ignore())
		if diff := cmp.Diff(vaultOptions(first).Token.Login, vaultOptions(second).Token.Login, secret); diff != "" {
			t.Errorf("%s (-first +second):\n%s", login, diff)
		}
		if diff := cmp.Diff(values(text), values(printed(t, second))); diff != "" {
			t.Errorf("%s (-first +second):\n%s", login, diff)
		}
	}
	writeFile(t, "c", "")
	none, err := Parse([]string{"-config", "c"}, nil)
	if err != nil || strings.Contains(printed(t, none), "approle {") {
		t.Errorf("a login is printed that nobody wrote (%v)", err)
	}
}

// TestPrintReadsBack: what is printed means the same when it is read.
func TestPrintReadsBack(t *testing.T) {
	t.Chdir(t.TempDir())
	writeFile(t, "c", `
		log_level = "info"
		exec { command = ["a", "${b}", "c\nd"] reload_signal = "" }
		wait = "1s:5s"
		consul { ssl { verify = false } }
		vault { namespace = "\xff" token = "t" }
		bundle "a \"b\"" { reload = "x" verify = "y" verify { tcp = "h:1" for = "2s" } guard { max_shrink = "33%" min_instances { web = 2 } } }
		template { contents = "q" bundle = "a \"b\"" format = "yaml" dir_perms = 0700 verify { http = "http://h/" } }
		template { contents = "%{x} \"q\" é" perms = 0600 command = "a, b" error_fatal = false }
		template { source = "s" wait = "5s" exec { command = [] timeout = "0s" } }`)
	// A file for the agent's token would count, were it printed as "".
	first, err := Parse([]string{"-config", "c"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, "again", strings.ReplaceAll(printed(t, first), `"***"`, `"t"`))
	second, err := Parse([]string{"-config", "again"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(values(printed(t, first)), values(printed(t, second))); diff != "" {
		t.Errorf("(-first +second):\n%s", diff)
	}
}

func printed(t *testing.T, c *Config) string {
	t.Helper()
	var b bytes.Buffer
	if err := c.Print(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// values returns printed configuration without the origins.
func values(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if i := strings.LastIndex(line, " # "); i >= 0 {
			line = line[:i] + "\n"
		}
		b.WriteString(line)
	}
	return b.String()
}
