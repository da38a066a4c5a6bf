package config

import (
	"bytes"
	"os"
	"slices"
	"strings"
	"testing"
)

// TestSettings holds every setting to what the table promises of it.
func TestSettings(t *testing.T) {
	c := newConfig(nil)
	keys, flags := make(map[string]bool), make(map[string]bool)
	for _, s := range c.settings() {
		if s.key == "" && s.flag == "" {
			t.Errorf("a setting with the help %q has no name", s.help)
		}
		if s.key != "" && !s.shorthand {
			if keys[s.key] {
				t.Errorf("the key %s is there twice", s.key)
			}
			keys[s.key] = true
		}
		for _, flag := range s.flags() {
			if flags[flag] {
				t.Errorf("the flag -%s is there twice", flag)
			}
			flags[flag] = true
		}
		if s.flag != "" && (s.group == "" || !strings.HasSuffix(s.help, ".")) {
			t.Errorf("-%s has no group, or its help is no sentence", s.flag)
		}
	}
}

// TestSecretsAreNamed keeps secretNames complete, for diagnostics.
func TestSecretsAreNamed(t *testing.T) {
	for _, s := range newConfig(nil).settings() {
		name := s.key[strings.LastIndexByte(s.key, '.')+1:]
		if s.secret && s.key != "" && !slices.Contains(secretNames(), name) {
			t.Errorf("secretNames lacks %s", name)
		}
	}
}

// TestFlagsAreAllTested keeps testdata/flags.txtar complete.
func TestFlagsAreAllTested(t *testing.T) {
	words := strings.Fields(readFile(t, "testdata/flags.txtar"))
	other := []string{"-print-config", "-version", "-retry"} // tested elsewhere
	for _, s := range newConfig(nil).settings() {
		flag := "-" + s.flag
		used := slices.ContainsFunc(words, func(w string) bool { return w == flag || strings.HasPrefix(w, flag+"=") })
		if s.flag != "" && !used && !slices.Contains(other, flag) {
			t.Errorf("%s is not in testdata/flags.txtar", flag)
		}
	}
}

// TestKeysAreAllTested keeps testdata/keys.txtar complete, with the ways to log
// in to Vault, of which there is one at a time.
func TestKeysAreAllTested(t *testing.T) {
	text := readFile(t, "testdata/keys.txtar")
	for _, login := range []string{"approle", "approle_other", "jwt", "cert_login_role", "token_command"} {
		text += readFile(t, "testdata/vault_"+login+".txtar")
	}
	settings := slices.Concat(newConfig(nil).settings(), newTemplate(Origin{}).settings(),
		newBundle("", Origin{}).settings(), newVerify(Origin{}).settings())
	for _, s := range settings {
		name := s.key[strings.LastIndexByte(s.key, '.')+1:]
		skipped := s.deprecated != "" || s.sets != nil || slices.Contains([]string{"once", "parseonly", "vault_agent_token_file"}, name)
		if !skipped && !strings.Contains(text, " "+name+" ") && !strings.Contains(text, "\n"+name+" ") {
			t.Errorf("%s is not in testdata/keys.txtar", s.key)
		}
	}
}

// TestHelp looks at what people read.
func TestHelp(t *testing.T) {
	var b bytes.Buffer
	if err := WriteHelp(&b); err != nil {
		t.Fatal(err)
	}
	help := b.String()
	for _, want := range []string{
		"\nConsul:\n", "\nVault:\n", "\nLogging:\n",
		"  -consul-addr, -consul <address>\n",
		"  -template <source[:destination[:command]]>\n",
		"(default 2s)", "environment CONSUL_HTTP_ADDR",
	} {
		if !strings.Contains(help, want) {
			t.Errorf("help lacks %q", want)
		}
	}
	for _, s := range newConfig(nil).settings() {
		if s.flag != "" && !strings.Contains(help, "  -"+s.flag) {
			t.Errorf("help lacks -%s", s.flag)
		}
	}
	for line := range strings.Lines(help) {
		if len([]rune(line)) > helpWidth+1 {
			t.Errorf("too long: %s", line)
		}
	}
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}
