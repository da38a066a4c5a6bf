package token

import (
	"errors"
	"fmt"
	"time"

	"restencil/watch"
	"restencil/watch/vault/client"
)

// An Epoch is the time of one token.
type Epoch struct {
	Token  client.Token // "": requests bear none
	Number int          // 1 and up; another token has another
	Ends   time.Time    // as far as known; zero: not known, or never
}

// An Error says why there is no token.
type Error struct {
	Class      watch.Class
	RetryAfter time.Duration // what Vault asked for, 0 if it did not
	Attempts   int           // how many attempts in a row have failed
	Text       string
	Err        error // the cause; nil: there is none but the text
}

func (e *Error) Error() string {
	if e.Err == nil {
		return e.Text
	}
	return e.Text + ": " + e.Err.Error()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// ErrPending says that the first attempt to get a token is under way: nothing
// has failed yet.
var ErrPending error = &Error{Text: "the token for Vault is being fetched"}

// failed returns an Error for what was being done.
func failed(text string, err error) *Error {
	e := &Error{Text: text, Err: err}
	if inner, ok := errors.AsType[*Error](err); ok {
		e.Class, e.RetryAfter = inner.Class, inner.RetryAfter
	} else {
		e.Class, e.RetryAfter = client.Class(err), client.RetryAfter(err)
	}
	return e
}

// denied returns an Error about something that others must change.
func denied(format string, args ...any) *Error {
	return &Error{Class: watch.Denied, Text: fmt.Sprintf(format, args...)}
}
