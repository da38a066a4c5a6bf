package vault

import (
	"context"
	"net/http"
	"net/url"

	"restencil/watch"
)

// A writer is the subject of a VaultWrite query.
type writer struct {
	path   string
	values url.Values
}

func newWriter(q watch.Query) (*writer, error) {
	values, err := url.ParseQuery(q.Params)
	if err != nil {
		return nil, err
	}
	return &writer{path: q.Name, values: values}, nil
}

func (w *writer) at() string { return w.path }
func (*writer) alone() bool  { return false }

// ask implements subject.
func (w *writer) ask(ctx context.Context, v visit) (outcome, error) {
	r := request{method: http.MethodPut, path: w.path, body: body(w.values), hide: revealing(w.values)}
	versioned := v.mount.versioned && v.mount.holds(w.path)
	if versioned {
		r.path = v.mount.dataPath(w.path)
		r.body = map[string]any{"data": r.body}
	}
	s, err := v.ask(ctx, r)
	switch {
	case err != nil:
		return outcome{}, err
	case s == nil && versioned, s != nil && misplaced(s) && empty(s):
		return outcome{}, &missingError{w.path}
	case s == nil:
		return outcome{made: true}, nil
	}
	return outcome{data: watch.Taint(s), secret: s, made: true, warnings: s.Warnings}, nil
}
