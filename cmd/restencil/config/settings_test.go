package config

import (
	"os"
	"slices"
	"strings"
	"testing"

	"restencil/cmd/restencil/config/setting"
)

// TestSettings holds every setting to what the table promises of it.
func TestSettings(t *testing.T) {
	keys, flags := make(map[string]bool), make(map[string]bool)
	for s := range setting.All(Settings()) {
		if s.Key == "" && s.Flag == "" {
			t.Errorf("a setting with the help %q has no name", s.Help)
		}
		if s.Key != "" && s.Sets[0] == s.Key {
			if keys[s.Key] {
				t.Errorf("the key %s is there twice", s.Key)
			}
			keys[s.Key] = true
		}
		if flags[s.Flag] && s.Flag != "" {
			t.Errorf("the flag -%s is there twice", s.Flag)
		}
		flags[s.Flag] = true
		if s.Flag != "" && s.Deprecated == "" && s.Group == "" {
			t.Errorf("-%s has no group", s.Flag)
		}
	}
	for _, s := range documentedSettings() {
		if s.Deprecated == "" && !strings.HasSuffix(s.Help, ".") {
			t.Errorf("%s has no help, or it is no sentence", s.Key)
		}
	}
}

// TestFlagsAreAllTested keeps testdata/flags.txtar complete.
func TestFlagsAreAllTested(t *testing.T) {
	words := strings.Fields(readFile(t, "testdata/flags.txtar"))
	other := []string{"-print-config", "-version", "-v"} // tested elsewhere
	for s := range setting.All(Settings()) {
		flag := "-" + s.Flag
		used := slices.ContainsFunc(words, func(w string) bool { return w == flag || strings.HasPrefix(w, flag+"=") })
		if s.Flag != "" && s.Deprecated == "" && !used && !slices.Contains(other, flag) {
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
	c := newConfig(nil)
	settings := slices.Concat(c.settings, new(Template).instance().Settings, new(Bundle).instance().Settings, new(Verify).instance().Settings)
	for s := range setting.All(settings) {
		name := s.Key[strings.LastIndexByte(s.Key, '.')+1:]
		skipped := s.Deprecated != "" || s.Sets == nil || s.Sets[0] != s.Key || slices.Contains([]string{"once", "parseonly", "vault_agent_token_file"}, name)
		if !skipped && !strings.Contains(text, " "+name+" ") && !strings.Contains(text, "\n"+name+" ") {
			t.Errorf("%s is not in testdata/keys.txtar", s.Key)
		}
	}
}

// TestHelp looks at what people read.
func TestHelp(t *testing.T) {
	help := setting.Help(Settings())
	for _, want := range []string{
		"\nConsul:\n", "\nVault:\n", "\nLogging:\n",
		"  -consul-addr <address>\n",
		"  -template <source[:destination[:command]]>\n",
		"(default 2s)", "environment CONSUL_HTTP_ADDR",
	} {
		if !strings.Contains(help, want) {
			t.Errorf("help lacks %q", want)
		}
	}
	for s := range setting.All(Settings()) {
		if s.Flag != "" && s.Deprecated == "" && !strings.Contains(help, " -"+s.Flag) {
			t.Errorf("help lacks -%s", s.Flag)
		}
	}
	for line := range strings.Lines(help) {
		if len([]rune(line)) > 79 {
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
