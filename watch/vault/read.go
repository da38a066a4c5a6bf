package vault

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"

	"restencil/watch"
)

// A reader is the subject of a VaultRead query.
type reader struct {
	path    string
	params  url.Values
	refresh time.Duration // zero: as the answer says

	last *watch.Secret // the newest answer; nil: none, or none to compare with
}

func newReader(q watch.Query) (*reader, error) {
	params, err := url.ParseQuery(q.Params)
	if err != nil {
		return nil, err
	}
	refresh, err := refreshOf(params.Get("refresh"))
	if err != nil {
		return nil, err
	}
	params.Del("refresh")
	return &reader{path: q.Name, params: params, refresh: refresh}, nil
}

func (r *reader) at() string { return r.path }
func (*reader) alone() bool  { return false }

// ask implements subject. A version of a secret is read again only when the
// secret's metadata says that it is another one by now.
func (r *reader) ask(ctx context.Context, v visit) (outcome, error) {
	path := v.mount.dataPath(r.path)
	blind := false
	if meta, ok := r.comparable(v, path); ok {
		same, may, err := r.unchanged(ctx, v, meta)
		if err != nil {
			return outcome{}, err
		}
		if same {
			return outcome{same: true, refresh: r.refresh}, nil
		}
		blind = !may
	}
	o, err := r.read(ctx, v, path)
	o.blind = blind
	return o, err
}

// comparable returns where there is metadata that tells whether the newest
// answer is still so.
func (r *reader) comparable(v visit, path string) (string, bool) {
	for param := range r.params {
		if param != "version" {
			return "", false
		}
	}
	meta, ok := v.mount.metadataPath(path)
	return meta, ok && r.last != nil && !v.blind
}

// unchanged asks for the metadata of the secret: may it be read, and is the
// newest answer what it describes?
func (r *reader) unchanged(ctx context.Context, v visit, path string) (same, may bool, err error) {
	meta, err := v.ask(ctx, request{method: http.MethodGet, path: path})
	var answer *responseError
	switch {
	case err == nil:
		return current(r.last, meta, r.params.Get("version"), time.Now()), true, nil
	case refusedToken(err):
		return false, true, err
	case errors.As(err, &answer) && answer.Status == http.StatusForbidden:
		return false, false, nil
	case absent(err):
		return false, true, nil
	}
	return false, true, err
}

func (r *reader) read(ctx context.Context, v visit, path string) (outcome, error) {
	s, err := v.ask(ctx, request{method: http.MethodGet, path: path, query: r.params})
	if err != nil && !absent(err) {
		return outcome{}, err
	}
	if err != nil || s == nil || empty(s) || deleted(s, time.Now()) {
		r.last = nil
		return outcome{warnings: warnings(s)}, missing(r.path, err)
	}
	r.last = s
	return outcome{
		data: watch.Taint(s), secret: s, refresh: r.refresh,
		made: issued(s), warnings: s.Warnings,
	}, nil
}

// missing returns the error for what is not there: Vault's own where that says
// more.
func missing(path string, err error) error {
	var answer *responseError
	if errors.As(err, &answer) && len(answer.Messages) > 0 {
		return err
	}
	return &missingError{path}
}

// empty tells whether an answer has nothing in it but, perhaps, warnings.
func empty(s *watch.Secret) bool {
	return s.Data == nil && s.LeaseID == "" && s.Auth == nil && s.WrapInfo == nil
}

func warnings(s *watch.Secret) []string {
	if s == nil {
		return nil
	}
	return s.Warnings
}
