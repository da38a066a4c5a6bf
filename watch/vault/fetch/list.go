package fetch

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"restencil/watch"
	"restencil/watch/vault/client"
	"restencil/watch/vault/token"
)

// A lister is the Fetcher of a VaultList query.
type lister struct {
	question
	refresh time.Duration
}

// newLister reads a path. It is no URL, but that what ends in ?refresh=30s says
// how often it is listed.
func newLister(q question) (*lister, error) {
	path, text, _ := strings.Cut(q.path, "?refresh=")
	refresh, err := refreshOf(text)
	q.path = path
	return &lister{question: q, refresh: cmp.Or(refresh, q.rules.Default)}, err
}

// MayIssue implements Fetcher.
func (*lister) MayIssue() bool { return false }

// Fetch implements Fetcher.
func (l *lister) Fetch(ctx context.Context, e token.Epoch) (Result, error) {
	return l.atMount(ctx, l.path, e, func(m mount) (Result, error) {
		begun := time.Now()
		s, err := l.ask(ctx, l.id, client.Request{
			Method: http.MethodGet, Path: m.listPath(l.path), Query: url.Values{"list": {"true"}},
		}, e, m)
		if err != nil && !client.Absent(err) {
			return Result{}, err
		}
		names, err := namesOf(s)
		if err != nil {
			return Result{Warnings: warnings(s)}, err
		}
		held, err := l.leaseOf(nil, begun, l.refresh)
		return Result{Data: names, Lease: held, Warnings: warnings(s), absent: s == nil || s.Data == nil}, err
	})
}

// namesOf returns the sorted names of a list. What does not exist has none.
func namesOf(s *watch.Secret) ([]string, error) {
	var names []string // nil where there are none: toJSON says null then
	if s == nil || s.Data["keys"] == nil {
		return names, nil
	}
	keys, ok := s.Data["keys"].([]any)
	for _, key := range keys {
		name, isText := key.(string)
		ok = ok && isText
		names = append(names, name)
	}
	if !ok {
		return nil, errors.New("unexpected response: its keys are no list of names")
	}
	slices.Sort(names)
	return names, nil
}
