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

// Fetch implements Fetcher.
func (w *writer) Fetch(ctx context.Context, e token.Epoch) (Result, error) {
	return w.atMount(ctx, w.path, e, func(m mount) (Result, error) {
		begun := time.Now()
		r := client.Request{Method: http.MethodPut, Path: w.path, Body: bodyOf(w.values)}
		for key := range w.values {
			if v := w.values.Get(key); len(strings.TrimSpace(v)) >= 4 { // long enough to be a secret
				r.Hide = append(r.Hide, v)
			}
		}
		versioned := m.versioned && m.holds(w.path)
		if versioned {
			r.Path = m.dataPath(w.path)
			r.Body = map[string]any{"data": r.Body}
		}
		s, err := w.ask(ctx, w.id, r, e, m)
		misplaced := strings.Contains(strings.Join(warnings(s), "\n"), "Invalid path for a versioned K/V secrets engine")
		switch {
		case err != nil:
			return Result{}, err
		case s == nil && versioned, misplaced && empty(s):
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
