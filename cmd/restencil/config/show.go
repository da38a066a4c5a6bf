package config

import (
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// shortDuration writes 1m for 1m0s.
func shortDuration(d time.Duration) string {
	s := d.String()
	for _, zero := range []string{"0s", "0m"} {
		if cut, ok := strings.CutSuffix(s, zero); ok && strings.HasSuffix(cut, "m") || ok && strings.HasSuffix(cut, "h") {
			s = cut
		}
	}
	return s
}

func showList(list []string) string {
	quoted := make([]string, len(list))
	for i, s := range list {
		quoted[i] = quote(s)
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}

// quote writes a string as HCL 1 reads it: what follows "${" is left alone
// there, so the dollar is written as its code.
func quote(s string) string {
	if !utf8.ValidString(s) {
		return strings.ReplaceAll(strconv.QuoteToASCII(s), "${", `\x24{`)
	}
	return strings.ReplaceAll(strconv.Quote(s), "${", `\x24{`)
}
