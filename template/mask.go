package template

import (
	"encoding/json"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// How long a value must be to be masked in a text: at all, and in the middle of
// a word, too.
const (
	leastMasked   = 4
	leastAnywhere = 8
)

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
		if exact || revealing(value) {
			add(value, exact)
		}
		for line := range strings.Lines(value) {
			if line = strings.TrimSpace(line); line != value && revealing(line) && !strings.HasPrefix(line, pemEdge) {
				add(line, false)
			}
		}
	}
	return list
}

// pemEdge begins the first and the last line of a PEM block, which give nothing
// away.
const pemEdge = "-----"

// revealing reports whether a text gives something away: it is long enough, and no
// word whose absence would be felt.
func revealing(text string) bool {
	common := []string{"true", "false", "null", "none", "default", "enabled", "disabled", "localhost", "127.0.0.1", "0.0.0.0"}
	return len(text) >= leastMasked && !slices.Contains(common, text)
}

// forms returns the ways to write a text: as it is, quoted as Go does, and as
// JSON with and without escapes for HTML.
func forms(text string) []string {
	quoted := strconv.Quote(text)
	list := []string{text, quoted[1 : len(quoted)-1]}
	for _, escape := range []bool{false, true} {
		var b strings.Builder
		encoder := json.NewEncoder(&b)
		encoder.SetEscapeHTML(escape)
		if encoder.Encode(text) == nil {
			list = append(list, b.String()[1:b.Len()-len("\"\n")])
		}
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
			begin, end := from+i, from+i+len(p.text)
			from = begin + 1
			if p.word && (begin > 0 && wordByte(text[begin-1]) && wordByte(text[begin]) ||
				end < len(text) && wordByte(text[end]) && wordByte(text[end-1])) {
				continue
			}
			if hidden == nil {
				hidden = make([]bool, len(text))
			}
			for at := begin; at < end; at++ {
				hidden[at] = true
			}
		}
	}
	if hidden == nil {
		return text
	}
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

func wordByte(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c >= 0x80
}

// redacted stands for a secret in an error (COMPAT 3.13).
const redacted = "[redacted]"

// redact takes from e what Vault and Nomad answered to the execution: functions
// quote what they were given, and an error goes to logs. What the template
// itself says, its name and its expressions, stays. A quoted text that the
// template does not say may be a part of a secret, or what was made of one.
func (t *Template) redact(e *Error, secrets Secrets) {
	if secrets.None() {
		return
	}
	text := e.Err.Error()
	if before, _, found := strings.Cut(text, overWhat); found {
		text = before + overWhat + redacted
	}
	text = mask(text, redacted, secrets.patterns(false)) // what may have quotes in it
	text = quotation.ReplaceAllStringFunc(text, func(quoted string) string {
		for part := range strings.SplitSeq(quoted[1:len(quoted)-1], redacted) {
			if !strings.Contains(t.options.Text, part) { // it may be another value in disguise
				return quoted[:1] + redacted + quoted[:1]
			}
		}
		return quoted
	})
	text = mask(text, redacted, secrets.patterns(true)) // short ones, too
	e.Err = &reason{text: text}                         // without its cause, which says it all
}

// overWhat is what text/template says before a value that it does not quote.
const overWhat = "range can't iterate over "

var quotation = regexp.MustCompile("\"(?:[^\"\\\\]|\\\\.)*\"|`[^`]*`")
