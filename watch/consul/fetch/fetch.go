package fetch

import (
	"errors"
	"slices"
	"time"

	"github.com/hashicorp/consul/api"

	"restencil/watch"
)

// A Func puts a query to the agent once, with the given options, and returns the
// reply with data as templates see it. It may remember replies, and is for one
// query at a time.
type Func func(*api.Client, watch.Query, *api.QueryOptions) (Reply, error)

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

// ForReading is ForKind for queries that are read when package discovery says so:
// the replies have the instances of services in every state.
func ForReading(k watch.Kind) (_ Kind, ok bool) {
	if k == watch.ServiceHealth || k == watch.ConnectHealth {
		return Kind{Fetch: (&instanceCache{whole: true}).fetch}, true
	}
	return ForKind(k)
}

// ForKind returns how a query of this kind is put to the agent; ok is false for
// those that are not Consul's. What it returns is for one query.
func ForKind(k watch.Kind) (_ Kind, ok bool) {
	switch k {
	case watch.KVGet:
		return Kind{Fetch: fetchKey}, true
	case watch.KVList:
		return Kind{Fetch: fetchPrefix}, true
	case watch.ServiceHealth, watch.ConnectHealth:
		return Kind{Fetch: new(instanceCache).fetch}, true
	case watch.ServiceList:
		return Kind{Fetch: fetchServices}, true
	case watch.NodeServices:
		return Kind{Fetch: fetchNode}, true
	case watch.NodeList:
		return Kind{Fetch: fetchNodes}, true
	case watch.DatacenterList:
		return Kind{Fetch: fetchDatacenters, Polled: true}, true
	case watch.CARootList:
		return Kind{Fetch: fetchRoots}, true
	case watch.CALeafCert:
		return Kind{Fetch: fetchLeaf}, true
	case watch.PeeringList:
		return Kind{Fetch: fetchPeerings}, true
	case watch.PartitionList:
		return Kind{Fetch: fetchPartitions, Polled: true}, true
	case watch.ExportedServiceList:
		return Kind{Fetch: fetchExported}, true
	case watch.ImportedServiceList:
		return Kind{Fetch: fetchImported}, true
	default:
		return Kind{}, false
	}
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
