package format

import (
	"errors"
	"regexp"

	"github.com/BurntSushi/toml"
)

// checkTOML wants TOML 1.0.
func checkTOML(content []byte) *problem {
	if p := boundTOML(content); p != nil {
		return p
	}
	_, err := toml.Decode(string(content), &ignored{})
	var syntax toml.ParseError
	if errors.As(err, &syntax) {
		return &problem{syntax.Position.Line, syntax.Position.Col, "not valid TOML", syntax.Message}
	}
	if err != nil {
		return &problem{what: "not valid TOML", says: err.Error()}
	}
	return nil
}

// tomlToken is a string, a comment or a separator.
var tomlToken = regexp.MustCompile(`(?s)"""(?:\\.|[^\\])*?"""|'''.*?'''|"(?:\\.|[^"\\\n])*"|'[^'\n]*'|#[^\n]*|[][{}=,.\n]`)

// boundTOML returns a problem where content is not to be given to the parser,
// which is recursive, and keeps for each key the path to it as often as that has
// parts: a few megabytes of long table names and short keys are many gigabytes
// of paths. The content need not be TOML.
func boundTOML(content []byte) *problem {
	var (
		open   []int // for each bracket that is open, how long the path is there
		header int   // how long the path of the table is
		path   int   // and that of the key whose value is being read
		start  int   // where that key began, or the value
		dots   int   // since then
		keyed  bool  // there was a key since the last line of no bracket
		cost   int   // what the parser would keep, in bytes
	)
	begin := func(at int) { start, dots = at, 0 }
	enter := func(above, end int) int {
		length := above + end - start + 16*(dots+1)
		cost += length * (dots + 1)
		return length
	}
	for _, token := range tomlToken.FindAllIndex(content, -1) {
		n := len(open)
		switch content[token[0]] {
		case '[', '{':
			open = append(open, path)
			begin(token[1])
		case ']', '}':
			if n == 1 && !keyed {
				header = enter(0, token[0])
			}
			if n > 0 {
				path, open = open[n-1], open[:n-1]
			}
		case '=':
			above := header
			if n > 0 {
				above = open[n-1]
			}
			path, keyed = enter(above, token[0]), true
			begin(token[1])
		case '.':
			dots++
		case ',':
			begin(token[1])
		case '\n':
			if n == 0 {
				path, keyed = header, false
				begin(token[1])
			}
		}
		if len(open) > maxDepth {
			return at(content, token[0], "nested too deep", "")
		}
		if cost > 16<<20+64*len(content) {
			return at(content, token[0], "too many keys of too long names", "")
		}
	}
	return nil
}
