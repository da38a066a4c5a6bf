package hcl1

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// name returns the name that a token stands for.
func (p *parser) name(t token) string {
	if t.kind == hclsyntax.TokenIdent {
		return p.raw(t)
	}
	return p.quoted(t)
}

// literal returns the value of a string, a heredoc or a word.
func (p *parser) literal(t token) any {
	raw := p.raw(t)
	switch {
	case t.kind == hclsyntax.TokenOQuote:
		return p.quoted(t)
	case t.kind == hclsyntax.TokenOHeredoc:
		return heredoc(raw)
	case raw == "true", raw == "false":
		return raw == "true"
	case raw == "null" && p.json:
		return ""
	case !isIdentifier(raw):
		return p.number(t, raw)
	}
	p.problem(t.Range, "expected a value, found "+shorten(raw), fmt.Sprintf("a string stands in double quotes: %q", raw))
	return nil
}

// isIdentifier reports whether a word is a name rather than a number or a
// boolean.
func isIdentifier(word string) bool {
	return strings.IndexByte("0123456789.-", word[0]) < 0 && word != "true" && word != "false"
}

// number returns a whole number, octal with a leading 0 and hexadecimal with
// 0x, or one with a fraction or an exponent.
func (p *parser) number(t token, raw string) any {
	digits := strings.TrimPrefix(raw, "-")
	octal := len(digits) > 1 && digits[0] == '0' && '0' <= digits[1] && digits[1] <= '9'
	i, err := strconv.ParseInt(raw, 0, 64)
	f, notFloat := strconv.ParseFloat(raw, 64)
	_, notDuration := time.ParseDuration(raw)
	switch {
	case octal && p.json:
		p.problem(t.Range, "a number of JSON does not begin with 0", fmt.Sprintf("write an octal file mode as a string: %q", raw))
	case err == nil && !strings.Contains(raw, "_"):
		return i
	case notDuration == nil:
		p.problem(t.Range, raw+" is not a number", fmt.Sprintf("write a duration as a string: %q", raw))
	case octal:
		p.problem(t.Range, raw+" is not a number: a leading 0 makes it octal", "")
	case errors.Is(err, strconv.ErrRange):
		p.problem(t.Range, raw+" is not a number: "+strconv.ErrRange.Error(), "")
	case notFloat == nil && !strings.ContainsAny(raw, "_xXpP"):
		return f
	default:
		p.problem(t.Range, raw+" is not a number", "")
	}
	return nil
}

// quoted returns the value of a string in double quotes. Its escapes are Go's;
// in HCL, ${…} is taken as it is, and JSON has more escapes.
func (p *parser) quoted(t token) string {
	raw := p.raw(t)
	var value string
	if p.json && json.Unmarshal([]byte(raw), &value) == nil {
		return value
	}
	raw = raw[1 : len(raw)-1]
	var b strings.Builder
	for rest := raw; rest != ""; {
		if n := interpolation(rest); n > 0 && !p.json {
			b.WriteString(rest[:n])
			rest = rest[n:]
			continue
		}
		r, multibyte, tail, err := strconv.UnquoteChar(rest, '"')
		if err != nil {
			at := t.Range
			at.Start.Byte += 1 + len(raw) - len(rest)
			at.Start.Column += 1 + utf8.RuneCountInString(raw[:len(raw)-len(rest)])
			at.End.Byte = at.Start.Byte + min(2, len(rest))
			p.problem(at, "unknown escape "+rest[:min(2, len(rest))], `a backslash itself is written \\`)
			return ""
		}
		if multibyte || r < utf8.RuneSelf {
			b.WriteRune(r)
		} else {
			b.WriteByte(byte(r))
		}
		rest = tail
	}
	return b.String()
}

// heredoc returns the value of <<MARK … MARK, whose lines end as on Unix
// whatever the file does. In <<-MARK the indentation of the closing mark is
// taken off every line, if every line has it; in the other it ends the value.
func heredoc(raw string) string {
	raw = strings.ReplaceAll(raw, "\r\n", "\n")
	opening, body, _ := strings.Cut(raw, "\n")
	end := strings.LastIndexByte(body, '\n') + 1
	mark := strings.TrimLeft(opening, "<-")
	indent, _, _ := strings.Cut(body[end:], mark)
	body = body[:end]
	if !strings.HasPrefix(opening, "<<-") {
		return body + indent
	}
	lines := strings.SplitAfter(body, "\n")
	for i, line := range lines[:len(lines)-1] {
		if !strings.HasPrefix(line, indent) {
			return body
		}
		lines[i] = line[len(indent):]
	}
	return strings.Join(lines, "")
}
