package format

import (
	"bytes"
	"fmt"
	"strings"
)

// maxDepth is how deep content may be nested where the parser is recursive and
// knows no bound: a stack that overflows cannot be recovered from.
const maxDepth = 1000

// wrongAt says what is wrong at a line and a column, both from 1. A line or a
// column of zero is not known.
func wrongAt(line, column int, what string) error {
	switch {
	case line <= 0:
		return fmt.Errorf("%s", what)
	case column <= 0:
		return fmt.Errorf("line %d: %s", line, what)
	}
	return fmt.Errorf("line %d, column %d: %s", line, column, what)
}

// wrongIn is wrongAt for an offset in content. Columns are counted in bytes.
func wrongIn(content []byte, offset int, what string) error {
	before := content[:min(max(offset, 0), len(content))]
	line := bytes.Count(before, []byte("\n")) + 1
	return wrongAt(line, len(before)-bytes.LastIndexByte(before, '\n'), what)
}

// A phrase puts what a parser says in words that quote nothing.
type phrase struct{ says, words string }

// inWords returns the words of the first phrase that message holds, otherwise
// the last resort: a message that is not known might quote the content.
func inWords(message string, phrases []phrase, otherwise string) string {
	for _, p := range phrases {
		if strings.Contains(message, p.says) {
			return p.words
		}
	}
	return otherwise
}
