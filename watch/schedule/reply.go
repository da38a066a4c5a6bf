package schedule

import (
	"net/http"
	"strconv"
	"time"

	"restencil/watch"
)

// ClassOf returns the class of an error reply of a store by its HTTP status;
// zero is no reply.
//
// What the store refuses (400 to 499) is refused until something changes there,
// such as a policy, a role or a token. It may change at any time: what is not
// there yet may be created next. So it is tried again like any other.
func ClassOf(status int) watch.Class {
	switch {
	case status == http.StatusRequestTimeout, status == http.StatusPreconditionFailed, status == http.StatusTooManyRequests:
		return watch.Retry
	case status >= 400 && status < 500:
		return watch.Denied
	default:
		return watch.Retry
	}
}

const longestRetryAfter = 10 * time.Minute // bounds what a server can ask for

// RetryAfter reads the header of that name, which holds seconds or a date: for
// how long the server wants no request. Zero: it does not say.
func RetryAfter(header http.Header, now time.Time) time.Duration {
	text := header.Get("Retry-After")
	wait := time.Duration(0)
	if seconds, err := strconv.ParseUint(text, 10, 31); err == nil {
		wait = time.Duration(seconds) * time.Second
	} else if date, err := http.ParseTime(text); err == nil {
		wait = date.Sub(now)
	}
	return max(0, min(wait, longestRetryAfter))
}
