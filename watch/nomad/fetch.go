package nomad

import (
	"cmp"
	"context"
	"net/url"
	"slices"

	"restencil/watch"
	"restencil/watch/blocking"
	"restencil/watch/dependency"
)

const defaultNamespace = "default"

// forKind returns how to put one query of a kind of Nomad's.
func (a *agent) forKind(kind watch.Kind) blocking.Kind {
	f := map[watch.Kind]blocking.Func{
		watch.NomadServiceList: a.services,
		watch.NomadService:     a.service,
		watch.NomadVarGet:      a.variable,
		watch.NomadVarList:     a.variables,
	}[kind]
	return blocking.Kind{Fetch: func(ctx context.Context, q blocking.Request) (blocking.Reply, error) {
		q.Namespace = cmp.Or(q.Namespace, a.options.Namespace)
		r, err := f(ctx, q)
		return r, a.explain(q.Query, err)
	}}
}

// services returns the services of the namespace, by name.
func (a *agent) services(ctx context.Context, q blocking.Request) (blocking.Reply, error) {
	var namespaces []struct {
		Services []struct {
			ServiceName string
			Tags        []string
		}
	}
	reply, _, err := a.get(ctx, "/v1/services", nil, q, &namespaces)
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
func (a *agent) service(ctx context.Context, q blocking.Request) (blocking.Reply, error) {
	params := url.Values{}
	if q.Params != "" {
		params.Set("choose", q.Params)
	}
	var found []struct {
		ID, ServiceName, NodeID, Address, Datacenter, JobID, AllocID string

		Port int
		Tags []string
	}
	reply, _, err := a.get(ctx, "/v1/service/"+q.Name, params, q, &found)
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
func (a *agent) variable(ctx context.Context, q blocking.Request) (blocking.Reply, error) {
	var v struct {
		watch.NomadVarMeta
		Items map[string]string
	}
	q.Namespace = cmp.Or(q.Namespace, defaultNamespace)
	reply, found, err := a.get(ctx, "/v1/var/"+q.Name, nil, q, &v)
	switch {
	case err != nil:
		return reply, err
	case found && v.Path == "":
		return reply, blocking.ErrIncomplete
	case found:
		reply.Data = dependency.NewNomadVariable(v.NomadVarMeta, v.Items).Items
	}
	return reply, nil
}

// variables returns the metadata of the variables whose paths begin with the query's
// name, by path.
func (a *agent) variables(ctx context.Context, q blocking.Request) (blocking.Reply, error) {
	params := url.Values{}
	if q.Name != "" {
		params.Set("prefix", q.Name)
	}
	list := []*watch.NomadVarMeta{}
	q.Namespace = cmp.Or(q.Namespace, defaultNamespace)
	reply, _, err := a.get(ctx, "/v1/vars", params, q, &list)
	if err != nil {
		return reply, err
	}
	if slices.Contains(list, nil) {
		return reply, blocking.ErrIncomplete
	}
	reply.Data = list
	return reply, nil
}
