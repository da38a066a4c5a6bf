package schedule

import (
	"net/http"
	"strconv"
	"time"

	"restencil/watch"
)

// ClassOf returns the class of an error reply with an HTTP status; 0 means no reply.
func ClassOf(status int) watch.Class {
	switch {
	case status == http.StatusRequestTimeout, status == http.StatusPreconditionFailed, status == http.StatusTooManyRequests:
		return watch.Retry
	case status >= 400 && status < 500:
		return watch.Denied
	}
	return watch.Retry
}

const maxRetryAfter = 10 * time.Minute

// RetryAfter returns the delay that the header Retry-After, in seconds or as a
// date, asks for; 0 if there is none. It is at most ten minutes.
func RetryAfter(header http.Header, now time.Time) time.Duration {
	text := header.Get("Retry-After")
	wait := time.Duration(0)
	if seconds, err := strconv.ParseUint(text, 10, 31); err == nil {
		wait = time.Duration(seconds) * time.Second
	} else if date, err := http.ParseTime(text); err == nil {
		wait = date.Sub(now)
	}
	return max(0, min(wait, maxRetryAfter))
}
