package config

import (
	"regexp"
	"strings"
	"testing"

	"restencil/cmd/restencil/config/setting"
	"restencil/cmd/restencil/config/stores"
)

// TestDocumentedConfigurations reads the configurations of two pages.
func TestDocumentedConfigurations(t *testing.T) {
	fence := regexp.MustCompile("(?s)\n```(?:hcl|json)\n(.*?)\n```")
	for doc, least := range map[string]int{"bundles.md": 4, "vault.md": 10} {
		t.Run(doc, func(t *testing.T) {
			all := fence.FindAllStringSubmatch(readFile(t, "../../../docs/"+doc), -1)
			if len(all) < least {
				t.Errorf("%d configurations, want more", len(all))
			}
			t.Chdir(t.TempDir())
			for _, m := range all {
				readDocumented(t, m[1])
			}
		})
	}
}

func readDocumented(t *testing.T, text string) {
	t.Helper()
	writeFile(t, "c", text)
	c, err := Parse([]string{"-config", "c"}, nil)
	if err != nil {
		t.Errorf("%v\n%s", err, text)
		return
	}
	for _, w := range c.Warnings {
		if len(c.Templates) > 0 { // else no template belongs to the bundle
			t.Errorf("%v\n%s", w, text)
		}
	}
}

// TestVaultKeysAreDocumented: docs/vault.md names each key of vault, but for
// those that all stores have.
func TestVaultKeysAreDocumented(t *testing.T) {
	doc := readFile(t, "../../../docs/vault.md")
	for _, s := range setting.All(new(stores.Vault).Settings()) {
		key := strings.TrimPrefix(s.Key, "vault.")
		block, _, _ := strings.Cut(key, ".")
		if block == "ssl" || block == "transport" || block == "retry" {
			continue
		}
		if !strings.Contains(doc, "`"+key+"`") && !strings.Contains(doc, "\n  "+key+" ") {
			t.Errorf("docs/vault.md does not name %s", s.Key)
		}
	}
}
