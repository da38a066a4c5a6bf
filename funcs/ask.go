package funcs

import (
	"fmt"

	"restencil/watch"
)

// ask returns the data of the answer to q. It is the zero value where there is
// no answer yet (known is false) and where the thing asked for does not exist.
func ask[T any](e *Env, q watch.Query) (data T, known bool, err error) {
	a, known, err := e.Ask.Ask(q)
	if err != nil || !known {
		return data, false, err
	}
	data, err = dataAs[T](q, a.Data)
	return data, true, err
}

// askList is ask for a list that templates see as empty, never as nil.
func askList[T any](e *Env, q watch.Query) ([]T, error) {
	list, _, err := ask[[]T](e, q)
	if list == nil {
		list = []T{}
	}
	return list, err
}

// askExisting is ask for a thing that must exist: what never did leaves the
// output incomplete, and what went away keeps its last value (COMPAT 3.4,
// quirk Q53).
func askExisting[T any](e *Env, q watch.Query) (data T, err error) {
	a, known, err := e.Ask.Ask(q)
	if err != nil || !known {
		return data, err
	}
	if a.Last == nil {
		e.Ask.Incomplete(q)
	}
	return dataAs[T](q, a.Last)
}

// dataAs returns data as the type that templates expect of q. A secret is taken
// out of what hides it: from here on it goes to the template, and to nobody else.
func dataAs[T any](q watch.Query, data any) (T, error) {
	data = watch.Reveal(data)
	v, ok := data.(T)
	if !ok && data != nil {
		return v, fmt.Errorf("%s: the store gave a %T instead of a %T", q, data, v)
	}
	return v, nil
}
