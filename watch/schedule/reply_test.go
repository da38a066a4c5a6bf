package schedule

import (
	"net/http"
	"testing"
	"time"

	"restencil/watch"
)

func TestClassOf(t *testing.T) {
	for status, want := range map[int]watch.Class{
		0: watch.Retry, 500: watch.Retry, 503: watch.Retry, 429: watch.Retry, 412: watch.Retry, 302: watch.Retry,
		400: watch.Denied, 401: watch.Denied, 403: watch.Denied, 404: watch.Denied, 405: watch.Denied,
	} {
		if got := ClassOf(status); got != want {
			t.Errorf("status %d: class %v, want %v", status, got, want)
		}
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Duration{
		"":                              0,
		"0":                             0,
		"7":                             7 * time.Second,
		"-7":                            0,
		"soon":                          0,
		"86400":                         maxRetryAfter,
		"99999999999999999999":          0,
		"Sun, 29 Nov 2026 12:00:20 GMT": 20 * time.Second,
		"Sun, 29 Nov 2026 11:00:00 GMT": 0,
	} {
		header := http.Header{"Retry-After": {text}}
		if got := RetryAfter(header, now); got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}
