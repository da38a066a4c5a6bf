package test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// A block is a part of a Markdown page.
type block struct {
	kind blockKind
	line int    // from 1
	text string // a heading, a line of prose, what is in a code block
	lang string // of a code block
	file string // of a code block: the name in the last line before it, as in "`data.yaml`:"
	row  []string
}

type blockKind int

const (
	prose   blockKind = iota // a line that is not empty
	heading                  // its text, whatever the level
	code
	row // of a table, in cells
)

var (
	fenceStart = regexp.MustCompile("^\\s*```(\\w*)$")
	fileName   = regexp.MustCompile("`([^`]+)`:$")
)

// blocks parts a page.
func blocks(text string) []block {
	var all []block
	open := false
	for i, line := range strings.Split(text, "\n") {
		fence := fenceStart.FindStringSubmatch(line)
		switch {
		case fence != nil && !open:
			all = append(all, block{kind: code, lang: fence[1], file: announced(all)})
		case open && fence == nil:
			all[len(all)-1].text += line + "\n"
			continue
		case strings.HasPrefix(line, "#"):
			all = append(all, block{kind: heading, text: strings.TrimLeft(line, "# ")})
		case strings.HasPrefix(line, "|"):
			all = append(all, block{kind: row, row: cells(line)})
		case line != "" && fence == nil:
			all = append(all, block{kind: prose, text: line})
		}
		open = open != (fence != nil)
		if len(all) > 0 && all[len(all)-1].line == 0 {
			all[len(all)-1].line = i + 1
		}
	}
	return all
}

// announced returns the file whose name ends the blocks so far, if any.
func announced(all []block) string {
	if len(all) == 0 || all[len(all)-1].kind != prose {
		return ""
	}
	if m := fileName.FindStringSubmatch(all[len(all)-1].text); m != nil {
		return m[1]
	}
	return ""
}

var cellEnd = regexp.MustCompile(`([^\\])\|`)

// cells parts a row of a table.
func cells(line string) []string {
	line = cellEnd.ReplaceAllString(strings.TrimPrefix(line, "|"), "$1\x00")
	all := strings.Split(strings.TrimSuffix(line, "\x00"), "\x00")
	for i, c := range all {
		all[i] = strings.ReplaceAll(strings.TrimSpace(c), `\|`, "|")
	}
	return all
}

var (
	link      = regexp.MustCompile(`\]\(([^()\s]+)\)`)
	notAnchor = regexp.MustCompile(`[^\pL\pN_ -]`)
)

// TestLinks follows the links of the documentation that lead to its own pages
// and folders.
func TestLinks(t *testing.T) {
	for _, page := range markdownPages(t) {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range link.FindAllStringSubmatch(string(text), -1) {
			path, anchor, _ := strings.Cut(m[1], "#")
			if strings.Contains(path, "://") {
				continue
			}
			target := page
			if path != "" {
				target = filepath.Join(filepath.Dir(page), path)
			}
			if _, err := os.Stat(target); err != nil || anchor != "" && !anchors(t, target)[anchor] {
				t.Errorf("%s: the link to %s leads nowhere", page, m[1])
			}
		}
	}
}

func markdownPages(t *testing.T) []string {
	t.Helper()
	var pages []string
	for _, pattern := range []string{"../*.md", "../[a-z]*/*.md", "../[a-z]*/*/*.md", "../[a-z]*/*/*/*.md"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		pages = append(pages, found...)
	}
	return pages
}

// anchors returns what links to a page's headings end in, as GitHub makes it.
func anchors(t *testing.T, page string) map[string]bool {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	found := make(map[string]bool)
	for _, b := range blocks(string(text)) {
		if b.kind == heading {
			name := notAnchor.ReplaceAllString(strings.ToLower(b.text), "")
			found[strings.ReplaceAll(name, " ", "-")] = true
		}
	}
	return found
}
