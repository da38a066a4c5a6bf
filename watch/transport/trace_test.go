package transport

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
)

// A line tells of each request, but not what a private one asks for.
func TestTraced(t *testing.T) {
	s := httptest.NewServer(http.NotFoundHandler())
	defer s.Close()
	var log strings.Builder
	h := slog.NewTextHandler(&log, &slog.HandlerOptions{Level: LevelTrace})
	client := http.Client{Transport: Traced(http.DefaultTransport, slog.New(h))}
	for _, private := range []bool{false, true} {
		r, err := http.NewRequest("GET", s.URL+"/v1/kv/hush?wait=1s", nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := client.Do(r.WithContext(Private(t.Context(), private)))
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
	}
	at := regexp.QuoteMeta(s.URL)
	want := fmt.Sprintf(`^.*"GET %s/v1/kv/hush\?wait=1s: 404 Not Found, after \S+" component=http\n.*"GET %[1]s/\*\*\*: 404 Not Found, after \S+" component=http\n$`, at)
	if !regexp.MustCompile(want).MatchString(log.String()) {
		t.Errorf("log:\n%swant %s", log.String(), want)
	}
}
