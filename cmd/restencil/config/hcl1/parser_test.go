package hcl1

import (
	"fmt"
	"strings"
	"testing"
)

// TestValues reads values that HCL 1 takes otherwise than hcl/v2 does, or that
// hcl/v2 does not take.
func TestValues(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"an interpolation", `"${a}"`, `${a}`},
		{"quotes and braces in one", `"x ${f("a", {a="b"})} y"`, `x ${f("a", {a="b"})} y`},
		{"a backslash in one", `"${a\b}"`, `${a\b}`},
		{"one that is not closed", `"${a"`, `${a`},
		{"a template of hcl/v2", `"%{if "`, `%{if `},
		{"dollars", `"$${a} $ %"`, `$${a} $ %`},
		{"escapes", `"\x41\101\u00e9\\\"\t"`, "A\x41é\\\"\t"},
		{"a byte", `"\xff"`, "\xff"},
		{"an interpolation in JSON", `{"x": "${a(\"b\")}"}`, `${a("b")}`},
		{"escapes of JSON", `{"x": "\ud83d\ude00\/"}`, "😀/"},
		{"those of Go in JSON", `{"x": "\x41"}`, "A"},
		{"null of JSON", `{"x": null,}`, ""},
		{"an octal number", "0600", "384"},
		{"a hexadecimal number", "0x1F", "31"},
		{"a negative number", "-5", "-5"},
		{"a fraction", ".5", "0.5"},
		{"an exponent", "1e3", "1000"},
		{"a list with commas too many", `[,"a",,"b",]`, "[a b]"},
		{"a comment with a quote", "/* \" */ 1 # \"", "1"},
		{"a lone carriage return", "\r1\r", "1"},
		{"a heredoc", "<<EOF\na ${b\n  \"%{c\nEOF\n", "a ${b\n  \"%{c\n"},
		{"an empty one", "<<EOF\nEOF\n", ""},
		{"one that ends the file", "<<EOF\na\nEOF", "a\n"},
		{"one whose mark is indented", "<<EOF\na\n  EOF\n", "a\n  "},
		{"one that is indented", "<<-EOF\n  a\n    b\n  EOF\n", "a\n  b\n"},
		{"one that is not all indented", "<<-EOF\n    a\n  b\n    EOF\n", "    a\n  b\n"},
		{"one of Windows", "<<EOF\r\na\r\nb\r\nEOF\r\n", "a\nb\n"},
		{"one with its mark in it", "<<EOF\nEOF x\nxEOF\nEOF\n", "EOF x\nxEOF\n"},
	} {
		text := c.text
		if !strings.HasPrefix(text, "{") {
			text = "x = " + text
		}
		fields, problems := Parse(Source{Name: "f", Text: text})
		if problems != nil || len(fields) != 1 || show(fields[0].Value) != c.want {
			t.Errorf("%s: %+v, %v, want %q", c.name, fields, problems, c.want)
		}
	}
}

// TestStructure reads what may stand where.
func TestStructure(t *testing.T) {
	for text, want := range map[string]string{
		`a = 1 b = 2, c { d = 3 }e=4`:       "{a:1 b:2 c:{d:3} e:4}",
		"a\n{\n}\nb =\n\"c\"":               "{a:{} b:c}",
		`a "b" c { d = 1 }`:                 "{a:{b:{c:{d:1}}}}",
		`"a b" = { c.d-e = true }`:          "{a b:{c.d-e:true}}",
		`a = 1 a = 2`:                       "{a:1 a:2}",
		` {"a": [{"b": 1}, {}], "c": {},} `: "{a:{b:1} a:{} c:{}}",
		"":                                  "{}",
	} {
		fields, problems := Parse(Source{Name: "f", Text: text})
		if got := show(Node{Value: fields}); problems != nil || got != want {
			t.Errorf("%s: %s, %v, want %s", text, got, problems, want)
		}
	}
}

func show(n Node) string {
	switch v := n.Value.(type) {
	case []Field:
		var parts []string
		for _, f := range v {
			parts = append(parts, f.Name+":"+show(f.Value))
		}
		return "{" + strings.Join(parts, " ") + "}"
	case []Node:
		var parts []string
		for _, item := range v {
			parts = append(parts, show(item))
		}
		return "[" + strings.Join(parts, " ") + "]"
	}
	return fmt.Sprint(n.Value)
}

// FuzzQuote: what Quote writes is read back.
func FuzzQuote(f *testing.F) {
	for _, s := range []string{"", "${a}", "$${", "%{", "\\\"\n\t", "\xff", "é😀"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		fields, problems := Parse(Source{Name: "f", Text: "x = " + Quote(s)})
		if problems != nil || fields[0].Value.Value != s {
			t.Errorf("%q is written %s: %v, %v", s, Quote(s), fields, problems)
		}
	})
}
