package requester

import (
	"errors"
	"fmt"
	"net"
	"strings"

	"restencil/watch"
	"restencil/watch/blocking"
)

// outcomes returns what an attempt of q shows about the agent and about the servers
// behind it. If there is no reply from a datacenter that q names, the agent may be
// waiting for its servers. Most 5xx replies mean that there is no leader, or that no server can be reached. A
// reply that breaks off or makes no sense counts as a failure of the servers, too. A
// reply without a leader is unclear: a consistent read follows it.
func outcomes(q watch.Query, a *blocking.Attempt, r reply, err error) (agent, servers outcome) {
	switch {
	case a.Reached.Load():
		agent = works
	case q.Datacenter != "" && errors.Is(err, blocking.ErrNoAnswer):
		return unclear, fails
	default:
		agent = fails
	}
	switch status := blocking.Status(err); {
	case err == nil && r.Leader == blocking.NoLeader:
	case err == nil:
		servers = works
	case status >= 500,
		status == 0 && agent == works && !errors.Is(err, blocking.ErrTooMuch) && !errors.As(err, new(FilteredError)):
		servers = fails
	}
	return agent, servers
}

// concernsAll reports whether an error of q concerns all queries: the agent cannot be
// reached, or it cannot reach the servers of its datacenter.
func concernsAll(q watch.Query, err error) bool {
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "dial" {
		return true
	}
	text := err.Error()
	return q.Datacenter == "" && q.Peer == "" && blocking.Status(err) >= 500 &&
		(strings.Contains(text, "No cluster leader") || strings.Contains(text, "No known Consul servers"))
}

// A FilteredError reports a reply with less than the one before, because the token may
// not read the rest any more.
type FilteredError struct{ Query watch.Query }

// Error implements error.
func (e FilteredError) Error() string {
	return "Consul leaves out what the token may not read any more (X-Consul-Results-Filtered-By-ACLs); the token needs " + rights(e.Query)
}

// Partial returns why a reply to q may lack something, for watch.Answer.
func Partial(q watch.Query, r blocking.Reply) string {
	if !r.Filtered {
		return ""
	}
	return "Consul leaves out what the token may not read (the answer may be incomplete; the token needs " + rights(q) + ")"
}

// rights returns the rules that a token needs for a complete answer to q.
func rights(q watch.Query) string {
	read := func(what string) string { return what + ` { policy = "read" }` }
	switch q.Kind {
	case watch.KVGet:
		return read(fmt.Sprintf("key %q", q.Name))
	case watch.KVList:
		return read(fmt.Sprintf("key_prefix %q", q.Name))
	case watch.ServiceHealth, watch.ConnectHealth:
		return read(fmt.Sprintf("service %q", q.Name)) + " and " + read(`node_prefix ""`)
	case watch.NodeServices:
		return read(fmt.Sprintf("node %q", q.Name)) + " and " + read(`service_prefix ""`)
	case watch.ServiceList:
		return read(`service_prefix ""`) + " and " + read(`node_prefix ""`)
	case watch.NodeList:
		return read(`node_prefix ""`)
	case watch.PeeringList:
		return `peering = "read"`
	default:
		return read(`service_prefix ""`)
	}
}
