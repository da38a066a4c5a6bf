package format

import (
	"encoding/json"
	"errors"
	"unicode/utf8"
)

// checkJSON wants one value of RFC 8259 in UTF-8. Names may be repeated, as the
// RFC leaves open what that means.
func checkJSON(content []byte) *problem {
	for i := 0; i < len(content); {
		r, size := utf8.DecodeRune(content[i:])
		if r == utf8.RuneError && size == 1 { // which the parser lets pass
			return at(content, i, "not UTF-8", "")
		}
		i += size
	}
	var raw json.RawMessage
	err := json.Unmarshal(content, &raw)
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		return at(content, int(syntax.Offset)-1, "not valid JSON", err.Error())
	}
	return nil
}
