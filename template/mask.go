package template

import (
	"encoding/json"
	"strconv"
	"strings"
)

// How long a value must be to be masked in a text: at all, and in the middle of
// a word, too.
const (
	leastMasked   = 4
	leastAnywhere = 8
)

// common tells whether a value says nothing, and its absence would be felt.
func common(value string) bool {
	switch value {
	case "true", "false", "null", "none", "default", "enabled", "disabled", "localhost", "127.0.0.1", "0.0.0.0":
		return true
	}
	return false
}

// A pattern is a text to be masked.
type pattern struct {
	text string
	word bool // only where it is no part of a longer word
}

// patterns returns the patterns of all values and of their lines. With exact
// the whole values count wherever they occur, however short they are.
func (v values) patterns(exact bool) []pattern {
	seen := make(map[pattern]bool)
	var list []pattern
	add := func(text string, exact bool) {
		for _, form := range forms(text) {
			p := pattern{form, !exact && len(text) < leastAnywhere}
			if !seen[p] {
				seen[p] = true
				list = append(list, p)
			}
		}
	}
	for value := range v {
		if exact || tellTale(value) {
			add(value, exact)
		}
		for line := range strings.Lines(value) {
			if line = strings.TrimSpace(line); line != value && tellTale(line) && !strings.HasPrefix(line, pemEdge) {
				add(line, false)
			}
		}
	}
	return list
}

// pemEdge begins the first and the last line of a PEM block, which give nothing
// away.
const pemEdge = "-----"

// tellTale tells whether a text gives something away.
func tellTale(text string) bool { return len(text) >= leastMasked && !common(text) }

// forms returns the ways to write a text: as it is, quoted as Go does, and as
// JSON with and without escapes for HTML.
func forms(text string) []string {
	list := []string{text}
	quoted := strconv.Quote(text)
	list = append(list, quoted[1:len(quoted)-1])
	var b strings.Builder
	plain := json.NewEncoder(&b)
	plain.SetEscapeHTML(false)
	if plain.Encode(text) == nil {
		list = append(list, b.String()[1:b.Len()-len("\"\n")])
	}
	if escaped, err := json.Marshal(text); err == nil {
		list = append(list, string(escaped[1:len(escaped)-1]))
	}
	return list
}

// mask returns text with by in the place of what the patterns fit. What overlaps
// or touches is one place.
func mask(text, by string, patterns []pattern) string {
	var hidden []bool // by byte; nil: none
	for _, p := range patterns {
		for from := 0; ; {
			i := strings.Index(text[from:], p.text)
			if i < 0 {
				break
			}
			i += from
			from = i + 1
			if p.word && inWord(text, i, i+len(p.text)) {
				continue
			}
			if hidden == nil {
				hidden = make([]bool, len(text))
			}
			for at := i; at < i+len(p.text); at++ {
				hidden[at] = true
			}
		}
	}
	if hidden == nil {
		return text
	}
	return without(text, by, hidden)
}

// without returns text with by for each run of hidden bytes.
func without(text, by string, hidden []bool) string {
	var b strings.Builder
	for i := range len(text) {
		switch {
		case !hidden[i]:
			b.WriteByte(text[i])
		case i == 0 || !hidden[i-1]:
			b.WriteString(by)
		}
	}
	return b.String()
}

// inWord tells whether text[from:to] is a part of a longer word.
func inWord(text string, from, to int) bool {
	return from > 0 && wordByte(text[from-1]) && wordByte(text[from]) ||
		to < len(text) && wordByte(text[to]) && wordByte(text[to-1])
}

func wordByte(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c >= 0x80
}
