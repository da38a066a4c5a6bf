package config

import (
	"regexp"
	"testing"
)

// TestDocumentedConfigurations reads the configurations of docs/bundles.md.
func TestDocumentedConfigurations(t *testing.T) {
	page := readFile(t, "../../../docs/bundles.md")
	fence := regexp.MustCompile("(?s)\n```(?:hcl|json)\n(.*?)\n```")
	all := fence.FindAllStringSubmatch(page, -1)
	if len(all) < 4 {
		t.Errorf("%d configurations, want more", len(all))
	}
	t.Chdir(t.TempDir())
	for _, m := range all {
		writeFile(t, "c", m[1])
		c, err := Parse([]string{"-config", "c"}, nil)
		if err != nil {
			t.Errorf("%v\n%s", err, m[1])
			continue
		}
		for _, w := range c.Warnings {
			if len(c.Templates) > 0 { // else no template belongs to the bundle
				t.Errorf("%v\n%s", w, m[1])
			}
		}
	}
}
