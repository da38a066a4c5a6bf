package fetch

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"restencil/watch"
	"restencil/watch/vault/client"
	"restencil/watch/vault/token"
)

// A writer is the Fetcher of a VaultWrite query.
type writer struct {
	question
	values url.Values
}

func newWriter(q question, params string) (*writer, error) {
	values, err := url.ParseQuery(params)
	return &writer{question: q, values: values}, err
}

// Fetch implements Fetcher.
func (w *writer) Fetch(ctx context.Context, e token.Epoch) (Result, error) {
	return w.atMount(ctx, w.path, e, func(m mount) (Result, error) {
		begun := time.Now()
		r := client.Request{Method: http.MethodPut, Path: w.path, Body: bodyOf(w.values), Hide: secretsOf(w.values)}
		versioned := m.versioned && m.holds(w.path)
		if versioned {
			r.Path = m.dataPath(w.path)
			r.Body = map[string]any{"data": r.Body}
		}
		s, err := w.ask(ctx, w.id, r, e, m)
		switch {
		case err != nil:
			return Result{}, err
		case s == nil && versioned, s != nil && misplaced(s) && empty(s):
			return Result{}, &MissingError{Path: w.path}
		}
		held, err := w.leaseOf(s, begun, 0)
		result := Result{Lease: held, Issued: true, Warnings: warnings(s)}
		if s != nil {
			result.Data = watch.Taint(s)
		}
		return result, err
	})
}

// misplaced reports whether Vault says that a path makes no sense in a
// key-value engine of version 2.
func misplaced(s *watch.Secret) bool {
	for _, w := range warnings(s) {
		if strings.Contains(w, "Invalid path for a versioned K/V secrets engine") {
			return true
		}
	}
	return false
}
