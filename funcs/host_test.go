package funcs

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestEnviron(t *testing.T) {
	runPureTests(t, []pureTest{
		{text: `{{ env "HOME" }} {{ env "EMPTY" | toJSON }} {{ env "NONE" | toJSON }} {{ env "" | toJSON }}`, want: `ada "" "" ""`},
		{text: `{{ mustEnv "HOME" }}`, want: "ada"},
		{text: `{{ mustEnv "EMPTY" }}`, fail: "error calling mustEnv: required environment variable \"EMPTY\" is empty"},
		{text: `{{ mustEnv "NONE" }}`, fail: "required environment variable \"NONE\" is empty"},
		{text: `{{ envOrDefault "HOME" "x" }} {{ envOrDefault "EMPTY" "x" | toJSON }} {{ envOrDefault "NONE" "x" }}`, want: `ada "" x`},
		{text: `{{ env 1 }}`, fail: "expected string; found 1"},
	})
}

func TestTimestamp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(time.Date(2024, 2, 29, 23, 5, 7, 9, time.FixedZone("", 3600))))
		runPureTests(t, []pureTest{
			{text: `{{ timestamp }}`, want: "2024-02-29T22:05:07Z"},
			{text: `{{ timestamp "unix" }} {{ timestamp "Mon 2 Jan 06 15h .000000000 MST" }}|{{ timestamp "" }}|`, want: "1709244307 Thu 29 Feb 24 22h .000000009 UTC||"},
			{text: `{{ timestamp "a" "b" }}`, fail: "timestamp: wrong number of arguments, expected 0 or 1, but got 2"},
			{text: `{{ timestamp 1 }}`, fail: "expected string; found 1"},
		})
	})
}

func TestSockaddr(t *testing.T) {
	runPureTests(t, []pureTest{
		{text: `{{ sockaddr "GetAllInterfaces" "|" "include \"flags\" \"loopback\"" "| include \"type\" \"IPv4\" | limit 1 | attr \"address\"" }}`, want: "127.0.0.1"},
		{text: `{{ sockaddr "GetAllInterfaces | include \"name\" \"^no-such$\" | attr \"address\"" }}|`, want: "|"},
		{text: `{{ sockaddr "Bogus" }}`, fail: `unable to parse template "{{ Bogus }}": template: sockaddr.Parse:1: function "Bogus" not defined`},
		{text: `{{ sockaddr 1 }}`, fail: "expected string; found 1"},
	})
}

func TestSpew(t *testing.T) {
	const list = `(sprig_list 1 "é" nil)`
	p, err := parseTest(`{{ spew_sdump ` + list + ` }}{{ spew_sprintf "%v %#v|" ` + list + ` 2.5 }}{{ spew_sdump }}|{{ spew_dump "out" 1 }}{{ spew_printf "%v-%d\n" nil 7 }}`)
	if err != nil {
		t.Fatal(err)
	}
	got, err := p.render()
	if err != nil {
		t.Fatal(err)
	}
	if want := "([]interface {}) (len=3 cap=3) {\n (int) 1,\n (string) (len=2) \"é\",\n (interface {}) <nil>\n}\n[1 é <nil>] (float64)2.5||"; got != want {
		t.Errorf("rendered %q\nwant     %q", got, want)
	}
	if got, want := p.execution.printed.String(), "(string) (len=3) \"out\"\n(int) 1\n<nil>-7\n"; got != want {
		t.Errorf("printed %q\nwant    %q", got, want)
	}
}
