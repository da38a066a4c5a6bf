package transport

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"time"
)

// LevelTrace is the level of what a source does in detail, below slog.LevelDebug.
const LevelTrace = slog.Level(-8)

// Traced returns base with a line in the log for each request, at LevelTrace: its
// URL, how long it took until the answer began, and the index of that. Where log is
// nil it returns base.
func Traced(base http.RoundTripper, log *slog.Logger) http.RoundTripper {
	if log == nil {
		return base
	}
	return traced{base, log}
}

type privateKey struct{}

// Private returns ctx for requests whose URL may hold a secret, where private says
// so: Traced shows only which server they are for.
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
		if index := resp.Header.Get("X-Consul-Index"); index != "" {
			text += ", index " + index
		}
	}
	t.log.Log(context.WithoutCancel(r.Context()), LevelTrace, fmt.Sprintf("%s, after %v", text, time.Since(began).Round(time.Microsecond)), "component", "http")
	return resp, err
}

// Cause returns why a request failed, without its URL, which whoever asked knows
// better by other names.
func Cause(err error) error {
	if u, ok := err.(*url.Error); ok {
		err = u.Err
	}
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return fmt.Errorf("the connection was closed before the whole answer came (%w)", err)
	}
	return err
}
