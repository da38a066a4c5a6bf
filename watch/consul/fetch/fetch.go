package fetch

import (
	"errors"
	"slices"
	"time"

	"github.com/hashicorp/consul/api"

	"restencil/watch"
	"restencil/watch/consul/discovery"
)

// A Func puts a query to the agent once, with the given options, and returns the
// reply with data as templates see it. It may remember replies, and is for one
// query at a time.
type Func func(watch.Query, *api.QueryOptions) (Reply, error)

// A method is a Func for any agent.
type method func(*api.Client, watch.Query, *api.QueryOptions) (Reply, error)

// of returns m for the agent of a client.
func (m method) of(c *api.Client) Func {
	return func(q watch.Query, o *api.QueryOptions) (Reply, error) { return m(c, q, o) }
}

// A Reply is what the agent said to a query.
type Reply struct {
	Data     any
	Index    uint64        // to wait on; 0 where there is none
	Contact  time.Duration // since the server that answered heard from its leader
	Filtered bool          // something was left out that the token may not see

	// Instances are those of a service whatever their state, where
	// ForReading asks for them.
	Instances []*watch.HealthService
}

// A Kind says how one kind of query is put to the agent.
type Kind struct {
	Fetch  Func
	Polled bool // the endpoint cannot block
}

// Requests say how queries are put to one agent. Its fields are functions, which
// have the library's client, and not that itself: of a type in a type that is in
// an interface the linker keeps all methods, which is 1 MB here.
type Requests struct {
	// ForKind returns how a query of a kind is put; ok is false for those that are
	// not Consul's. What it returns is for one query.
	ForKind func(watch.Kind) (_ Kind, ok bool)

	// ForReading is ForKind for queries that are read when package discovery says
	// so: the replies have the instances of services in every state.
	ForReading func(watch.Kind) (_ Kind, ok bool)

	// ForSource returns how to ask for what package discovery compares. The data
	// of the replies is what its methods take.
	ForSource func(discovery.Source) Func

	// Witness asks for nothing, cheaply. It fails where the servers cannot be
	// reached, or do not know the token, which the agent's view of a service does
	// not tell.
	Witness Func
}

// New returns how queries are put to the agent that c reaches, over a Transport.
func New(c *api.Client) Requests {
	return Requests{
		ForKind:    func(k watch.Kind) (Kind, bool) { return forKind(c, k, false) },
		ForReading: func(k watch.Kind) (Kind, bool) { return forKind(c, k, true) },
		ForSource:  func(s discovery.Source) Func { return forSource(s).of(c) },
		Witness:    witness.of(c),
	}
}

func forKind(c *api.Client, k watch.Kind, reading bool) (_ Kind, ok bool) {
	var m method
	polled := false
	switch k {
	case watch.KVGet:
		m = fetchKey
	case watch.KVList:
		m = fetchPrefix
	case watch.ServiceHealth, watch.ConnectHealth:
		m = (&instanceCache{whole: reading}).fetch
	case watch.ServiceList:
		m = fetchServices
	case watch.NodeServices:
		m = fetchNode
	case watch.NodeList:
		m = fetchNodes
	case watch.DatacenterList:
		m, polled = fetchDatacenters, true
	case watch.CARootList:
		m = fetchRoots
	case watch.CALeafCert:
		m = fetchLeaf
	case watch.PeeringList:
		m = fetchPeerings
	case watch.PartitionList:
		m, polled = fetchPartitions, true
	case watch.ExportedServiceList:
		m = fetchExported
	case watch.ImportedServiceList:
		m = fetchImported
	default:
		return Kind{}, false
	}
	return Kind{Fetch: m.of(c), Polled: polled}, true
}

// newReply returns data with what the reply's headers say.
func newReply(data any, m *api.QueryMeta) Reply {
	return Reply{Data: data, Index: m.LastIndex, Contact: m.LastContact, Filtered: m.ResultsFilteredByACLs}
}

// Status returns the HTTP status of a refused request, 0 where err is something
// else.
func Status(err error) int {
	var s api.StatusError
	if errors.As(err, &s) {
		return s.Code
	}
	return 0
}

// ErrNoAnswer is why a request ends whose answer does not begin in time.
var ErrNoAnswer = errors.New("no answer")

// ErrIncomplete says that a reply is JSON, but not what was asked for.
var ErrIncomplete = errors.New("the reply lacks what it should hold")

// convert returns what templates see of each element of a list. Where err is set,
// there is no list.
func convert[A, B any](list []*A, err error, to func(*A) B) ([]B, error) {
	if err == nil {
		err = whole(list)
	}
	if err != nil {
		return nil, err
	}
	converted := make([]B, len(list))
	for i, element := range list {
		converted[i] = to(element)
	}
	return converted, nil
}

// whole returns an error where a list is null, or has null among its elements.
func whole[T any](list []*T) error {
	if list == nil || slices.Contains(list, nil) {
		return ErrIncomplete
	}
	return nil
}
