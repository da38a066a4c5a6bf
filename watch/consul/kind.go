package consul

import (
	"errors"
	"slices"

	"github.com/hashicorp/consul/api"

	"restencil/watch"
)

// A fetch puts a query to the agent once, with the given options, and returns
// the reply with data as templates see it. It knows nothing of watching.
type fetch func(*api.Client, watch.Query, *api.QueryOptions) (reply, error)

// A kind says how one kind of query is kept current.
type kind struct {
	fetch  fetch
	polled bool // the endpoint cannot block
}

// kindOf returns how a query of this kind is kept; ok is false for those that
// are not Consul's. What it returns is for one query: it may remember replies.
func kindOf(k watch.Kind) (_ kind, ok bool) {
	switch k {
	case watch.KVGet:
		return kind{fetch: fetchKey}, true
	case watch.KVList:
		return kind{fetch: fetchPrefix}, true
	case watch.ServiceHealth:
		return kind{fetch: new(instanceCache).fetchService}, true
	case watch.ConnectHealth:
		return kind{fetch: new(instanceCache).fetchConnect}, true
	case watch.ServiceList:
		return kind{fetch: fetchServices}, true
	case watch.NodeServices:
		return kind{fetch: fetchNode}, true
	case watch.NodeList:
		return kind{fetch: fetchNodes}, true
	case watch.DatacenterList:
		return kind{fetch: fetchDatacenters, polled: true}, true
	case watch.CARootList:
		return kind{fetch: fetchRoots}, true
	case watch.CALeafCert:
		return kind{fetch: fetchLeaf}, true
	case watch.PeeringList:
		return kind{fetch: fetchPeerings}, true
	case watch.PartitionList:
		return kind{fetch: fetchPartitions, polled: true}, true
	case watch.ExportedServiceList:
		return kind{fetch: fetchExported}, true
	case watch.ImportedServiceList:
		return kind{fetch: fetchImported}, true
	default:
		return kind{}, false
	}
}

// newReply returns data with what the reply's headers say.
func newReply(data any, m *api.QueryMeta) reply {
	return reply{data: data, index: m.LastIndex, contact: m.LastContact, filtered: m.ResultsFilteredByACLs}
}

// errIncomplete says that a reply is JSON, but not what was asked for.
var errIncomplete = errors.New("the reply lacks what it should hold")

// whole returns an error where a list is null, or has null among its elements.
func whole[T any](list []*T) error {
	if list == nil || slices.Contains(list, nil) {
		return errIncomplete
	}
	return nil
}
