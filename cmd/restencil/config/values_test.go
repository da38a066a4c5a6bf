package config

import (
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
		var w Wait
		err := w.parse(c.text)
		if c.err != "" {
			if err == nil || err.Error() != c.err {
				t.Errorf("parse(%q): error %v, want %q", c.text, err, c.err)
			}
			continue
		}
		if err != nil || w.Min != c.low || w.Max != c.high {
			t.Errorf("parse(%q) = %v, %v, %v", c.text, w.Min, w.Max, err)
		}
	}
}
