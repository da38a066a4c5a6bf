package printable

import "testing"

func TestText(t *testing.T) {
	for _, tt := range []struct{ text, want, line string }{
		{"a é\t\n世", "a é\t\n世", `a é\t\n世`},
		{"\x1b[31mred\x1b]0;title\a", `\x1b[31mred\x1b]0;title\a`, `\x1b[31mred\x1b]0;title\a`},
		{"\u009b31m\u202e\r", `\u009b31m\u202e\r`, `\u009b31m\u202e\r`},
		{"\xff\uFFFD\x00", `\xff` + "\uFFFD" + `\x00`, `\xff` + "\uFFFD" + `\x00`},
	} {
		if got := Text(tt.text); got != tt.want {
			t.Errorf("Text(%q) = %q, want %q", tt.text, got, tt.want)
		}
		if got := Line(tt.text); got != tt.line {
			t.Errorf("Line(%q) = %q, want %q", tt.text, got, tt.line)
		}
	}
}
