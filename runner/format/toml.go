package format

import (
	"errors"

	"github.com/BurntSushi/toml"
)

// checkTOML wants TOML 1.0.
func checkTOML(content []byte) error {
	if err := boundTOML(content); err != nil {
		return err
	}
	_, err := toml.Decode(string(content), &ignored{})
	if err == nil {
		return nil
	}
	var syntax toml.ParseError
	if !errors.As(err, &syntax) {
		return wrongAt(0, 0, "not TOML")
	}
	what := inWords(syntax.Message, tomlPhrases, "not TOML")
	return wrongAt(syntax.Position.Line, syntax.Position.Col, what)
}

// tomlPhrases are for the errors that a person meets; most of the parser's
// quote a key or a value.
var tomlPhrases = []phrase{
	{"already been defined", "a key that is defined already"},
	{"already created", "a key that is defined already"},
	{"is not a table", "a key below one that is no table"},
	{"unexpected EOF", "it ends too early"},
	{"expected value", "a value is expected"},
	{"expected key separator", "'=' is expected after a key"},
	{"expected '.' or '='", "'.' or '=' is expected after a key"},
	{"key name appears blank", "a key is expected before '='"},
	{"unexpected '='", "a key is expected before '='"},
	{"unexpected '.'", "a key is expected before '.'"},
	{"keys cannot contain", "a key of more than one line"},
	{"expected a top-level item to end", "the end of the line is expected"},
	{"end of table", "a table's name is not as it should be"},
	{"end table name", "a table's name is not as it should be"},
	{"table separator", "a table's name is not as it should be"},
	{"expected a comma", "',' or the end of the array or table is expected"},
	{"unexpected comma", "',' without a value before it"},
	{"trailing comma", "',' after the last value of an inline table"},
	{"newlines not allowed", "an inline table of more than one line"},
	{"strings cannot contain newlines", "a string that does not end on its line"},
	{"escape", "an escape sequence that is not known"},
	{"hexadecimal digits", "an escape sequence that is not known"},
	{"nvalid integer", "not an integer"},
	{"nvalid float", "not a float"},
	{"out of range", "a number that is out of range"},
	{"date", "not a date and time"},
	{"control characters", "a control character"},
	{"UTF-8", "not UTF-8"},
	{"floats must start", "a float that does not begin with a digit"},
	{"expected a digit", "a digit is expected"},
}

// A tomlScan is a reading of TOML that finds out what parsing it would take, and
// no more. The parser is recursive, and keeps for each key the path to it: a few
// megabytes of long table names and short keys are many gigabytes of paths.
// Where the content is not TOML the scan may go wrong, but the parser will not
// go on there either.
type tomlScan struct {
	content []byte
	at      int

	open   []int // for each bracket that is open: how long the path is in it
	header int   // how long the path of the table is
	start  int   // where the key began, or what else is there
	parts  int   // of that key
	path   int   // of the key whose value is being read
	cost   int   // what the parser would keep, in bytes
}

// boundTOML returns an error where content is not to be given to the parser.
func boundTOML(content []byte) error {
	s := tomlScan{content: content}
	most := 16<<20 + 64*len(content)
	for s.at < len(s.content) {
		at := s.at
		s.step()
		if len(s.open) > maxDepth || s.parts > maxDepth {
			return wrongIn(content, at, "nested too deep")
		}
		if s.cost > most {
			return wrongIn(content, at, "too many keys of too long names")
		}
	}
	return nil
}

// step reads a character, a string or a comment.
func (s *tomlScan) step() {
	c := s.content[s.at]
	s.at++
	switch c {
	case '#':
		for s.at < len(s.content) && s.content[s.at] != '\n' {
			s.at++
		}
	case '"', '\'':
		s.at--
		s.skipString(c)
	case '\n', ',':
		s.item(c)
	case '.':
		s.parts++
	case '=':
		s.key()
	case '[', '{':
		s.open = append(s.open, s.path)
		s.begin()
	case ']', '}':
		s.closed(c)
	}
}

// begin says that a key may follow.
func (s *tomlScan) begin() { s.start, s.parts = s.at, 0 }

// item ends an item. A line ends one only where no bracket is open.
func (s *tomlScan) item(c byte) {
	if len(s.open) == 0 {
		s.path = s.header
	}
	if c == ',' || len(s.open) == 0 {
		s.begin()
	}
}

// key accounts for the key that ends here: its path is kept once for each of its
// parts.
func (s *tomlScan) key() {
	above := s.header
	if n := len(s.open); n > 0 {
		above = s.open[n-1]
	}
	s.path = above + s.at - s.start + 16*(s.parts+1)
	s.cost += s.path * (s.parts + 1)
	s.begin()
}

// closed ends a bracket: that of a table's name, or one of a value.
func (s *tomlScan) closed(c byte) {
	if n := len(s.open); n > 0 {
		s.path, s.open = s.open[n-1], s.open[:n-1]
	}
	if c == ']' && len(s.open) == 0 && s.atHeader() {
		s.header = s.at - s.start + 16*(s.parts+1)
		s.cost += s.header * (s.parts + 1)
	}
}

// atHeader tells whether the bracket that has just been closed began its line.
func (s *tomlScan) atHeader() bool {
	for i := s.start - 1; i >= 0; i-- {
		switch s.content[i] {
		case '[', ' ', '\t', '\r':
		default:
			return s.content[i] == '\n'
		}
	}
	return true
}

// skipString reads a string. One that should have ended on its line has ended.
func (s *tomlScan) skipString(quote byte) {
	run := s.run(quote)
	switch {
	case run == 2: // an empty one
		s.at += 2
		return
	case run >= 6: // an empty one of several lines
		s.at += 6
		return
	}
	long := run >= 3
	s.at += min(run, 3)
	for s.at < len(s.content) {
		c := s.content[s.at]
		switch {
		case c == '\\' && quote == '"':
			s.at++
		case c == '\n' && !long:
			return
		case c == quote && !long:
			s.at++
			return
		case c == quote && s.run(quote) >= 3:
			s.at += min(s.run(quote), 5)
			return
		}
		s.at++
	}
}

// run returns how many of c follow, up to 6.
func (s *tomlScan) run(c byte) int {
	n := 0
	for n < 6 && s.at+n < len(s.content) && s.content[s.at+n] == c {
		n++
	}
	return n
}
