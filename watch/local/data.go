package local

import (
	"context"
	"fmt"
	"sync"
	"time"

	"restencil/watch"
	"restencil/watch/filewatch"
)

// Data is the source that answers queries to Consul from a data file. When the
// file changes, it answers all of them anew. While the file cannot be read or is
// wrong, every query fails with the reason and the place.
type Data struct {
	path string

	mu      sync.Mutex // also held during calls to sinks
	running bool       // Run has read the file
	model   *Model
	failure error // nil if model is of the file as it is
	queries map[watch.Query]*query
}

// A query is a watched query.
type query struct {
	watch.Query
	sink    watch.Sink
	failure string // the newest failure, "" after an answer
}

// NewData reads the data file at path, so that a missing or wrong file is an
// error at once. The error is one line that names the file.
func NewData(path string) (*Data, error) {
	content, err := filewatch.ReadFile(path)
	if err != nil {
		return nil, unreadable(err)
	}
	model, err := Parse(path, content)
	if err != nil {
		return nil, err
	}
	return &Data{path: path, model: model, queries: make(map[watch.Query]*query)}, nil
}

func unreadable(err error) error { return fmt.Errorf("reading the data file: %w", err) }

// Run implements watch.Source.
func (d *Data) Run(ctx context.Context) {
	file := filewatch.New(filewatch.Options{})
	file.Add(d.path)
	file.Run(ctx, func(added, changed []string) (failed []string) {
		content, err := filewatch.ReadFile(d.path)
		if err != nil {
			d.update(nil, unreadable(err))
			return []string{d.path}
		}
		d.update(Parse(d.path, content))
		return nil
	})
	d.mu.Lock()
	defer d.mu.Unlock()
	d.running = false
}

// update replaces the model, unless err is set, and answers every query.
func (d *Data) update(model *Model, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.running, d.failure = true, err
	if err == nil {
		model.follow(d.model)
		d.model = model
	}
	for _, some := range d.queries {
		watch.Batch(some.sink, func() {
			for _, q := range d.queries {
				d.answer(q)
			}
		})
		break
	}
}

// Watch implements watch.Source.
func (d *Data) Watch(list ...watch.Subscription) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, sub := range list {
		q := &query{Query: sub.ID.Value(), sink: sub.Sink}
		d.queries[q.Query] = q
		if d.running {
			d.answer(q)
		}
	}
}

// Unwatch implements watch.Source.
func (d *Data) Unwatch(ids ...watch.ID) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, id := range ids {
		delete(d.queries, id.Value())
	}
}

// answer publishes the answer to q, or a failure that differs from the last. The
// caller holds d.mu.
func (d *Data) answer(q *query) {
	data, err := d.model.Answer(q.Query)
	if d.failure != nil {
		err = &watch.Error{Query: q.Query, Class: watch.Retry, Err: d.failure}
	}
	switch {
	case err == nil:
		q.failure = ""
		q.sink.Publish(watch.Answer{Data: data, Index: d.model.index, Time: time.Now()})
	case q.failure != err.Error():
		q.failure = err.Error()
		q.sink.Fail(err)
	}
}
