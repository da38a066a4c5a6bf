package funcs

import "testing"

func TestTimestamp(t *testing.T) {
	runPureTests(t, []pureTest{
		{text: `{{ timestamp }}`, want: "2024-02-29T22:05:07Z"},
		{text: `{{ timestamp "unix" }} {{ timestamp "Mon 2 Jan 06 15h .000000000 MST" }}|{{ timestamp "" }}|`, want: "1709244307 Thu 29 Feb 24 22h .000000009 UTC||"},
		{text: `{{ timestamp "a" "b" }}`, fail: "timestamp: wrong number of arguments, expected 0 or 1, but got 2"},
		{text: `{{ timestamp 1 }}`, fail: "expected string; found 1"},
	})
}
