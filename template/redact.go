package template

import (
	"regexp"
	"strings"
)

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
		if t.saysAll(quoted[1 : len(quoted)-1]) {
			return quoted
		}
		return quoted[:1] + redacted + quoted[:1]
	})
	text = mask(text, redacted, secrets.patterns(true)) // short ones, too
	e.Err = &reason{text: text}                         // without its cause, which says it all
}

// saysAll tells whether the template says all of a text that is not redacted
// yet. What is left beside a value may be another in disguise.
func (t *Template) saysAll(text string) bool {
	for part := range strings.SplitSeq(text, redacted) {
		if !strings.Contains(t.options.Text, part) {
			return false
		}
	}
	return true
}

// overWhat is what text/template says before a value that it does not quote.
const overWhat = "range can't iterate over "

var quotation = regexp.MustCompile("\"(?:[^\"\\\\]|\\\\.)*\"|`[^`]*`")
