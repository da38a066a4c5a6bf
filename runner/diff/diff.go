// Package diff shows how files would change, and what would run for that: one file as a
// unified diff ([File]), or all of a bundle ([Plan]). Both leave out what came from
// secrets. The package reads no file and runs nothing.
package diff

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/rogpeppe/go-internal/diff"

	"restencil/watch/lazyregexp"
	"restencil/watch/printable"
)

// A File is a file with its change.
type File struct {
	Path     string
	Old, New []byte
	Exists   bool // there is an old file
	Removes  bool // there is to be none

	// Mask hides known secrets in a text. Nil: there are none.
	Mask func(string) string

	// Secret tells that the new content was made of a secret, and OldSecret that the
	// old one may have been. What a template makes of one, by base64 for example, no
	// longer looks like it. So each word is hidden then that Text, the template's, does
	// not have, nor new content that was made of no secret.
	Secret, OldSecret bool
	Text              string
}

// Unified returns the change in the unified format, masked; "" where there is
// none.
func (f File) Unified() string {
	old, next := f.Path, f.Path
	if !f.Exists {
		old = "/dev/null"
	}
	if f.Removes {
		next = "/dev/null"
	}
	if bytes.Equal(f.Old, f.New) {
		if f.Exists != f.Removes {
			return ""
		}
		return header(old, next) // of an empty file
	}
	if len(f.Old)+len(f.New) > maxBytes {
		return fmt.Sprintf("Files %s (%d lines) and %s (%d lines) differ\n", old, lines(f.Old), next, lines(f.New))
	}
	if !isText(f.Old) || !isText(f.New) {
		return "Binary files " + old + " and " + next + " differ\n"
	}
	text := string(diff.Diff("old", f.Old, "new", f.New))
	_, text, _ = strings.Cut(text, "+++ ") // header has the names, which are no secrets
	_, text, _ = strings.Cut(text, "\n")
	if f.Mask != nil {
		text = f.Mask(text)
	}
	if f.Secret || f.OldSecret {
		text = f.maskWords(text)
	}
	return header(old, next) + text
}

// maxBytes is how large the old and the new content together may be for a diff.
const maxBytes = 64 << 20

func lines(content []byte) int { return bytes.Count(content, []byte("\n")) }

func header(old, new string) string {
	return "--- " + printable.Line(old) + "\n+++ " + printable.Line(new) + "\n"
}

func isText(content []byte) bool {
	return utf8.Valid(content) && !bytes.ContainsRune(content, 0)
}

// word is what lies between spaces and punctuation marks that configuration files
// have between their words.
var word = lazyregexp.New("[^\\s\"'`,;:=(){}\\[\\]<>|&]+")

const masked = "***" // as package template has it

// maskWords hides the words of a diff that may come from a secret.
func (f File) maskWords(text string) string {
	known := map[string]bool{masked: true}
	public := [][]byte{[]byte(f.Text)}
	if !f.Secret {
		public = append(public, f.New)
	}
	for _, text := range public {
		for _, w := range word.Get().FindAll(text, -1) {
			known[string(w)] = true
		}
	}
	var b strings.Builder
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "@@ ") || strings.HasPrefix(line, `\ `) { // the place, and that the end of the line is missing
			b.WriteString(line)
			continue
		}
		b.WriteString(line[:1])
		b.WriteString(word.Get().ReplaceAllStringFunc(line[1:], func(w string) string {
			if known[w] {
				return w
			}
			return masked
		}))
	}
	return b.String()
}
