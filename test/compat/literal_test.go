package compat

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// fresh makes up a literal of kind k that stands in no table, or returns "".
func (g *generator) fresh(k kind) string {
	switch k {
	case "str":
		return strconv.Quote(g.text(12))
	case "sep":
		return strconv.Quote(g.text(2))
	case "digits":
		return strconv.Quote(strconv.FormatInt(g.integer(), 10))
	case "decimal":
		return strconv.Quote(g.fraction())
	case "int":
		return strconv.FormatInt(g.integer(), 10)
	case "float":
		return g.fraction()
	case "json", "yaml":
		return strconv.Quote(g.document(3))
	case "list":
		return fmt.Sprintf("(parseJSON %q)", g.array(2))
	case "dict":
		return fmt.Sprintf("(parseJSON %q)", g.object(2))
	case "ymap":
		return fmt.Sprintf("(parseYAML %q)", g.object(2))
	case "strs":
		return fmt.Sprintf("(split %q %q)", g.text(1), g.text(12))
	case "smap":
		return fmt.Sprintf("(splitToMap %q %q %q)", g.text(1), g.text(1), g.text(16))
	}
	return ""
}

// alphabet is what made-up texts consist of: what quoting, encodings, cases,
// words and numbers are particular about.
var alphabet = strings.Split("a b c A Z 0 1 9 - _ . , : ; = / \\ ' \" ` < > & # % $ { } [ ] ( ) * + ? ! | ~ @ ^ ä ß Ö ñ ı İ ǆ 世 🎉 é \u0301 \u00a0 \u2028 \ufeff \xff yes null true 0x 1e ~ - : \x01", " ")

func (g *generator) text(most int) string {
	var b strings.Builder
	for range g.IntN(most + 1) {
		switch g.IntN(8) {
		case 0:
			b.WriteString(" ")
		case 1:
			b.WriteString([]string{"\n", "\t", "\r\n", "  "}[g.IntN(4)])
		default:
			b.WriteString(alphabet[g.IntN(len(alphabet))])
		}
	}
	return b.String()
}

func (g *generator) integer() int64 {
	n := int64(g.Uint64() >> g.IntN(64))
	if g.IntN(4) == 0 {
		return -n
	}
	return n
}

func (g *generator) fraction() string {
	f := float64(g.integer()) / float64(int64(1)<<g.IntN(40))
	return strconv.FormatFloat(f, "gfe"[g.IntN(3)], -1, 64)
}

// document makes up a JSON document, which is a YAML document too, mostly.
func (g *generator) document(depth int) string {
	if depth > 0 && g.IntN(3) > 0 {
		return [...]func(int) string{g.object, g.array}[g.IntN(2)](depth)
	}
	switch g.IntN(6) {
	case 0:
		return strconv.FormatInt(g.integer(), 10)
	case 1:
		return g.fraction()
	case 2:
		return []string{"true", "false", "null"}[g.IntN(3)]
	default:
		return quoted(g.text(8))
	}
}

func (g *generator) array(depth int) string {
	elements := make([]string, g.IntN(4))
	for i := range elements {
		elements[i] = g.document(depth - 1)
	}
	return "[" + strings.Join(elements, ", ") + "]"
}

func (g *generator) object(depth int) string {
	fields := make([]string, g.IntN(4))
	for i := range fields {
		fields[i] = quoted(g.text(4)) + ": " + g.document(depth-1)
	}
	return "{" + strings.Join(fields, ", ") + "}"
}

func quoted(s string) string {
	text, err := json.Marshal(s)
	if err != nil {
		panic(err) // a string always has a JSON form
	}
	return string(text)
}
