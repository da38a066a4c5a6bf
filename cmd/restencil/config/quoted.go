package config

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// quoted reads a string in double quotes. In HCL 1 what stands between ${ and
// its closing brace is taken as it is, quotes, backslashes and newlines
// included; the braces stay.
func (s *scanner) quoted() {
	start := s.pos
	s.pos++
	var value strings.Builder
	for {
		switch {
		case s.pos == len(s.text), s.text[s.pos] == '\n':
			s.problem(start, s.pos, "this string is never closed", "end it with a double quote on the same line, or use a heredoc")
			s.add(tokenString, start, value.String())
			return
		case s.text[s.pos] == '"':
			s.pos++
			s.add(tokenString, start, value.String())
			return
		case s.at("${") && !s.json:
			value.WriteString(s.interpolation())
		case s.text[s.pos] == '\\':
			value.WriteString(s.escape())
		default:
			value.WriteString(s.character())
		}
	}
}

// character reads one character of a string.
func (s *scanner) character() string {
	start := s.pos
	r, size := utf8.DecodeRuneInString(s.text[s.pos:])
	s.pos += size
	if r == utf8.RuneError && size == 1 || r == 0 {
		s.problem(start, s.pos, "unexpected character "+describe(r, size)+" in a string", "")
	}
	return s.text[start:s.pos]
}

// interpolation reads ${…} to the brace that closes it.
func (s *scanner) interpolation() string {
	start := s.pos
	depth := 0
	for ; s.pos < len(s.text); s.pos++ {
		switch s.text[s.pos] {
		case '{':
			depth++
		case '}':
			if depth--; depth == 0 {
				s.pos++
				return unixLines(s.text[start:s.pos])
			}
		}
	}
	s.problem(start, start+2, `this "${" is never closed`, `end it with "}"`)
	return ""
}

// escape reads a backslash and what belongs to it: the escapes of Go, which
// are those of HCL 1, and of JSON the slash and the surrogate pairs as well.
func (s *scanner) escape() string {
	start := s.pos
	if s.json {
		if text, ok := s.jsonEscape(); ok {
			return text
		}
	}
	r, multibyte, tail, err := strconv.UnquoteChar(s.text[s.pos:], '"')
	if err != nil {
		s.pos = min(s.pos+2, len(s.text))
		s.problem(start, s.pos, fmt.Sprintf("unknown escape %s", s.text[start:s.pos]), `a backslash itself is written \\`)
		return ""
	}
	s.pos = len(s.text) - len(tail)
	if multibyte || r < utf8.RuneSelf {
		return string(r)
	}
	return string([]byte{byte(r)})
}

// jsonEscape reads the escapes of JSON that Go does not have.
func (s *scanner) jsonEscape() (string, bool) {
	if s.at(`\/`) {
		s.pos += 2
		return "/", true
	}
	if !s.at(`\ud`) && !s.at(`\uD`) || len(s.text)-s.pos < 12 {
		return "", false
	}
	pair := s.text[s.pos : s.pos+12]
	var text string
	high, err1 := strconv.ParseUint(pair[2:6], 16, 16)
	low, err2 := strconv.ParseUint(pair[8:12], 16, 16)
	if err1 != nil || err2 != nil || pair[6:8] != `\u` || low < 0xdc00 || low > 0xdfff || high > 0xdbff {
		return "", false
	}
	text = string(rune(0x10000 + (high-0xd800)<<10 + (low - 0xdc00)))
	s.pos += 12
	return text, true
}

// heredoc reads <<MARK … MARK and <<-MARK … MARK.
func (s *scanner) heredoc() {
	start := s.pos
	s.skipUntil("\n")
	mark := strings.TrimRight(s.text[start+2:s.pos], "\r")
	indented := strings.HasPrefix(mark, "-")
	mark = strings.TrimPrefix(mark, "-")
	if !isMark(mark) {
		s.problem(start, s.pos, "a heredoc begins with << or <<- and a mark of letters and digits, alone at the end of its line", "")
		return
	}
	body := s.pos + 1
	for s.pos < len(s.text) {
		s.pos++
		line := s.pos
		s.skipUntil("\n")
		if s.pos == len(s.text) {
			break // the mark counts only with a newline after it
		}
		text := strings.TrimRight(s.text[line:s.pos], "\r")
		if strings.TrimLeft(text, " \t\v\f\r") == mark {
			s.add(tokenHeredoc, start, heredocValue(s.text[body:line], text[:len(text)-len(mark)], indented))
			return
		}
	}
	s.problem(start, body-1, "this heredoc is never closed", fmt.Sprintf("end it with a line that is just %s", mark))
}

// isMark reports whether a text can mark the end of a heredoc.
func isMark(mark string) bool {
	for _, r := range mark {
		if !isLetter(r) && !isDecimal(r) {
			return false
		}
	}
	return mark != ""
}

// heredocValue takes the indentation of the closing mark off every line of an
// indented heredoc, if every line has it. In a plain heredoc that indentation
// ends the value.
func heredocValue(body, indent string, indented bool) string {
	body = unixLines(body)
	if !indented {
		return body + indent
	}
	lines := strings.SplitAfter(body, "\n")
	lines = lines[:len(lines)-1]
	for i, line := range lines {
		if !strings.HasPrefix(line, indent) {
			return body
		}
		lines[i] = line[len(indent):]
	}
	return strings.Join(lines, "")
}

// unixLines ends every line as Unix does, whatever the file does.
func unixLines(text string) string { return strings.ReplaceAll(text, "\r\n", "\n") }
