package fetch

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"restencil/watch"
	"restencil/watch/vault/client"
	"restencil/watch/vault/token"
)

// A reader is the Fetcher of a VaultRead query.
type reader struct {
	base
	params  url.Values
	refresh time.Duration // zero: by the answer
	leased  bool          // the newest answer is leased, or there is none
}

func (r *reader) MayIssue() bool {
	m, _ := r.mounts.find(r.path)
	return !m.versioned && r.leased
}

func (r *reader) Fetch(ctx context.Context, e token.Epoch) (Result, error) {
	return r.atMount(ctx, r.path, e, func(m mount) (Result, error) {
		begun := time.Now()
		s, err := r.ask(ctx, r.id, client.Request{Method: http.MethodGet, Path: m.dataPath(r.path), Query: r.params}, e, m)
		if err != nil && !client.Absent(err) {
			return Result{}, err
		}
		if err != nil || s == nil || empty(s) {
			return Result{Warnings: warnings(s)}, r.missing(m, s, err)
		}
		v := versionOf(s)
		if !v.deletion.IsZero() && v.deletion.Before(time.Now()) {
			return Result{Warnings: s.Warnings}, r.missing(m, s, nil)
		}
		held, err := r.leaseOf(s, begun, r.refresh)
		if err != nil {
			return Result{Warnings: s.Warnings}, err
		}
		r.leased = held.Leased()
		result := Result{Data: watch.Taint(s), Lease: held, Issued: isIssued(s), Warnings: s.Warnings}
		if m.versioned && v.destroyed {
			result.Warnings = append(result.Warnings, fmt.Sprintf("version %s was destroyed, and has no data any more", v.number))
		}
		return result, nil
	})
}

// missing returns the error for what does not exist: Vault's own if it has a
// message.
func (r *reader) missing(m mount, s *watch.Secret, err error) error {
	if reply, ok := errors.AsType[*client.ResponseError](err); ok && len(reply.Messages) > 0 {
		return err
	}
	missing := &MissingError{Path: r.path}
	switch version := r.params.Get("version"); {
	case s != nil && !empty(s):
		v := versionOf(s)
		missing.Why = fmt.Sprintf("version %s was deleted at %s, and can be undeleted", v.number, v.deletion.Format(time.RFC3339))
	case m.versioned && err != nil && version != "" && version != "0":
		missing.Why = "there is no version " + version
	}
	return missing
}

// empty reports whether an answer has nothing but, perhaps, warnings.
func empty(s *watch.Secret) bool {
	return s.Data == nil && s.LeaseID == "" && s.Auth == nil && s.WrapInfo == nil
}

func warnings(s *watch.Secret) []string {
	if s == nil {
		return nil
	}
	return s.Warnings
}

// A lister is the Fetcher of a VaultList query.
type lister struct {
	base
	refresh time.Duration
}

func (*lister) MayIssue() bool { return false }

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

// namesOf returns the sorted names in the answer to a list.
func namesOf(s *watch.Secret) ([]string, error) {
	var names []string // nil if there are none, for which toJSON prints null
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
		return nil, errors.New("unexpected response: its keys are not a list of names")
	}
	slices.Sort(names)
	return names, nil
}

// A writer is the Fetcher of a VaultWrite query.
type writer struct {
	base
	values url.Values
}

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
