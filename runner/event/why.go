package event

import "restencil/watch"

// WhyMissing says in plain words why there is no usable answer to q: its newest
// failure, nil for none, or that what it asks for is not there. known reports that
// it has been answered.
func WhyMissing(q watch.Query, known bool, failure *watch.Failure) string {
	switch {
	case failure != nil:
		if e, ok := failure.Err.(*watch.Error); ok && e.Query == q { // which is printed anyway
			return e.Err.Error()
		}
		return failure.Err.Error()
	case !known:
		return "no answer yet"
	case q.Kind == watch.KVGet, q.Kind == watch.NomadVarGet:
		return "it does not exist"
	default:
		return "it is empty"
	}
}
