package fetch

import (
	"net/http"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/hashicorp/consul/api"

	"restencil/watch"
)

// fetchKey returns the pair, nil if there is no such key. The library also takes an
// empty list for that, which no agent sends.
func fetchKey(c *api.Client, q watch.Query, o *api.QueryOptions) (Reply, error) {
	var e exchange
	p, m, err := c.KV().Get(q.Name, e.in(o))
	switch {
	case err != nil:
		return Reply{}, err
	case p != nil:
		return newReply(newKeyPair(q, p), m, nil)
	case e.status == http.StatusOK:
		return Reply{}, ErrIncomplete
	default:
		return newReply(nil, m, nil)
	}
}

// fetchPrefix returns the pairs whose keys begin with the query's name, by key.
func fetchPrefix(c *api.Client, q watch.Query, o *api.QueryOptions) (Reply, error) {
	request := func(o *api.QueryOptions) (api.KVPairs, *api.QueryMeta, error) { return c.KV().List(q.Name, o) }
	var last api.KVPair // its room is used again
	list, m, err := fetchList(o, request, func(d *jsontext.Decoder) (*watch.KeyPair, error) {
		last = api.KVPair{Value: last.Value[:0]}
		p := &last
		if err := json.UnmarshalDecode(d, &p); err != nil {
			return nil, err
		}
		if p == nil {
			return nil, ErrIncomplete
		}
		return newKeyPair(q, p), nil
	})
	return newReply(list, m, err)
}

func newKeyPair(q watch.Query, p *api.KVPair) *watch.KeyPair {
	return &watch.KeyPair{
		Path:        p.Key,
		Key:         watch.RelativeKey(q.Name, p.Key),
		Value:       string(p.Value),
		CreateIndex: p.CreateIndex,
		ModifyIndex: p.ModifyIndex,
		LockIndex:   p.LockIndex,
		Flags:       p.Flags,
		Session:     p.Session,
	}
}
