package consul

import (
	"github.com/hashicorp/consul/api"

	"restencil/watch"
)

func fetchKey(c *api.Client, q watch.Query, o *api.QueryOptions) (reply, error) {
	p, m, err := c.KV().Get(q.Name, o)
	if err != nil {
		return reply{}, err
	}
	if p == nil {
		return newReply(nil, m), nil
	}
	return newReply(newKeyPair(q, p), m), nil
}

// fetchPrefix returns every pair whose key begins with the query's name, in
// Consul's order, which is that of the keys' bytes.
func fetchPrefix(c *api.Client, q watch.Query, o *api.QueryOptions) (reply, error) {
	pairs, m, err := c.KV().List(q.Name, o)
	if err != nil {
		return reply{}, err
	}
	if err := whole(pairs); err != nil {
		return reply{}, err
	}
	list := make([]*watch.KeyPair, 0, len(pairs))
	for _, p := range pairs {
		list = append(list, newKeyPair(q, p))
	}
	return newReply(list, m), nil
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
