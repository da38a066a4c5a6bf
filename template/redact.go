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
	text = quotation.ReplaceAllStringFunc(text, func(quoted string) string {
		if strings.Contains(t.source, quoted[1:len(quoted)-1]) {
			return quoted
		}
		return quoted[:1] + redacted + quoted[:1]
	})
	text = mask(text, redacted, secrets.patterns(true))
	e.Err = &reason{text: text} // without its cause, which says it all
}

// overWhat is what text/template says before a value that it does not quote.
const overWhat = "range can't iterate over "

var quotation = regexp.MustCompile("\"(?:[^\"\\\\]|\\\\.)*\"|`[^`]*`")
