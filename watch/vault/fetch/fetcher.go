package fetch

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"restencil/watch"
	"restencil/watch/vault/lease"
	"restencil/watch/vault/token"
)

// A Fetcher answers one query. One attempt of it is under way at a time; it may
// remember things from one to the next.
type Fetcher interface {
	// Fetch makes one attempt, under the token of an epoch. The warnings of
	// its result count where there is an error, too.
	Fetch(ctx context.Context, e token.Epoch) (Result, error)

	// MayIssue reports whether the next attempt may issue or write something.
	MayIssue() bool

	// Offline reports whether the next attempt needs neither Vault nor a token.
	Offline() bool
}

// A Result is what an attempt brought.
type Result struct {
	Data     any
	Lease    lease.Lease // how long it is good
	Issued   bool        // it was issued or written for this query
	Warnings []string

	absent bool // there is no such thing, which is an answer
}

// New returns the Fetcher of a query, which makes its requests with r. The error
// says what is wrong with the query.
func New(q watch.Query, r *Requester) (Fetcher, error) {
	common := question{Requester: r, id: q.ID(), path: q.Name}
	switch q.Kind {
	case watch.VaultRead:
		params, err := url.ParseQuery(q.Params)
		refresh, refreshErr := refreshOf(params.Get("refresh"))
		params.Del("refresh")
		return &reader{question: common, params: params, refresh: refresh, leased: true}, cmp.Or(err, refreshErr)
	case watch.VaultWrite:
		values, err := url.ParseQuery(q.Params)
		return &writer{question: common, values: values}, err
	case watch.VaultList:
		// The path is no URL, but that what ends in ?refresh=30s says how often it
		// is listed.
		path, text, _ := strings.Cut(q.Name, "?refresh=")
		refresh, err := refreshOf(text)
		common.path = path
		return &lister{question: common, refresh: cmp.Or(refresh, r.rules.Default)}, err
	case watch.VaultPKI:
		values, files, err := watch.SplitPKIParams(q.Params)
		return &issuer{question: common, values: values, files: files}, err
	}
	return nil, errors.New("not a question for Vault")
}

// A question is what fetchers have in common.
type question struct {
	*Requester
	id   watch.ID
	path string
}

func (*question) Offline() bool { return false }

func (*question) MayIssue() bool { return true }

// A MissingError says that there is no such thing, as consul-template does, and
// where it is known, why.
type MissingError struct{ Path, Why string }

func (e *MissingError) Error() string {
	if e.Why == "" {
		return "no secret exists at " + e.Path
	}
	return "no secret exists at " + e.Path + ": " + e.Why
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

// bodyOf returns the fields of a request: the values are text, whatever they
// look like.
func bodyOf(values url.Values) map[string]any {
	fields := make(map[string]any, len(values))
	for key := range values {
		fields[key] = values.Get(key)
	}
	return fields
}
