package vault

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"restencil/watch"
)

// A sessionError says why there is no token.
type sessionError struct {
	class watch.Class
	after time.Duration // what Vault asked for, 0 if it did not
	text  string
	err   error // the cause; nil: there is none but the text
}

func (e *sessionError) Error() string {
	if e.err == nil {
		return e.text
	}
	return e.text + ": " + e.err.Error()
}

func (e *sessionError) Unwrap() error { return e.err }

// classify returns the error that the sink of q is told of when r has failed
// with err, or when there was no token to make it with.
func classify(q watch.Query, r request, err error) *watch.Error {
	var told *watch.Error
	if errors.As(err, &told) {
		return told
	}
	var session *sessionError
	if errors.As(err, &session) {
		return &watch.Error{Query: q, Class: session.class, RetryAfter: session.after, Err: err, All: true}
	}
	var answer *responseError
	if !errors.As(err, &answer) {
		return &watch.Error{Query: q, Class: watch.Retry, Err: err}
	}
	e := &watch.Error{Query: q, Class: classOf(answer.Status), RetryAfter: answer.RetryAfter, Err: err, All: refusedToken(err)}
	if text := explain(r, answer); text != "" {
		e.Err = fmt.Errorf("%s (%w)", text, err)
	}
	if r.token == "" && answer.says("missing client token") {
		e.Class = watch.Denied
	}
	return e
}

func classOf(status int) watch.Class {
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound:
		return watch.Denied
	case http.StatusBadRequest, http.StatusMethodNotAllowed:
		return watch.Invalid
	default:
		return watch.Retry
	}
}

// refusedToken tells whether Vault says that it does not know the token, as
// opposed to that the token may not do something.
func refusedToken(err error) bool {
	var answer *responseError
	return errors.As(err, &answer) && answer.Status == http.StatusForbidden &&
		(answer.says("invalid token") || answer.says("bad token"))
}

func (e *responseError) says(text string) bool {
	return strings.Contains(strings.ToLower(strings.Join(e.Messages, "\n")), text)
}

// howToGiveToken ends what is told where a token is missing.
const howToGiveToken = "set VAULT_TOKEN or vault { token = … }, or configure a token file or a login"

// explain returns what an answer means for people, "" where it says so itself.
func explain(r request, answer *responseError) string {
	switch {
	case r.token == "" && (answer.Status == http.StatusForbidden || answer.says("missing client token")):
		return fmt.Sprintf("there is no token to %s %s with: %s", r.action(), r.path, howToGiveToken)
	case refusedToken(answer):
		return "Vault does not know the token: it has ended, was revoked, or is another server's"
	case answer.Status == http.StatusForbidden:
		return fmt.Sprintf("the token may not %s %s: its policies must grant %s on that path", r.action(), r.path, r.capability())
	case answer.Status == http.StatusNotFound && answer.says("no handler for route"):
		return "no secrets engine is mounted for " + r.path
	case answer.Status == http.StatusNotFound:
		return "no secret exists at " + r.path
	case answer.says("vault is sealed"):
		return "Vault is sealed, and answers nothing until it is unsealed"
	case answer.says("not initialized"):
		return "Vault is not initialized"
	}
	return ""
}

func (r request) lists() bool { return r.method == "LIST" || r.query.Get("list") == "true" }

// action returns what the request does, as a verb.
func (r request) action() string {
	switch {
	case r.lists():
		return "list"
	case r.method == http.MethodGet:
		return "read"
	}
	return "write"
}

// capability returns what a policy must grant for the request.
func (r request) capability() string {
	switch {
	case r.action() != "write":
		return `"` + r.action() + `"`
	case strings.HasPrefix(r.path, "sys/") || strings.HasPrefix(r.path, "auth/token/"):
		return `"update"`
	}
	return `"create" or "update"`
}

// failed returns a sessionError for what was being done.
func failed(text string, err error) *sessionError {
	e := &sessionError{text: text, err: err}
	var answer *responseError
	var session *sessionError
	switch {
	case errors.As(err, &session):
		e.class, e.after = session.class, session.after
	case errors.As(err, &answer):
		e.class, e.after = classOf(answer.Status), answer.RetryAfter
		if e.class == watch.Invalid {
			e.class = watch.Denied // what is wrong is the token or login, not the query
		}
	}
	return e
}

// denied returns a sessionError about something that others must change.
func denied(format string, args ...any) *sessionError {
	err := fmt.Errorf(format, args...)
	return &sessionError{class: watch.Denied, text: err.Error(), err: nil}
}
