package vault

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"restencil/watch"
)

// A lister is the subject of a VaultList query.
type lister struct {
	path    string
	refresh time.Duration
}

// newLister reads a path. It is no URL, but that what ends in ?refresh=30s says
// how often it is listed.
func newLister(q watch.Query) (*lister, error) {
	path, text, _ := strings.Cut(q.Name, "?refresh=")
	refresh, err := refreshOf(text)
	return &lister{path: path, refresh: refresh}, err
}

func (l *lister) at() string { return l.path }
func (*lister) alone() bool  { return false }

// ask implements subject.
func (l *lister) ask(ctx context.Context, v visit) (outcome, error) {
	s, err := v.ask(ctx, request{
		method: http.MethodGet, path: v.mount.listPath(l.path), query: url.Values{"list": {"true"}},
	})
	if err != nil && !absent(err) {
		return outcome{}, err
	}
	names, err := namesOf(s)
	return outcome{
		data: names, refresh: l.refresh, absent: s == nil || s.Data == nil, warnings: warnings(s),
	}, err
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
		return nil, fmt.Errorf("unexpected response: its keys are no list of names")
	}
	slices.Sort(names)
	return names, nil
}
