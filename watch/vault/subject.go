package vault

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"restencil/watch"
)

// A subject is how one query is put to Vault. One visit of it is under way at a
// time; it may remember things from one to the next.
type subject interface {
	// ask makes one attempt to answer the query.
	ask(ctx context.Context, v visit) (outcome, error)

	// at returns the path whose mount has to be known, "" where none has.
	at() string

	// alone tells whether the next visit needs neither Vault nor a token.
	alone() bool
}

// A visit is what an attempt has to work with.
type visit struct {
	desk  *desk
	id    watch.ID
	cred  credential
	mount mount
	blind bool // metadata of the mount must not be read
}

// ask makes a request. Its error is a *requestError.
func (v visit) ask(ctx context.Context, r request) (*watch.Secret, error) {
	s, err := v.desk.ask(ctx, v.id, r, v.cred, v.mount)
	if err != nil {
		r.token = v.cred.token
		return nil, &requestError{r, err}
	}
	return s, nil
}

// due says when what a request has made is to be replaced.
func (v visit) due(request string, at, now time.Time) { v.desk.allowance.due(request, v.id, at, now) }

// A requestError is what came of a request that failed.
type requestError struct {
	request request
	err     error
}

func (e *requestError) Error() string { return e.err.Error() }
func (e *requestError) Unwrap() error { return e.err }

// An outcome is what an attempt brought.
type outcome struct {
	same     bool // what was published last is still so; data says nothing
	data     any
	secret   *watch.Secret // says how long the data is good, where next does not
	next     time.Time     // when to ask again
	ends     time.Time     // with next: when the data is no good any more
	refresh  time.Duration // for what is not leased: how often it is asked for; zero: the default
	made     bool          // it was issued or written for this query
	warnings []string
	absent   bool // there is no such thing, which is an answer
	blind    bool // metadata of the mount may not be read
}

// A missingError says that there is no such thing, as consul-template does.
type missingError struct{ path string }

func (e *missingError) Error() string { return "no secret exists at " + e.path }

// absent tells whether an error is Vault's answer that something is not there.
func absent(err error) bool {
	var answer *responseError
	return errors.As(err, &answer) && answer.Status == http.StatusNotFound
}

// newSubject returns the subject of a query. The error says what is wrong with
// it.
func newSubject(q watch.Query, o Options) (subject, error) {
	switch q.Kind {
	case watch.VaultRead:
		return newReader(q)
	case watch.VaultWrite:
		return newWriter(q)
	case watch.VaultList:
		return newLister(q)
	case watch.VaultPKI:
		return newIssuer(q, o)
	}
	return nil, errors.New("not a question for Vault")
}

const minRefresh = time.Second

// refreshOf reads our own parameter, "" where there is none.
func refreshOf(text string) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		return 0, fmt.Errorf("refresh: %q is no duration such as 30s", text)
	}
	if d < minRefresh {
		return 0, fmt.Errorf("refresh: %s is less than %s", d, minRefresh)
	}
	return d, nil
}

// body returns the fields of a request: the values are text, whatever they look
// like.
func body(values url.Values) map[string]any {
	fields := make(map[string]any, len(values))
	for key := range values {
		fields[key] = values.Get(key)
	}
	return fields
}

// revealing returns the values of a body that are long enough to be secrets.
func revealing(values url.Values) []string {
	var list []string
	for key := range values {
		if v := values.Get(key); len(strings.TrimSpace(v)) >= 4 {
			list = append(list, v)
		}
	}
	return list
}
