package fetch

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"restencil/watch"
	"restencil/watch/vault/client"
	"restencil/watch/vault/token"
)

// A reader is the Fetcher of a VaultRead query.
type reader struct {
	question
	params  url.Values
	refresh time.Duration // zero: as the answer says

	leased bool // the newest answer is, or there is none
}

func newReader(q question, text string) (*reader, error) {
	params, err := url.ParseQuery(text)
	if err != nil {
		return nil, err
	}
	refresh, err := refreshOf(params.Get("refresh"))
	if err != nil {
		return nil, err
	}
	params.Del("refresh")
	return &reader{question: q, params: params, refresh: refresh, leased: true}, nil
}

// MayIssue implements Fetcher.
func (r *reader) MayIssue() bool {
	m, _ := r.mounts.find(r.path)
	return !m.versioned && r.leased
}

// Fetch implements Fetcher.
func (r *reader) Fetch(ctx context.Context, e token.Epoch) (Result, error) {
	return r.atMount(ctx, r.path, e, func(m mount) (Result, error) {
		begun := time.Now()
		s, err := r.ask(ctx, r.id, client.Request{Method: http.MethodGet, Path: m.dataPath(r.path), Query: r.params}, e, m)
		if err != nil && !client.Absent(err) {
			return Result{}, err
		}
		if err != nil || s == nil || empty(s) || versionOf(s).deleted(time.Now()) {
			return Result{Warnings: warnings(s)}, r.missing(m, s, err)
		}
		held, err := r.leaseOf(s, begun, r.refresh)
		if err != nil {
			return Result{Warnings: s.Warnings}, err
		}
		r.leased = held.Leased()
		result := Result{Data: watch.Taint(s), Lease: held, Issued: isIssued(s), Warnings: s.Warnings}
		if v := versionOf(s); m.versioned && v.destroyed {
			result.Warnings = append(result.Warnings, fmt.Sprintf("version %s was destroyed, and has no data any more", v.number))
		}
		return result, nil
	})
}

// missing returns the error for what is not there: Vault's own where that says
// more.
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

// empty reports whether an answer has nothing in it but, perhaps, warnings.
func empty(s *watch.Secret) bool {
	return s.Data == nil && s.LeaseID == "" && s.Auth == nil && s.WrapInfo == nil
}

func warnings(s *watch.Secret) []string {
	if s == nil {
		return nil
	}
	return s.Warnings
}
