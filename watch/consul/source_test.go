package consul

import (
	"strings"
	"testing"
	"time"
)

func TestNewFails(t *testing.T) {
	for _, test := range []struct {
		name string
		set  func(*Options)
		want string
	}{
		{"scheme", func(o *Options) { o.Address = "ftp://x" }, "consul: Unknown protocol scheme: ftp"},
		{"duration", func(o *Options) { o.Retry.Max = -time.Second }, "consul: retry maximum backoff -1s: must not be negative"},
	} {
		t.Run(test.name, func(t *testing.T) {
			o := DefaultOptions()
			test.set(&o)
			_, err := New(o)
			if err == nil || !strings.HasPrefix(err.Error(), test.want) {
				t.Errorf("New: %v, want %s…", err, test.want)
			}
		})
	}
}

// TestHTTP1OverTLS: an agent behind a proxy that has no HTTP/2.
func TestHTTP1OverTLS(t *testing.T) {
	o := DefaultOptions()
	o.Address = "https://127.0.0.1:8501"
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	s.feedback.sawHTTP1()
	s.applyFeedback(time.Now())
	if s.rules.Budget != 128 {
		t.Errorf("the budget is %d", s.rules.Budget)
	}
}
