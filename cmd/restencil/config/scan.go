package config

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// A token is a word of a configuration file, read by the rules of HCL 1 (or
// JSON), which is what the files were written for.
type token struct {
	kind       tokenKind
	start, end int // bytes of the source; a heredoc ends before its last newline
	value      any // of a literal: string, int64, float64 or bool; of an identifier: its text
}

type tokenKind int

const (
	tokenPunctuation tokenKind = iota // one of = : { } [ ] ,
	tokenIdentifier
	tokenString
	tokenHeredoc
	tokenNumber
	tokenBool
	tokenNull // in JSON alone
)

// A scanner cuts a source into tokens and notes what cannot be one.
type scanner struct {
	*source
	json     bool
	pos      int
	tokens   []token
	problems Diagnostics
	told     int // the end of the line of the last problem
}

// scan returns the tokens of a source without its comments, and what is wrong
// with its words.
func scan(src *source, json bool) ([]token, Diagnostics) {
	s := &scanner{source: src, json: json}
	for s.skipBlank(); s.pos < len(s.text); s.skipBlank() {
		s.next()
	}
	return s.tokens, s.problems
}

// problem notes what is wrong, once a line: the rest of a line often follows
// from it.
func (s *scanner) problem(start, end int, message, hint string) {
	if start < s.told {
		return
	}
	s.problems = append(s.problems, s.diagnose(start, end, message, hint))
	s.told = len(s.text)
	if n := strings.IndexByte(s.text[start:], '\n'); n >= 0 {
		s.told = start + n
	}
}

func (s *scanner) add(kind tokenKind, start int, value any) {
	s.tokens = append(s.tokens, token{kind: kind, start: start, end: s.pos, value: value})
}

// at reports whether the rest begins with a prefix.
func (s *scanner) at(prefix string) bool {
	return strings.HasPrefix(s.text[s.pos:], prefix)
}

// skipBlank passes over white space and comments.
func (s *scanner) skipBlank() {
	for s.pos < len(s.text) {
		switch {
		case strings.IndexByte(" \t\r\n", s.text[s.pos]) >= 0:
			s.pos++
		case s.json:
			return
		case s.at("#"), s.at("//"):
			s.skipUntil("\n")
		case s.at("/*"):
			s.skipComment()
		default:
			return
		}
	}
}

// skipUntil goes to the next occurrence of a text, or to the end.
func (s *scanner) skipUntil(text string) (found bool) {
	n := strings.Index(s.text[s.pos:], text)
	if n < 0 {
		s.pos = len(s.text)
		return false
	}
	s.pos += n
	return true
}

func (s *scanner) skipComment() {
	start := s.pos
	s.pos += len("/*")
	if !s.skipUntil("*/") {
		s.problem(start, start+2, "this comment is never closed", "end it with */")
		return
	}
	s.pos += len("*/")
}

// next reads one token.
func (s *scanner) next() {
	start := s.pos
	r, size := utf8.DecodeRuneInString(s.text[s.pos:])
	switch {
	case isLetter(r):
		s.identifier()
	case r == '"':
		s.quoted()
	case isDecimal(r), (r == '-' || r == '.' && !s.json) && s.digitAt(s.pos+1):
		s.number()
	case s.at("<<") && !s.json:
		s.heredoc()
	case strings.ContainsRune("{}[],", r), r == '=' && !s.json, r == ':' && s.json:
		s.pos += size
		s.add(tokenPunctuation, start, nil)
	default:
		s.pos += size
		s.problem(start, s.pos, "unexpected character "+describe(r, size), s.strangerHint(r))
	}
}

// describe names a character so that an invisible one can be told too.
func describe(r rune, size int) string {
	switch {
	case r == utf8.RuneError && size == 1:
		return "that is not valid UTF-8"
	case unicode.IsPrint(r) && r < utf8.RuneSelf:
		return fmt.Sprintf("%q", r)
	}
	return fmt.Sprintf("%U", r)
}

func (s *scanner) strangerHint(r rune) string {
	switch {
	case r == '\'':
		return `strings stand in double quotes`
	case r == ':':
		return `a key and its value are joined by "="`
	case r == '=':
		return `this file begins with "{" and so is read as JSON, where ":" joins a key and its value`
	case s.json && (r == '#' || r == '/'):
		return `this file begins with "{" and so is read as JSON, which has no comments`
	}
	return ""
}

func (s *scanner) identifier() {
	start := s.pos
	for s.pos < len(s.text) {
		r, size := utf8.DecodeRuneInString(s.text[s.pos:])
		if !isLetter(r) && !unicode.IsDigit(r) && r != '-' && r != '.' {
			break
		}
		s.pos += size
	}
	switch word := s.text[start:s.pos]; {
	case word == "true", word == "false":
		s.add(tokenBool, start, word == "true")
	case word == "null" && s.json:
		s.add(tokenNull, start, "")
	case s.json:
		s.problem(start, s.pos, "unexpected word "+word, fmt.Sprintf("keys and strings of JSON stand in double quotes: %q", word))
	default:
		s.add(tokenIdentifier, start, word)
	}
}

// number reads an integer (octal with a leading 0, hexadecimal with 0x), or a
// decimal fraction.
func (s *scanner) number() {
	start := s.pos
	if s.text[s.pos] == '-' {
		s.pos++
	}
	if s.at("0x") || s.at("0X") {
		s.pos += len("0x")
		s.skipDigits(isHexadecimal)
	} else {
		s.skipFraction()
	}
	if r, _ := utf8.DecodeRuneInString(s.text[s.pos:]); s.pos < len(s.text) && isLetter(r) {
		s.unitWithoutQuotes(start)
		return
	}
	word := s.text[start:s.pos]
	value, err := numberValue(word)
	switch {
	case err != nil:
		s.problem(start, s.pos, fmt.Sprintf("%s is not a number: %s", word, err), "")
	case s.json && len(word) > 1 && word[0] == '0' && word[1] != '.':
		s.problem(start, s.pos, "numbers of JSON do not begin with 0", fmt.Sprintf("write an octal file mode as a string: %q", word))
	}
	s.add(tokenNumber, start, value)
}

// skipFraction passes over digits with an optional fraction and exponent.
func (s *scanner) skipFraction() {
	s.skipDigits(isDecimal)
	if s.at(".") {
		s.pos++
		s.skipDigits(isDecimal)
	}
	if (s.at("e") || s.at("E")) && (s.digitAt(s.pos+1) || s.digitAt(s.pos+2)) {
		s.pos += 2
		s.skipDigits(isDecimal)
	}
}

func (s *scanner) skipDigits(digit func(rune) bool) {
	for s.pos < len(s.text) && digit(rune(s.text[s.pos])) {
		s.pos++
	}
}

// unitWithoutQuotes is for 30s, which people write for "30s".
func (s *scanner) unitWithoutQuotes(start int) {
	for s.pos < len(s.text) && strings.IndexByte(" \t\r\n,]}\"", s.text[s.pos]) < 0 {
		s.pos++
	}
	word, hint := s.text[start:s.pos], ""
	if _, err := time.ParseDuration(word); err == nil {
		hint = fmt.Sprintf("write a duration as a string: %q", word)
	}
	s.problem(start, s.pos, word+" is not a number", hint)
	s.add(tokenString, start, word)
}

func (s *scanner) digitAt(i int) bool {
	return i < len(s.text) && isDecimal(rune(s.text[i]))
}

// numberValue reads an integer as Go does with its base in a prefix, where a
// leading 0 is octal.
func numberValue(text string) (any, error) {
	if i, err := strconv.ParseInt(text, 0, 64); err == nil {
		return i, nil
	}
	if !strings.ContainsAny(text, ".eE") || strings.ContainsAny(text, "xX") {
		_, err := strconv.ParseInt(text, 0, 64)
		if strings.ContainsAny(text, "89") && strings.HasPrefix(strings.TrimPrefix(text, "-"), "0") {
			return nil, fmt.Errorf("a leading 0 makes it octal")
		}
		return nil, reason(err)
	}
	f, err := strconv.ParseFloat(text, 64)
	return f, reason(err)
}

func isLetter(r rune) bool {
	return r == '_' || r < utf8.RuneSelf && unicode.IsLetter(r) ||
		r >= utf8.RuneSelf && r != utf8.RuneError && unicode.IsLetter(r)
}

func isDecimal(r rune) bool { return '0' <= r && r <= '9' }

func isHexadecimal(r rune) bool {
	return isDecimal(r) || 'a' <= r && r <= 'f' || 'A' <= r && r <= 'F'
}
