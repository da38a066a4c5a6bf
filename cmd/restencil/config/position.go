package config

import (
	"fmt"
	"sort"
	"unicode/utf8"
)

// A Position is a place in a configuration file. The zero Position is none.
type Position struct {
	File   string // the path as it was given, or CT_LOCAL_CONFIG
	Line   int    // from 1
	Column int    // from 1, in characters
}

// String returns file:line:column.
func (p Position) String() string {
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column)
}

// An Origin says where a setting was given its value. The zero Origin is the
// default.
type Origin struct {
	Position        // in a file, or none
	Flag     string // the flag with its dash, or ""
	Env      string // the environment variable, or ""
}

// String returns the flag, the variable or the place, "default" for none.
func (o Origin) String() string {
	switch {
	case o.Flag != "":
		return o.Flag
	case o.Env != "":
		return o.Env
	case o.Line > 0:
		return o.Position.String()
	}
	return "default"
}

// IsZero reports whether the setting was left at its default.
func (o Origin) IsZero() bool { return o == Origin{} }

// fromCommandLine reports whether the value came from a flag or from
// CT_LOCAL_CONFIG, which COMPAT 2.3 counts with them.
func (o Origin) fromCommandLine() bool { return o.Flag != "" || o.File == localConfig }

// A source is the text of one file.
type source struct {
	name  string
	text  string
	lines []int // where each line begins
	ascii bool  // bytes are characters
}

func newSource(name, text string) *source {
	s := &source{name: name, text: text, lines: []int{0}, ascii: true}
	for i := range len(text) {
		if text[i] == '\n' {
			s.lines = append(s.lines, i+1)
		}
		s.ascii = s.ascii && text[i] < utf8.RuneSelf
	}
	return s
}

// position turns a byte offset into a place that a person can find.
func (s *source) position(offset int) Position {
	offset = min(offset, len(s.text))
	line := sort.SearchInts(s.lines, offset+1)
	column := offset - s.lines[line-1]
	if !s.ascii { // counting is slow in a long file without lines
		column = utf8.RuneCountInString(s.text[s.lines[line-1]:offset])
	}
	return Position{File: s.name, Line: line, Column: column + 1}
}

// line returns the text of a line without its end.
func (s *source) line(n int) string {
	start, end := s.lines[n-1], len(s.text)
	if n < len(s.lines) {
		end = s.lines[n] - 1
	}
	if end > start && s.text[end-1] == '\r' {
		end--
	}
	return s.text[start:end]
}
