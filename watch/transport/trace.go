package transport

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"time"
)

// LevelTrace is the log level of requests, below slog.LevelDebug.
const LevelTrace = slog.Level(-8)

// Traced returns base with a log line for each request, at LevelTrace: its URL, the
// status and the index of the reply, and how long that took. If log is nil, Traced
// returns base.
func Traced(base http.RoundTripper, log *slog.Logger) http.RoundTripper {
	if log == nil {
		return base
	}
	return traced{base, log}
}

type privateKey struct{}

// Private returns ctx for requests whose URL may contain a secret if private is
// true: Traced logs only their server.
func Private(ctx context.Context, private bool) context.Context {
	return context.WithValue(ctx, privateKey{}, private)
}

type traced struct {
	http.RoundTripper
	log *slog.Logger
}

// RoundTrip implements http.RoundTripper.
func (t traced) RoundTrip(r *http.Request) (*http.Response, error) {
	if !t.log.Enabled(r.Context(), LevelTrace) {
		return t.RoundTripper.RoundTrip(r)
	}
	began := time.Now()
	resp, err := t.RoundTripper.RoundTrip(r)
	at := r.URL.Redacted()
	if private, _ := r.Context().Value(privateKey{}).(bool); private {
		at = fmt.Sprintf("%s://%s/***", r.URL.Scheme, r.URL.Host)
	}
	text := fmt.Sprintf("%s %s: ", r.Method, at)
	if err != nil {
		text += err.Error()
	} else {
		text += resp.Status
		if index := cmp.Or(resp.Header.Get("X-Consul-Index"), resp.Header.Get("X-Nomad-Index")); index != "" {
			text += ", index " + index
		}
	}
	t.log.Log(context.WithoutCancel(r.Context()), LevelTrace, fmt.Sprintf("%s, after %v", text, time.Since(began).Round(time.Microsecond)), "component", "http")
	return resp, err
}
