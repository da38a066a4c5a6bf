package consul

import (
	"net/http"

	"github.com/hashicorp/consul/api"

	"restencil/watch"
)

// fetchKey returns the pair, nil where the agent says that there is no such
// key. The library takes an empty list for that, which no agent sends.
func fetchKey(c *api.Client, q watch.Query, o *api.QueryOptions, _ *memory) (reply, error) {
	p, m, err := c.KV().Get(q.Name, o)
	switch {
	case err != nil:
		return reply{}, err
	case p != nil:
		return newReply(newKeyPair(q, p), m), nil
	case lastStatus(o.Context()) == http.StatusOK:
		return reply{}, errIncomplete
	default:
		return newReply(nil, m), nil
	}
}

// fetchPrefix returns every pair whose key begins with the query's name, in
// Consul's order, which is that of the keys' bytes.
func fetchPrefix(c *api.Client, q watch.Query, o *api.QueryOptions, m *memory) (reply, error) {
	pairs := lister[api.KVPair, watch.KeyPair]{
		convert: func(p *api.KVPair) (*watch.KeyPair, error) {
			if p == nil {
				return nil, errIncomplete
			}
			return newKeyPair(q, p), nil
		},
		quick: func(b []byte) (*watch.KeyPair, int) { return readPair(q.Name, b) },
	}
	return pairs.fetch(m.ofPairs(), o, func(o *api.QueryOptions) ([]*api.KVPair, *api.QueryMeta, error) {
		return c.KV().List(q.Name, o)
	})
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
