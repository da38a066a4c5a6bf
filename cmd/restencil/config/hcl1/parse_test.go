package hcl1

import "testing"

func TestHeredoc(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"plain", "<<EOF\na ${b}\n  c\nEOF\n", "a ${b}\n  c\n"},
		{"empty", "<<EOF\nEOF\n", ""},
		{"the mark indented", "<<EOF\na\n  EOF\n", "a\n  "},
		{"indented", "<<-EOF\n  a\n    b\n  EOF\n", "a\n  b\n"},
		{"not all of it indented", "<<-EOF\n    a\n  b\n    EOF\n", "    a\n  b\n"},
		{"Windows", "<<EOF\r\na\r\nb\r\nEOF\r\n", "a\nb\n"},
		{"the mark in the text", "<<EOF\nEOF x\nxEOF\nEOF\n", "EOF x\nxEOF\n"},
	} {
		fields, problems := Parse(Source{Name: "f", Text: "x = " + c.text})
		if problems != nil || len(fields) != 1 || fields[0].Value.Value != c.want {
			t.Errorf("%s: %+v, %v, want %q", c.name, fields, problems, c.want)
		}
	}
}
