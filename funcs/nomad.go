package funcs

import (
	"errors"
	"fmt"
	"strings"
	"text/template"

	"restencil/watch"
)

// nomadFuncs returns the functions that ask Nomad (COMPAT 3.6).
func (e *Env) nomadFuncs() template.FuncMap {
	return template.FuncMap{
		"nomadServices":    e.nomadServices,
		"nomadService":     e.nomadService,
		"nomadVar":         e.nomadVar,
		"nomadVarExists":   e.nomadVarExists,
		"nomadVarList":     e.nomadVarList,
		"nomadVarListSafe": e.nomadVarListSafe,
	}
}

// nomadServices returns the names of all services, nil as long as nothing is
// known.
func (e *Env) nomadServices(args ...string) ([]*watch.NomadServicesSnippet, error) {
	q, err := parseNomadServices(strings.Join(args, ""))
	if err != nil {
		return nil, err
	}
	list, _, err := ask[[]*watch.NomadServicesSnippet](e, q)
	return list, err
}

// nomadService returns the instances of a service, nil as long as nothing is
// known. Its arguments are the service, or how many instances to choose, a
// text that decides which, and the service.
func (e *Env) nomadService(args ...any) ([]*watch.NomadServiceInstance, error) {
	q, err := nomadServiceQuery(args)
	if err != nil {
		return nil, err
	}
	list, _, err := ask[[]*watch.NomadServiceInstance](e, q)
	return list, err
}

func nomadServiceQuery(args []any) (watch.Query, error) {
	var params string
	switch len(args) {
	case 1:
	case 3:
		count, ok := args[0].(int)
		if !ok {
			return watch.Query{}, errors.New("expected integer for <count> argument")
		}
		key, ok := args[1].(string)
		if !ok {
			return watch.Query{}, errors.New("expected string for <key> argument")
		}
		params = fmt.Sprintf("%d|%s", count, key)
	default:
		return watch.Query{}, errors.New("expected arguments <service> or <count> <key> <service>")
	}
	name, ok := args[len(args)-1].(string)
	if !ok {
		return watch.Query{}, errors.New("expected string for <service> argument")
	}
	q, err := parseNomadService(name)
	if err != nil {
		return watch.Query{}, err
	}
	q.Params = params
	return q, nil
}

// nomadVar returns the items of a variable that must exist, nil as long as
// nothing is known.
func (e *Env) nomadVar(arg string) (watch.NomadVarItems, error) {
	if arg == "" {
		return nil, nil
	}
	q, err := parseNomadVar(arg)
	if err != nil {
		return nil, err
	}
	return askExisting[watch.NomadVarItems](e, q)
}

// nomadVarExists tells whether there is such a variable.
func (e *Env) nomadVarExists(arg string) (bool, error) {
	if arg == "" {
		return false, nil
	}
	q, err := parseNomadVar(arg)
	if err != nil {
		return false, err
	}
	items, _, err := ask[watch.NomadVarItems](e, q)
	return items != nil, err
}

// nomadVarList returns all but the items of the variables below a prefix.
func (e *Env) nomadVarList(prefix ...string) ([]*watch.NomadVarMeta, error) {
	return e.nomadVars(prefix, false)
}

// nomadVarListSafe is nomadVarList, but an empty list will not do.
func (e *Env) nomadVarListSafe(prefix ...string) ([]*watch.NomadVarMeta, error) {
	return e.nomadVars(prefix, true)
}

func (e *Env) nomadVars(args []string, must bool) ([]*watch.NomadVarMeta, error) {
	if len(args) > 1 {
		return nil, fmt.Errorf("nomadVarList takes either a single \"prefix\" parameter "+
			"or none for all available variables; got: %v", args)
	}
	q, err := parseNomadVarList(strings.Join(args, ""))
	if err != nil {
		return nil, err
	}
	list, known, err := ask[[]*watch.NomadVarMeta](e, q)
	if known && must && len(list) == 0 {
		e.Ask.Incomplete(q)
	}
	if list == nil {
		list = []*watch.NomadVarMeta{}
	}
	return list, err
}
