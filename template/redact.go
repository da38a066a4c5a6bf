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
	text := mask(e.Err.Error(), redacted, secrets.patterns(true))
	text = quotation.ReplaceAllStringFunc(text, func(quoted string) string {
		if strings.Contains(t.source, quoted[1:len(quoted)-1]) || strings.Contains(quoted, redacted) {
			return quoted
		}
		return quoted[:1] + redacted + quoted[:1]
	})
	e.Err = &reason{text: text} // without its cause, which says it all
}

var quotation = regexp.MustCompile("\"(?:[^\"\\\\]|\\\\.)*\"|`[^`]*`")
