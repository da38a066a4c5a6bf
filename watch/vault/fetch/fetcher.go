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

// A Fetcher answers one query. It makes one attempt at a time, and may keep state
// between attempts.
type Fetcher interface {
	// Fetch makes one attempt, with the token of an epoch. The warnings of the
	// result are valid even if there is an error.
	Fetch(ctx context.Context, e token.Epoch) (Result, error)

	// MayIssue reports whether the next attempt may issue or write something.
	MayIssue() bool
}

// A Result is the result of an attempt.
type Result struct {
	Data     any
	Lease    lease.Lease // of Data
	Issued   bool        // Data was issued or written for this query
	Warnings []string

	absent bool // the thing does not exist, which is an answer
}

// New returns the Fetcher of a query, which makes its requests with r, and what is kept
// of an earlier answer: a certificate in files, or nil. The error says what is wrong with
// the query.
func New(q watch.Query, r *Requester) (f Fetcher, kept *Result, err error) {
	common := base{Requester: r, id: q.ID(), path: q.Name}
	switch q.Kind {
	case watch.VaultRead:
		params, err := url.ParseQuery(q.Params)
		refresh, refreshErr := refreshOf(params.Get("refresh"))
		params.Del("refresh")
		return &reader{base: common, params: params, refresh: refresh, leased: true}, nil, cmp.Or(err, refreshErr)
	case watch.VaultWrite:
		values, err := url.ParseQuery(q.Params)
		return &writer{base: common, values: values}, nil, err
	case watch.VaultList:
		// The path is not a URL, except that it may end in ?refresh=30s.
		path, text, _ := strings.Cut(q.Name, "?refresh=")
		refresh, err := refreshOf(text)
		common.path = path
		return &lister{base: common, refresh: cmp.Or(refresh, r.rules.Default)}, nil, err
	case watch.VaultPKI:
		values, files, err := watch.SplitPKIParams(q.Params)
		i := &issuer{base: common, values: values}
		return i, i.kept(files, time.Now()), err
	}
	return nil, nil, errors.New("not a query to Vault")
}

// A base is the common part of fetchers.
type base struct {
	*Requester
	id   watch.ID
	path string
}

func (*base) MayIssue() bool { return true }

// A MissingError says that a secret does not exist, as consul-template does, and
// why if known.
type MissingError struct{ Path, Why string }

func (e *MissingError) Error() string {
	if e.Why == "" {
		return "no secret exists at " + e.Path
	}
	return "no secret exists at " + e.Path + ": " + e.Why
}

const minRefresh = time.Second

// refreshOf parses the parameter refresh; "" means 0.
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

// bodyOf returns the body of a request, in which all values are strings.
func bodyOf(values url.Values) map[string]any {
	fields := make(map[string]any, len(values))
	for key := range values {
		fields[key] = values.Get(key)
	}
	return fields
}
