package config

import (
	"slices"
	"strings"
	"testing"
	"time"
)

func TestSplitTemplate(t *testing.T) {
	for _, c := range []struct{ arg, unix, windows string }{
		{"in", "in", "in"},
		{"in:out", "in|out", "in|out"},
		{"in:out:cmd", "in|out|cmd", "in|out|cmd"},
		{"in:out:curl http://x:80/ :: y", "in|out|curl http://x:80/ : y", "in|out|curl http://x:80/ : y"},
		{"::in::out::", "in|out", "in|out"},
		{"a:out.txt", "a|out.txt", "a:out.txt"},
		{`C:\in:D:\out:cmd`, `C|\in|D:\out:cmd`, `C:\in|D:\out|cmd`},
		{"in:a:b:c", "in|a|b:c", "in|a:b|c"},
		{" in : out ", " in | out ", " in | out "},
		{"", "", ""}, {" \t", "", ""}, {":", "", ""}, {":::", "", ""},
	} {
		for windows, want := range map[bool]string{false: c.unix, true: c.windows} {
			words, err := splitTemplate(c.arg, windows)
			if got := strings.Join(words, "|"); got != want && err == nil {
				t.Errorf("splitTemplate(%q, %v) = %q, want %q", c.arg, windows, got, want)
			}
			if (err != nil) != (want == "") {
				t.Errorf("splitTemplate(%q, %v): error %v", c.arg, windows, err)
			}
		}
	}
}

func TestParseWait(t *testing.T) {
	for _, c := range []struct {
		text      string
		low, high time.Duration
		err       string
	}{
		{"5s", 5 * time.Second, 20 * time.Second, ""},
		{" 1s : 2s ", time.Second, 2 * time.Second, ""},
		{"0", 0, 0, ""},
		{"", 0, 0, "wait: cannot be empty"},
		{"  ", 0, 0, "wait: cannot be empty"},
		{"5", 0, 0, `time: missing unit in duration "5"`},
		{"1s:", 0, 0, `time: invalid duration ""`},
		{"-5s", 0, 0, "wait: cannot be negative"},
		{"2s:1s", 0, 0, "wait: min must be less than max"},
		{"1s:2s:3s", 0, 0, "wait: invalid format"},
	} {
		low, high, err := parseWait(c.text)
		if c.err != "" {
			if err == nil || err.Error() != c.err {
				t.Errorf("parseWait(%q): error %v, want %q", c.text, err, c.err)
			}
			continue
		}
		if err != nil || low != c.low || high != c.high {
			t.Errorf("parseWait(%q) = %v, %v, %v", c.text, low, high, err)
		}
	}
}

func TestSplitCommand(t *testing.T) {
	for text, want := range map[string][]string{
		"":                 {},
		"run":              {"run"},
		"run it, now":      {"run it, now"},
		"nginx,-s,reload":  {"nginx", "-s", "reload"},
		"sh,-c,echo a b":   {"sh", "-c", "echo a b"},
		"echo a && date,x": {"echo a && date,x"},
	} {
		if got := splitCommand(text); !slices.Equal(got, want) {
			t.Errorf("splitCommand(%q) = %q, want %q", text, got, want)
		}
	}
}

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
		tokens, problems := scan(newSource("f", c.text), false)
		if problems != nil || len(tokens) != 1 || tokens[0].value != c.want {
			t.Errorf("%s: %+v, %v, want %q", c.name, tokens, problems, c.want)
		}
	}
}

func TestShortDuration(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0:                          "0s",
		time.Minute:                "1m",
		time.Hour:                  "1h",
		90 * time.Minute:           "1h30m",
		10 * time.Second:           "10s",
		time.Hour + 10*time.Second: "1h0m10s",
		250 * time.Millisecond:     "250ms",
		10 * time.Minute:           "10m",
	} {
		if got := shortDuration(d); got != want {
			t.Errorf("shortDuration(%d) = %s, want %s", d, got, want)
		}
	}
}
