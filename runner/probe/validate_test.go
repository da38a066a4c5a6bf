package probe

import (
	"strings"
	"testing"
)

func TestValidate(t *testing.T) {
	tests := []struct {
		probe Probe
		want  string
	}{
		{Probe{Args: []string{"true"}}, ""},
		{Probe{HTTP: "http://127.0.0.1:80/x?y", Host: "a.example:80", Status: 301}, ""},
		{Probe{HTTP: "https://[::1]", SkipVerify: true}, ""},
		{Probe{TCP: "127.0.0.1:80"}, ""},
		{Probe{TCP: ":http"}, ""},
		{Probe{}, "one of command, http and tcp is required"},
		{Probe{Args: []string{"true"}, TCP: ":1"}, "only one of command, http and tcp may be set"},
		{Probe{HTTP: "http://x", TCP: ":1"}, "only one of command, http and tcp may be set"},
		{Probe{Args: []string{""}}, "the command is empty"},
		{Probe{HTTP: "127.0.0.1:80"}, "http is not a URL"},
		{Probe{HTTP: "localhost/x"}, "http must begin with http:// or https://"},
		{Probe{HTTP: "ftp://x"}, "http must begin with http:// or https://"},
		{Probe{HTTP: "http:///x"}, "http has no host"},
		{Probe{HTTP: "http://:80/"}, "http has no host"},
		{Probe{HTTP: "http://u:secret@x:port/"}, "http is not a URL"},
		{Probe{TCP: "127.0.0.1"}, `tcp "127.0.0.1" is not host:port`},
		{Probe{TCP: "127.0.0.1:"}, `tcp "127.0.0.1:" is not host:port`},
		{Probe{TCP: ":1", Status: 200}, "host, status and skip_verify are for http only"},
		{Probe{HTTP: "http://x", Status: 99}, "status 99 is not one of HTTP"},
		{Probe{HTTP: "http://x", Status: 600}, "status 600 is not one of HTTP"},
		{Probe{HTTP: "http://x", Host: "a b"}, `host "a b" is not a host`},
		{Probe{TCP: ":1", Within: -1}, "a time is negative"},
		{Probe{TCP: ":1", For: -1}, "a time is negative"},
		{Probe{TCP: ":1", Interval: -1}, "a time is negative"},
		{Probe{TCP: ":1", Timeout: -1}, "a time is negative"},
	}
	for _, test := range tests {
		got := ""
		if err := test.probe.Validate(); err != nil {
			got = err.Error()
		}
		if got != test.want {
			t.Errorf("%+v: got %q, want %q", test.probe, got, test.want)
		}
	}
}

func TestString(t *testing.T) {
	tests := []struct {
		probe Probe
		want  string
	}{
		{Probe{Args: []string{"nginx", "-t"}}, `command "nginx -t"`},
		{Probe{HTTP: "http://u:secret@x/y"}, "GET http://u:xxxxx@x/y"},
		{Probe{HTTP: "http://x:secret/"}, "GET of an invalid URL"},
		{Probe{TCP: "x:1"}, "connection to x:1"},
	}
	for _, test := range tests {
		if got := test.probe.String(); got != test.want || strings.Contains(got, "secret") {
			t.Errorf("got %q, want %q", got, test.want)
		}
	}
}
