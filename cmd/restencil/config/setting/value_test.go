package setting

import (
	"slices"
	"testing"
	"time"
)

func TestSplitCommand(t *testing.T) {
	for text, want := range map[string][]string{
		"":                 {},
		"run":              {"run"},
		"run it, now":      {"run it, now"},
		"nginx,-s,reload":  {"nginx", "-s", "reload"},
		"sh,-c,echo a b":   {"sh", "-c", "echo a b"},
		"echo a && date,x": {"echo a && date,x"},
	} {
		if got, err := Command(nil).(*variable[[]string]).read(text); err != nil || !slices.Equal(got, want) {
			t.Errorf("the command %q is %q (%v), want %q", text, got, err, want)
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
		if got := ShortDuration(d); got != want {
			t.Errorf("ShortDuration(%d) = %s, want %s", d, got, want)
		}
	}
}
