package vault

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// A canary is a part of a secret that must not be found where secrets have no
// business to be.
type canary struct{ name, text string }

// canaries are those of one site.
type canaries []canary

// add takes up a text that is nowhere by chance, and returns it.
func (c *canaries) add(name, text string) string {
	if len(text) < leastCanary {
		panic("a canary that may be anywhere: " + name)
	}
	*c = append(*c, canary{name, text})
	return text
}

// value returns a new secret, with characters in and around it that are written
// otherwise in JSON, in Go and in URLs, and that are wrong in a number, a
// pattern, a template and a path. The canary is the part that all of these
// write as it is.
func (c *canaries) value(name string) string {
	return "(\"\\<{{" + c.add(name, rand.Text()) + "\n\x01é"
}

// window is how much of a form of a secret counts as the secret: what hides a
// part of it hides nothing.
const window = 12

// leastCanary is how long a canary is at least: what base64 leaves of it is more
// than a window.
const leastCanary = 2 * window

// windows are the parts of the forms of canaries, and which they are.
type windows map[string]string

// add takes up the parts of a form.
func (w windows) add(form, name string) {
	for i := range len(form) - window + 1 {
		w[form[i:i+window]] = name
	}
}

// in returns what of w is in text: the line of each first part.
func (w windows) in(text string) (all []string) {
	seen := make(map[string]bool)
	for i := range len(text) - window + 1 {
		if name, ok := w[text[i:i+window]]; ok && !seen[name] {
			seen[name] = true
			all = append(all, fmt.Sprintf("%s: «%s»", name, around(text, i)))
		}
	}
	return all
}

// found returns where canaries are in a text, in one of the forms that secrets
// are written in. Quoted, in JSON and in a URL they are as they are; of the
// base64 form, which depends on what is before and after, it is the part that
// does not.
func (c canaries) found(text string) []string {
	exact, folded := make(windows), make(windows)
	for _, one := range c {
		folded.add(strings.ToLower(one.text), one.name)
		folded.add(strings.ToLower(reversed(one.text)), one.name+", reversed")
		folded.add(hex.EncodeToString([]byte(one.text)), one.name+", hexadecimal")
		for shift := range 3 {
			encoded := base64.RawStdEncoding.EncodeToString([]byte(strings.Repeat("x", shift) + one.text))
			exact.add(encoded[2*shift:len(encoded)-4], one.name+", base64")
		}
	}
	return append(exact.in(text), folded.in(strings.ToLower(text))...)
}

// around returns the line of text that has the byte at.
func around(text string, at int) string {
	begin := strings.LastIndexByte(text[:at], '\n') + 1
	line, _, _ := strings.Cut(text[begin:], "\n")
	const most = 600
	return line[:min(len(line), most)]
}

func reversed(text string) string {
	letters := []rune(text)
	slices.Reverse(letters)
	return string(letters)
}

// clean fails the test where a text has canaries.
func (c canaries) clean(t *testing.T, what, text string) {
	t.Helper()
	for _, hit := range c.found(text) {
		t.Errorf("%s has %s", what, hit)
	}
}

// cleanTree fails the test where a file below dir has canaries, or is named
// for one; but for what is below a directory that is in except.
func (c canaries) cleanTree(t *testing.T, dir string, except ...string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(dir, path)
		if d.IsDir() && slices.Contains(except, rel) {
			return fs.SkipDir
		}
		c.clean(t, "the name "+rel, rel)
		if !d.Type().IsRegular() {
			return nil
		}
		text, err := os.ReadFile(path)
		c.clean(t, rel, string(text))
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// TestCanaries: the judge of the other tests finds a secret in all its forms.
func TestCanaries(t *testing.T) {
	var c canaries
	secret := c.value("password")
	for _, text := range []string{
		secret, fmt.Sprintf("%q", secret), fmt.Sprintf("%x", secret), reversed(secret), strings.ToLower(secret),
		base64.StdEncoding.EncodeToString([]byte(secret)),
		base64.URLEncoding.EncodeToString([]byte("a" + secret)),
		base64.StdEncoding.EncodeToString([]byte("ab" + secret + "cd")),
		secret[8:24] + "***",
	} {
		if len(c.found("before\n"+text+"\nafter")) == 0 {
			t.Errorf("%q is not found to hold the secret", text)
		}
	}
	if hits := c.found("password secret " + rand.Text()); len(hits) > 0 {
		t.Error(hits)
	}
	dir := t.TempDir()
	write(t, filepath.Join(dir, regexp.MustCompile(`\W`).ReplaceAllString(secret, "")), "")
	fake := &testing.T{}
	if c.cleanTree(fake, dir); !fake.Failed() {
		t.Error("a file that is named for a secret is not found")
	}
}
