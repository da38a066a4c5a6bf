package config

import (
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"restencil/cmd/restencil/config/setting"
)

// sharedBlock matches a block that is the same in several others, which one example
// is enough for.
var sharedBlock = regexp.MustCompile(`^(?:consul|vault|nomad|template|bundle)\.(ssl|retry|transport|exec|wait|guard)`)

// exampleOf returns what an example of a key is one of, too. A block env_template has
// keys of the block template.
func exampleOf(key string) string {
	return sharedBlock.ReplaceAllString(strings.TrimPrefix(key, "exec.env_"), "$1")
}

var configurationFence = regexp.MustCompile("(?s)\n```(?:hcl|json)\n(.*?)\n```")

// TestDocumentedConfigurations reads the configurations of the documentation.
// docs/configuration.md has an example of every key that has an effect.
func TestDocumentedConfigurations(t *testing.T) {
	pages, err := filepath.Glob("../../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, page := range append(pages, "../../../README.md") {
		t.Run(filepath.Base(page), func(t *testing.T) {
			shown := make(map[string]bool)
			for _, m := range configurationFence.FindAllStringSubmatch(readFile(t, page), -1) {
				if !isConfiguration(m[1]) {
					continue
				}
				c := readDocumented(t, m[1])
				for _, s := range documentedSettings() {
					key := exampleOf(s.Key)
					shown[key] = shown[key] || c.shows(s.Key)
				}
			}
			if filepath.Base(page) != filepath.Base(configurationPage) {
				return
			}
			for _, s := range documentedSettings() {
				effective := s.Deprecated == "" && s.Sets != nil && strings.HasSuffix(s.Key, s.Sets[0]) &&
					!strings.HasPrefix(s.Help, "Has no effect") && s.Key != "parseonly" // which has none in a file
				if effective && !shown[exampleOf(s.Key)] {
					t.Errorf("there is no example of %s", s.Key)
				}
			}
		})
	}
}

// TestDocumentedFlags makes sure that there is every flag that the documentation
// names, but for those of subcommands.
func TestDocumentedFlags(t *testing.T) {
	flags := map[string]bool{"reload": true, "json": true, "prune": true, "help": true, "format": true, "disable": true, "strict": true,
		"check": true, "update": true, "run": true, "junit": true, "diff": true}
	settings := Settings()
	for _, s := range append(slices.Collect(setting.All(settings)), settings...) { // the latter are the old spellings
		flags[s.Flag] = true
	}
	named := regexp.MustCompile("`(?:restencil )?-([a-z][a-z-]+)[` =]")
	pages, err := filepath.Glob("../../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, page := range append(pages, "../../../README.md") {
		if filepath.Base(page) == "migrating.md" { // which has the flags of other programs, too
			continue
		}
		for _, m := range named.FindAllStringSubmatch(readFile(t, page), -1) {
			if !flags[m[1]] {
				t.Errorf("%s: there is no flag -%s", filepath.Base(page), m[1])
			}
		}
	}
}

// isConfiguration reports whether a code block is one, and not a line of the log
// or a data file.
func isConfiguration(text string) bool {
	return !strings.Contains(text, `"level":`) && !strings.Contains(text, `"keys":`)
}

// readDocumented reads a configuration of the documentation, which is nil where
// that fails.
func readDocumented(t *testing.T, text string) *Config {
	t.Helper()
	wd := t.TempDir()
	path := filepath.Join(wd, "c")
	writeFile(t, path, text)
	c, err := Parse([]string{"-config", path}, nil)
	if err != nil {
		t.Errorf("%v\n%s", err, text)
		return nil
	}
	for _, w := range c.Warnings {
		if len(c.Templates) > 0 { // else no template belongs to the bundle
			t.Errorf("%v\n%s", w, text)
		}
	}
	return c
}

// shows reports whether a key of documentedSettings is written.
func (c *Config) shows(key string) bool {
	if c == nil {
		return false
	}
	block, name, _ := strings.Cut(key, ".")
	shown := c.IsSet(key)
	for _, t := range c.Templates {
		shown = shown || block == "template" && t.IsSet(name)
		for _, v := range t.Verify {
			shown = shown || block == "verify" && v.IsSet(name)
		}
	}
	for _, b := range c.Bundles {
		shown = shown || block == "bundle" && b.IsSet(name)
	}
	return shown
}
