// Package fetch puts queries to a Consul agent, each once, and decodes the
// replies: what templates see of keys, services, nodes and the rest, and what
// package discovery compares. The client needs a [Transport].
package fetch

import (
	"errors"
	"reflect"
	"time"

	"github.com/hashicorp/consul/api"

	"restencil/watch"
	"restencil/watch/consul/discovery"
)

// A Func puts a query to the agent once and returns the reply, with data as
// templates see it. It may cache parts of replies, and is for one query, and one
// call at a time.
type Func func(watch.Query, *api.QueryOptions) (Reply, error)

// A method is a Func for any agent.
type method func(*api.Client, watch.Query, *api.QueryOptions) (Reply, error)

// of returns m for the agent of a client.
func (m method) of(c *api.Client) Func {
	return func(q watch.Query, o *api.QueryOptions) (Reply, error) { return m(c, q, o) }
}

// A Reply is the agent's reply to a query.
type Reply struct {
	Data     any
	Index    uint64        // to wait on; 0 where there is none
	Contact  time.Duration // since the server that answered heard from its leader
	Filtered bool          // something was left out that the token may not read

	// Instances are those of a service in any state, where ForReading asks for them.
	Instances []*watch.HealthService
}

// A Kind says how one kind of query is put to the agent.
type Kind struct {
	Fetch  Func
	Polled bool // the endpoint cannot block
}

// Requests put queries to one agent. The fields are functions, so that no interface
// holds the library's client: the linker would keep all its methods, 1 MB.
type Requests struct {
	// ForKind returns how to put one query of a kind; ok is false for a kind that
	// is not Consul's.
	ForKind func(watch.Kind) (_ Kind, ok bool)

	// ForReading is ForKind with replies that have the instances of services in
	// every state, as package discovery needs them.
	ForReading func(watch.Kind) (_ Kind, ok bool)

	// ForSource returns how to ask for a source of package discovery. The data
	// of the replies is what its methods take.
	ForSource func(discovery.Source) Func

	// Witness asks for an empty list. It fails if the servers cannot be reached or
	// do not know the token.
	Witness Func
}

// New returns the requests to the agent that c reaches, over a Transport.
func New(c *api.Client) Requests {
	return Requests{
		ForKind:    func(k watch.Kind) (Kind, bool) { return forKind(c, k, false) },
		ForReading: func(k watch.Kind) (Kind, bool) { return forKind(c, k, true) },
		ForSource:  func(s discovery.Source) Func { return forSource(s).of(c) },
		Witness:    witness.of(c),
	}
}

func forKind(c *api.Client, k watch.Kind, reading bool) (_ Kind, ok bool) {
	instances := (&instanceCache{all: reading}).fetch
	m, ok := map[watch.Kind]method{
		watch.KVGet:               fetchKey,
		watch.KVList:              fetchPrefix,
		watch.ServiceHealth:       instances,
		watch.ConnectHealth:       instances,
		watch.ServiceList:         fetchServices,
		watch.NodeServices:        fetchNode,
		watch.NodeList:            fetchNodes,
		watch.DatacenterList:      fetchDatacenters,
		watch.CARootList:          fetchRoots,
		watch.CALeafCert:          fetchLeaf,
		watch.PeeringList:         fetchPeerings,
		watch.PartitionList:       fetchPartitions,
		watch.ExportedServiceList: fetchExported,
		watch.ImportedServiceList: fetchImported,
	}[k]
	return Kind{Fetch: m.of(c), Polled: k == watch.DatacenterList || k == watch.PartitionList}, ok
}

// newReply returns data with what the reply's headers say, or err where that is not
// nil.
func newReply(data any, m *api.QueryMeta, err error) (Reply, error) {
	if err != nil {
		return Reply{}, err
	}
	return Reply{Data: data, Index: m.LastIndex, Contact: m.LastContact, Filtered: m.ResultsFilteredByACLs}, nil
}

// Status returns the HTTP status that err reports, 0 if it reports none.
func Status(err error) int {
	s, _ := errors.AsType[api.StatusError](err)
	return s.Code
}

// ErrNoAnswer ends a request whose reply does not begin in time.
var ErrNoAnswer = errors.New("no answer")

// ErrIncomplete reports a reply that is JSON, but lacks what was asked for.
var ErrIncomplete = errors.New("the reply is incomplete")

// convert returns what templates see of each element of a list, or err where that is
// not nil. The list must not be null, nor have null among its elements.
func convert[A, B any](list []A, err error, to func(A) B) ([]B, error) {
	if err != nil {
		return nil, err
	}
	if list == nil {
		return nil, ErrIncomplete
	}
	converted := make([]B, len(list))
	for i, element := range list {
		if reflect.ValueOf(element).IsZero() {
			return nil, ErrIncomplete
		}
		converted[i] = to(element)
	}
	return converted, nil
}
