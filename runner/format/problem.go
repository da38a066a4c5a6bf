package format

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
)

// maxDepth is how deep content may be nested where the parser is recursive and
// has no bound: a stack that overflows cannot be recovered from.
const maxDepth = 1000

// A problem is what is wrong with content, and where; nil: nothing.
type problem struct {
	line, column int    // from 1; 0: not known
	what         string // in words that quote nothing
	says         string // what the parser says, which may quote the content
}

// at returns what is wrong at an offset in content. Columns are counted in bytes.
func at(content []byte, offset int, what, says string) *problem {
	before := content[:min(max(offset, 0), len(content))]
	line := bytes.Count(before, []byte("\n")) + 1
	return &problem{line, len(before) - bytes.LastIndexByte(before, '\n'), what, says}
}

// in returns p as an error about file.
func (p *problem) in(file File) error {
	if p == nil {
		return nil
	}
	text := file.Name + ": "
	switch {
	case p.line > 0 && p.column > 0:
		text += fmt.Sprintf("line %d, column %d: ", p.line, p.column)
	case p.line > 0:
		text += fmt.Sprintf("line %d: ", p.line)
	}
	text += p.what
	if p.says != "" && !file.Secret {
		text += ": " + fmt.Sprintf("%.300s", strings.Join(strings.Fields(p.says), " ")) // one line
	}
	return errors.New(text)
}
