package format

import (
	"encoding/json"
	"errors"
	"strings"
	"unicode/utf8"
)

// checkJSON wants one value of RFC 8259 in UTF-8. Names may be repeated, as the
// RFC leaves open what that means.
func checkJSON(content []byte) error {
	if i := invalidUTF8(content); i >= 0 {
		return wrongIn(content, i, "not UTF-8")
	}
	var raw json.RawMessage
	err := json.Unmarshal(content, &raw)
	if err == nil {
		return nil
	}
	var syntax *json.SyntaxError
	if !errors.As(err, &syntax) {
		return wrongAt(0, 0, "not JSON")
	}
	switch {
	case strings.HasPrefix(err.Error(), "unexpected end"):
		return wrongIn(content, len(content), "it ends too early")
	case strings.HasSuffix(err.Error(), "exceeded max depth"):
		return wrongIn(content, int(syntax.Offset)-1, "nested too deep")
	}
	return wrongIn(content, int(syntax.Offset)-1, withoutCharacter(err.Error()))
}

// withoutCharacter takes the character out of "invalid character 'x' after top-level value".
func withoutCharacter(message string) string {
	const start = "invalid character '"
	quoted, found := strings.CutPrefix(message, start)
	if !found || quoted == "" {
		return "not JSON"
	}
	_, rest, found := strings.Cut(quoted[1:], "' ") // the first may be a quote itself
	if !found {
		return "not JSON"
	}
	return "invalid character " + rest
}

// invalidUTF8 returns where content is not UTF-8, -1 where it is throughout.
func invalidUTF8(content []byte) int {
	if utf8.Valid(content) {
		return -1
	}
	for i := 0; i < len(content); {
		r, size := utf8.DecodeRune(content[i:])
		if r == utf8.RuneError && size == 1 {
			return i
		}
		i += size
	}
	return -1
}
