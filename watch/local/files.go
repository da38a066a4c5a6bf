package local

import (
	"context"
	"time"

	"restencil/watch"
)

// Files is the source of the function file: it answers FileContent with what
// is in the file at the path that the query names, as a string. A relative
// path starts from the working directory. Params may name a directory that the
// file must lie in at each reading, behind all links.
//
// A file that cannot be read is a failure, and is read again as soon as it is
// there: unlike with consul-template (COMPAT 3.7), one that goes away for a
// moment, or for a day, ends nothing.
type Files struct{ follower *follower }

// NewFiles returns a source that watches no file yet.
func NewFiles() *Files { return &Files{follower: newFollower()} }

// Run implements watch.Source.
func (f *Files) Run(ctx context.Context) { f.follower.run(ctx) }

// Watch implements watch.Source.
func (f *Files) Watch(q watch.Query, sink watch.Sink) {
	f.follower.follow(locationOf(q), func(content string, err error) {
		if err != nil {
			sink.Fail(&watch.Error{Query: q, Class: watch.Retry, Err: err})
			return
		}
		sink.Publish(watch.Answer{Data: content, Time: time.Now()})
	})
}

// Unwatch implements watch.Source.
func (f *Files) Unwatch(q watch.Query) { f.follower.letGo(locationOf(q)) }

func locationOf(q watch.Query) location { return location{path: q.Name, root: q.Params} }
