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
	*Requester
	id      watch.ID
	path    string
	params  url.Values
	refresh time.Duration // zero: as the answer says

	last   *watch.Secret // the newest answer; nil: none, or none to compare with
	leased bool          // that is leased, or there is none
}

func newReader(q watch.Query, r *Requester) (*reader, error) {
	params, err := url.ParseQuery(q.Params)
	if err != nil {
		return nil, err
	}
	refresh, err := refreshOf(params.Get("refresh"))
	if err != nil {
		return nil, err
	}
	params.Del("refresh")
	return &reader{Requester: r, id: q.ID(), path: q.Name, params: params, refresh: refresh, leased: true}, nil
}

// Offline implements Fetcher.
func (*reader) Offline() bool { return false }

// MayIssue implements Fetcher.
func (r *reader) MayIssue() bool {
	m, _ := r.mounts.find(r.path, 0, time.Time{})
	return !m.versioned && r.leased
}

// Fetch implements Fetcher. A version of a secret is read again only when the
// secret's metadata says that it is another one by now.
func (r *reader) Fetch(ctx context.Context, e token.Epoch) (Result, error) {
	return r.atMount(ctx, r.path, e, func(m mount) (Result, error) {
		path := m.dataPath(r.path)
		if meta, ok := r.comparable(m, path); ok {
			begun := time.Now()
			same, err := r.unchanged(ctx, e, m, meta)
			if err != nil {
				return Result{}, err
			}
			if same {
				held, err := r.leaseOf(nil, begun, r.refresh)
				return Result{Same: true, Lease: held}, err
			}
		}
		return r.read(ctx, e, m, path)
	})
}

// comparable returns where there is metadata that tells whether the newest
// answer is still so.
func (r *reader) comparable(m mount, path string) (string, bool) {
	for param := range r.params {
		if param != "version" {
			return "", false
		}
	}
	meta, ok := m.metadataPath(path)
	return meta, ok && r.last != nil && !r.mounts.blind(r.path)
}

// unchanged asks for the metadata of the secret: is the newest answer what it
// describes? Where that must not be read, nobody knows.
func (r *reader) unchanged(ctx context.Context, e token.Epoch, m mount, path string) (bool, error) {
	meta, err := r.ask(ctx, r.id, client.Request{Method: http.MethodGet, Path: path}, e, m)
	switch {
	case err == nil:
		return current(r.last, meta, r.params.Get("version"), time.Now()), nil
	case client.Absent(err):
		return false, nil
	case client.Status(err) == http.StatusForbidden && !client.RefusedToken(err):
		r.mounts.setBlind(r.path)
		return false, nil
	}
	return false, err
}

func (r *reader) read(ctx context.Context, e token.Epoch, m mount, path string) (Result, error) {
	begun := time.Now()
	s, err := r.ask(ctx, r.id, client.Request{Method: http.MethodGet, Path: path, Query: r.params}, e, m)
	if err != nil && !client.Absent(err) {
		return Result{}, err
	}
	if err != nil || s == nil || empty(s) || deleted(s, time.Now()) {
		r.last = nil
		return Result{Warnings: warnings(s)}, r.missing(m, s, err)
	}
	held, err := r.leaseOf(s, begun, r.refresh)
	if err != nil {
		return Result{Warnings: s.Warnings}, err
	}
	r.last, r.leased = s, held.Leased()
	result := Result{Data: watch.Taint(s), Lease: held, Issued: isIssued(s), Warnings: s.Warnings}
	if about, _ := s.Data["metadata"].(map[string]any); m.versioned && about["destroyed"] == true {
		result.Warnings = append(result.Warnings, fmt.Sprintf("version %s was destroyed, and has no data any more", text(about["version"])))
	}
	return result, nil
}

// missing returns the error for what is not there: Vault's own where that says
// more.
func (r *reader) missing(m mount, s *watch.Secret, err error) error {
	var reply *client.ResponseError
	if errors.As(err, &reply) && len(reply.Messages) > 0 {
		return err
	}
	missing := &MissingError{Path: r.path}
	switch version := r.params.Get("version"); {
	case s != nil && deleted(s, time.Now()):
		about := s.Data["metadata"].(map[string]any)
		missing.Why = fmt.Sprintf("version %s was deleted at %s, and can be undeleted", text(about["version"]), text(about["deletion_time"]))
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
