package nomad

import (
	"cmp"
	"net/url"
	"slices"

	"github.com/hashicorp/consul/api"

	"restencil/watch"
	"restencil/watch/consul/fetch"
	"restencil/watch/dependency"
)

const defaultNamespace = "default"

// forKind returns how to put one query of a kind, ok is false for a kind that is not
// Nomad's.
func (a *agent) forKind(kind watch.Kind) (_ fetch.Kind, ok bool) {
	f, ok := map[watch.Kind]fetch.Func{
		watch.NomadServiceList: a.services,
		watch.NomadService:     a.service,
		watch.NomadVarGet:      a.variable,
		watch.NomadVarList:     a.variables,
	}[kind]
	if !ok {
		return fetch.Kind{}, false
	}
	return fetch.Kind{Fetch: func(q watch.Query, o *api.QueryOptions) (fetch.Reply, error) {
		o.Namespace = q.Namespace
		if q.Namespace == "" {
			o.Namespace = a.options.Namespace
		}
		q.Namespace = o.Namespace
		r, err := f(q, o)
		return r, a.explain(q, err)
	}}, true
}

// services returns the services of the namespace, by name.
func (a *agent) services(_ watch.Query, o *api.QueryOptions) (fetch.Reply, error) {
	var namespaces []struct {
		Services []struct {
			ServiceName string
			Tags        []string
		}
	}
	reply, _, err := a.get("/v1/services", url.Values{}, o, &namespaces)
	if err != nil {
		return reply, err
	}
	list := []*watch.NomadServicesSnippet{}
	if len(namespaces) > 0 { // templates see the first only (COMPAT 3.6, quirk Q50)
		for _, s := range namespaces[0].Services {
			list = append(list, &watch.NomadServicesSnippet{Name: s.ServiceName, Tags: watch.SortedTags(s.Tags)})
		}
	}
	slices.SortStableFunc(list, func(a, b *watch.NomadServicesSnippet) int { return cmp.Compare(a.Name, b.Name) })
	reply.Data = list
	return reply, nil
}

// service returns the instances of a service that have the query's tag.
func (a *agent) service(q watch.Query, o *api.QueryOptions) (fetch.Reply, error) {
	params := url.Values{}
	if q.Params != "" {
		params.Set("choose", q.Params)
	}
	var found []struct {
		ID, ServiceName, NodeID, Address, Datacenter, JobID, AllocID string

		Port int
		Tags []string
	}
	reply, _, err := a.get("/v1/service/"+q.Name, params, o, &found)
	if err != nil {
		return reply, err
	}
	list := []*watch.NomadServiceInstance{}
	for _, s := range found {
		if q.Tag != "" && !slices.Contains(s.Tags, q.Tag) {
			continue
		}
		list = append(list, &watch.NomadServiceInstance{
			ID: s.ID, Name: s.ServiceName, Node: s.NodeID, Address: s.Address, Port: s.Port,
			Datacenter: s.Datacenter, Tags: watch.SortedTags(s.Tags), JobID: s.JobID, AllocID: s.AllocID,
		})
	}
	slices.SortStableFunc(list, func(a, b *watch.NomadServiceInstance) int { return cmp.Compare(a.Name, b.Name) })
	reply.Data = list
	return reply, nil
}

// variable returns the items of a variable, nil if there is no such variable.
func (a *agent) variable(q watch.Query, o *api.QueryOptions) (fetch.Reply, error) {
	var v struct {
		watch.NomadVarMeta
		Items map[string]string
	}
	o.Namespace = cmp.Or(o.Namespace, defaultNamespace)
	reply, found, err := a.get("/v1/var/"+q.Name, url.Values{}, o, &v)
	switch {
	case err != nil:
		return reply, err
	case found && v.Path == "":
		return reply, fetch.ErrIncomplete
	case found:
		reply.Data = dependency.NewNomadVariable(v.NomadVarMeta, v.Items).Items
	}
	return reply, nil
}

// variables returns the metadata of the variables whose paths begin with the query's
// name, by path.
func (a *agent) variables(q watch.Query, o *api.QueryOptions) (fetch.Reply, error) {
	params := url.Values{}
	if q.Name != "" {
		params.Set("prefix", q.Name)
	}
	list := []*watch.NomadVarMeta{}
	o.Namespace = cmp.Or(o.Namespace, defaultNamespace)
	reply, _, err := a.get("/v1/vars", params, o, &list)
	if err != nil {
		return reply, err
	}
	if slices.Contains(list, nil) {
		return reply, fetch.ErrIncomplete
	}
	reply.Data = list
	return reply, nil
}
