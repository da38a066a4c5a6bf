package client

import (
	"net/http/httptest"
	"testing"

	"restencil/watch/blocking/requester"
)

// TestCompressionByAddress: an agent on this machine is not asked to compress.
func TestCompressionByAddress(t *testing.T) {
	cleanEnv(t)
	for address, want := range map[string]bool{
		"localhost":                 true,
		"localhost:8500":            true,
		"http://localhost:8500/p":   true,
		"127.0.0.1:8500":            true,
		"https://127.1.2.3/p":       true,
		"[::1]:8500":                true,
		"http://[::1]":              true,
		"[::ffff:127.0.0.1]:8500":   true,
		"unix:///run/consul.sock":   true,
		"consul.example":            false,
		"10.0.0.1:8500":             false,
		"http://10.0.0.1/127.0.0.1": false,
		"[fd00::1]:8500":            false,
		"localhost.example:8500":    false,
	} {
		o := requester.DefaultOptions()
		o.Address = address
		c, err := New(o)
		if err != nil {
			t.Fatal(err)
		}
		if got := c.Transport.DisableCompression; got != want {
			t.Errorf("%s: compression is off: %t", address, got)
		}
	}
}

// TestCompression: an agent on this machine is not asked to compress, others
// are.
func TestCompression(t *testing.T) {
	cleanEnv(t)
	e := &echo{}
	server := httptest.NewServer(e)
	defer server.Close()
	o := requester.DefaultOptions()
	o.Address = server.URL
	if got := e.get(t, o).Header.Get("Accept-Encoding"); got != "" {
		t.Errorf("asked for %q", got)
	}
	o.Address = "consul.example:8500"
	c, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	if c.Transport.DisableCompression {
		t.Error("what goes far is not compressed")
	}
}
