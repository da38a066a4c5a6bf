package funcs

import (
	"errors"
	"fmt"
	"strings"
	"text/template"

	"restencil/watch"
)

// nomad has the functions that query Nomad (COMPAT 3.6).
type nomad struct{ env *Env }

func (e *Env) nomadFuncs() template.FuncMap {
	n := nomad{e}
	return template.FuncMap{
		"nomadServices": func(args ...string) ([]*watch.NomadServicesSnippet, error) {
			list, _, err := askFor[[]*watch.NomadServicesSnippet](n.env, watch.NomadServiceList, strings.Join(args, ""))
			return list, err // nil without an answer
		},
		"nomadService": n.service,
		"nomadVar": func(arg string) (watch.NomadVarItems, error) {
			return askExisting[watch.NomadVarItems](n.env, watch.NomadVarGet, arg) // nil without an answer
		},
		"nomadVarExists": func(arg string) (bool, error) {
			if arg == "" {
				return false, nil
			}
			items, _, err := askFor[watch.NomadVarItems](n.env, watch.NomadVarGet, arg)
			return items != nil, err
		},
		"nomadVarList":     n.variables(false),
		"nomadVarListSafe": n.variables(true),
	}
}

// service returns the instances of a service, nil without an answer. Its arguments
// are the service, or the number of instances to choose, a key that decides which,
// and the service.
func (n nomad) service(args ...any) ([]*watch.NomadServiceInstance, error) {
	var params string
	switch len(args) {
	case 1:
	case 3:
		count, ok := args[0].(int)
		if !ok {
			return nil, errors.New("expected integer for <count> argument")
		}
		key, ok := args[1].(string)
		if !ok {
			return nil, errors.New("expected string for <key> argument")
		}
		params = fmt.Sprintf("%d|%s", count, key)
	default:
		return nil, errors.New("expected arguments <service> or <count> <key> <service>")
	}
	name, ok := args[len(args)-1].(string)
	if !ok {
		return nil, errors.New("expected string for <service> argument")
	}
	q, err := parse(watch.NomadService, name)
	if err != nil {
		return nil, err
	}
	q.Params = params
	list, _, err := ask[[]*watch.NomadServiceInstance](n.env, q)
	return list, err
}

// variables returns a function that lists the metadata of the variables below a
// prefix. With must, an empty list is incomplete.
func (n nomad) variables(must bool) func(prefix ...string) ([]*watch.NomadVarMeta, error) {
	return func(prefix ...string) ([]*watch.NomadVarMeta, error) {
		if len(prefix) > 1 {
			return nil, fmt.Errorf("nomadVarList takes either a single \"prefix\" parameter "+
				"or none for all available variables; got: %q", prefix)
		}
		q, err := parse(watch.NomadVarList, strings.Join(prefix, ""))
		if err != nil {
			return nil, err
		}
		list, known, err := ask[[]*watch.NomadVarMeta](n.env, q)
		if known && must && len(list) == 0 {
			n.env.execution.Incomplete(q)
		}
		if list == nil {
			list = []*watch.NomadVarMeta{}
		}
		return list, err
	}
}
