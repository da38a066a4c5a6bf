package fetch

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"

	"restencil/watch"
	"restencil/watch/blocking"
)

// A pair is a pair as Consul sends it.
type pair struct {
	watch.KeyPair
	Value []byte
}

func keyPath(key string) string { return "/v1/kv/" + strings.TrimPrefix(key, "/") }

// key returns the pair, nil if there is no such key.
func (c Requests) key(ctx context.Context, q blocking.Request) (blocking.Reply, error) {
	var pairs []*pair
	r, err := c.get(ctx, keyPath(q.Name), q, &pairs)
	switch {
	case blocking.Status(err) == http.StatusNotFound:
		return r, nil
	case err != nil:
		return r, err
	case len(pairs) == 0 || pairs[0] == nil:
		return r, blocking.ErrIncomplete
	}
	r.Data = newKeyPair(q.Name, pairs[0])
	return r, nil
}

// prefix returns the pairs whose keys begin with the query's name, by key.
func (c Requests) prefix(ctx context.Context, q blocking.Request) (blocking.Reply, error) {
	var last pair // its room is used again
	r, _, err := decodeList(ctx, c, keyPath(q.Name), url.Values{"recurse": {""}}, q, func(d *json.Decoder) (*watch.KeyPair, error) {
		last = pair{Value: last.Value[:0]}
		p := &last
		if err := d.Decode(&p); err != nil {
			return nil, err
		}
		if p == nil {
			return nil, blocking.ErrIncomplete
		}
		return newKeyPair(q.Name, p), nil
	})
	if blocking.Status(err) == http.StatusNotFound {
		r.Data, err = []*watch.KeyPair{}, nil
	}
	return r, err
}

func newKeyPair(of string, p *pair) *watch.KeyPair {
	k := p.KeyPair
	k.Path, k.Key, k.Value = k.Key, watch.RelativeKey(of, k.Key), string(p.Value)
	return &k
}
