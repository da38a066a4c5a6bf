// Package printable makes text of unknown origin safe to show.
package printable

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Text returns text as a log and a terminal can show it: what is not printable, as
// Go's escapes. Tabs and ends of lines stay.
func Text(text string) string { return escape(text, "\t\n") }

// Line returns text as Text does, on one line and without tabs.
func Line(text string) string { return escape(text, "") }

func escape(text, known string) string {
	plain := func(r rune) bool { return unicode.IsPrint(r) || strings.ContainsRune(known, r) }
	if !strings.ContainsFunc(text, func(r rune) bool { return !plain(r) || r == utf8.RuneError }) {
		return text
	}
	var b strings.Builder
	for i, r := range text {
		switch _, size := utf8.DecodeRuneInString(text[i:]); {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, text[i])
		case plain(r):
			b.WriteRune(r)
		default:
			quoted := strconv.QuoteRune(r)
			b.WriteString(quoted[1 : len(quoted)-1])
		}
	}
	return b.String()
}
