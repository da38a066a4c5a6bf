package consul

import (
	"github.com/hashicorp/consul/api"

	"restencil/watch"
)

func fetchRoots(c *api.Client, _ watch.Query, o *api.QueryOptions) (reply, error) {
	roots, m, err := c.Agent().ConnectCARoots(o)
	if err != nil {
		return reply{}, err
	}
	if err := whole(roots.Roots); err != nil {
		return reply{}, err
	}
	return newReply(roots.Roots, m), nil
}

func fetchLeaf(c *api.Client, q watch.Query, o *api.QueryOptions) (reply, error) {
	leaf, m, err := c.Agent().ConnectCALeaf(q.Name, o)
	if err != nil {
		return reply{}, err
	}
	if leaf.CertPEM == "" || leaf.PrivateKeyPEM == "" {
		return reply{}, errIncomplete
	}
	return newReply(leaf, m), nil
}
